"""Checks of what comes in from outside, made once at the public boundary."""

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
