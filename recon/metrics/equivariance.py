"""The equivariance error: the one place where it is computed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recon.errors import ShapeError
from recon.ops.memory import bits
from recon.ops.periodic import roll_images


@dataclass(frozen=True, slots=True)
class EquivarianceError:
    """How far f(T x) is from T f(x).

    Args:
        nmse: sum of squared differences over the sum of squares of T f(x), over the whole batch; 0 where both are zero.
        max_abs: the largest absolute difference.
        bitwise: whether the two are equal bit for bit.
    """

    nmse: float
    max_abs: float
    bitwise: bool


def equivariance_error(f: Callable[[Tensor], Tensor], x: Tensor, shift: Sequence[int] | Tensor) -> EquivarianceError:
    """Compare f(T x) with T f(x), where T is a circular shift: (T x)[n] = x[n - shift].

    NMSE = |f(T x) - T f(x)|**2 / |T f(x)|**2  (Chaman and Dokmanic 2021, section 4), computed in float64.

    Args:
        f: from images (B, C, *spatial) to images (B, C', *spatial); a network should be in eval mode.
        x: images.
        shift: (rows, columns), for all images; or one row of them for each image as an integer tensor (B, d).

    >>> x = torch.arange(16.0).reshape(1, 1, 4, 4)
    >>> equivariance_error(torch.relu, x, (1, 2))
    EquivarianceError(nmse=0.0, max_abs=0.0, bitwise=True)
    """
    return disagreement(*equivariance_pair(f, x, shift))


@torch.no_grad()
def equivariance_pair(f: Callable[[Tensor], Tensor], x: Tensor, shift: Sequence[int] | Tensor) -> tuple[Tensor, Tensor]:
    """Give T f(x) and f(T x), images (B, C', *spatial) that an equivariant f makes equal: see `equivariance_error`.

    >>> first, second = equivariance_pair(torch.relu, torch.randn(2, 1, 8, 8), torch.tensor([[1, 2], [0, 3]]))
    >>> torch.equal(first, second)
    True
    """
    shift = shift.to(x.device) if isinstance(shift, Tensor) else shift
    shifted = roll_images(x, shift)
    output = f(x)
    if output.shape[0] != x.shape[0] or output.shape[2:] != x.shape[2:]:
        raise ShapeError(
            f"f must give images (B, C', *spatial) as many and as large as x, got {tuple(output.shape)} for x of shape "
            f"{tuple(x.shape)}; wrap f to give such images"
        )
    shifted_output, output_of_shifted = roll_images(output, shift), f(shifted)
    if shifted_output.shape != output_of_shifted.shape:
        raise ShapeError(
            f"f must give the same shape for x and for x shifted, got {tuple(shifted_output.shape)} and "
            f"{tuple(output_of_shifted.shape)}"
        )
    return shifted_output, output_of_shifted


@torch.no_grad()
def disagreement(expected: Tensor, got: Tensor) -> EquivarianceError:
    """Compare two tensors of one shape, all values at once: |got - expected|**2 / |expected|**2, and the rest.

    >>> disagreement(torch.tensor([3.0, 4.0]), torch.tensor([3.0, 3.0]))
    EquivarianceError(nmse=0.04, max_abs=1.0, bitwise=False)
    """
    if expected.shape != got.shape:
        raise ShapeError(f"both must have one shape, got {tuple(expected.shape)} and {tuple(got.shape)}")
    if expected.is_complex():
        expected, got = torch.view_as_real(expected), torch.view_as_real(got)
    difference = (got.double() - expected.double()).abs()
    largest = float(expected.double().abs().max()) if expected.numel() else 0.0
    scale = largest if largest > 0 else 1.0  # squares of float64's largest and smallest numbers have no room
    error = float((difference / scale).square().sum())
    power = float((expected.double() / scale).square().sum())
    nmse = error / power if power > 0 else (0.0 if error == 0 else float("inf"))
    return EquivarianceError(
        nmse=nmse,
        max_abs=float(difference.max()) if difference.numel() else 0.0,
        bitwise=torch.equal(bits(expected), bits(got)),
    )
