"""Checks of what comes in from outside, made once at the public boundary."""

from collections.abc import Sequence

import torch
from torch import Tensor

from recon.errors import DataError, ShapeError
from recon.ops.tracing import recording


def require_images(x: Tensor, dims: int, *, name: str) -> None:
    """Raise an error unless x is a tensor (B, C, *spatial) of so many spatial dimensions, of a floating-point type."""
    if not isinstance(x, Tensor):
        raise DataError(f"{name} must be a torch.Tensor, got {type(x).__name__}; call torch.as_tensor({name})")
    if x.ndim != dims + 2:
        axes = ("L",) if dims == 1 else ("D", "H", "W")[-dims:]
        raise ShapeError(
            f"{name} must have the shape (batch, channels, {', '.join(axes)}), got {tuple(x.shape)}; "
            f"reshape it, or build the layer with other dims"
        )
    if not x.is_floating_point():
        raise DataError(f"{name} must be of a floating-point or complex type, got {x.dtype}; call {name}.float()")


def require_finite(x: Tensor, *, name: str) -> None:
    """Raise an error if x has a NaN or infinite value; a recorded graph cannot look."""
    if recording() or bool(torch.isfinite(x).all()):
        return
    count = int((~torch.isfinite(x)).sum())
    raise DataError(f"{name} must be finite, got {count} values that are NaN or infinite; replace or mask them first")


def require_divisible(x: Tensor, divisor: int, *, name: str) -> None:
    """Raise an error unless every spatial size of x (B, C, *spatial) is a multiple of divisor."""
    sizes = x.shape[2:]
    if any(n % divisor or n == 0 for n in sizes):
        axes = ("L",) if len(sizes) == 1 else ("D", "H", "W")[-len(sizes) :]
        got = ", ".join(f"{axis}={n}" for axis, n in zip(axes, sizes, strict=True))
        fits = " x ".join(str(max(n - n % divisor, divisor)) for n in sizes)
        raise ShapeError(
            f"{name} must have {' and '.join(axes)} divisible by {divisor}, got {got}; crop or pad it, "
            f"for instance to {fits}"
        )


def require_one_each(x: Tensor, numbers: Tensor | Sequence[int], *, name: str) -> None:
    """Raise an error unless there is one number for each spatial dimension of x (B, C, *spatial): d, or (B, d)."""
    batch, dims = x.shape[0], x.ndim - 2
    if isinstance(numbers, Tensor):
        if numbers.ndim != 2 or numbers.shape[1] != dims or (not recording() and numbers.shape[0] != batch):
            raise ShapeError(
                f"{name} must be {dims} numbers, or a tensor of shape (B, {dims}) = ({batch}, {dims}) with one row for "
                f"each image, got a tensor of shape {tuple(numbers.shape)} for x of shape {tuple(x.shape)}"
            )
    elif len(numbers) != dims:
        raise ShapeError(
            f"{name} must have one number for each of the {dims} spatial dimensions of x, got {len(numbers)} for x of "
            f"shape {tuple(x.shape)}"
        )
