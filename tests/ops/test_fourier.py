"""Centred Fourier transforms, Cartesian sampling and moves by fractions of a pixel."""

from collections.abc import Callable
from math import cos, pi

import fastmri
import pytest
import torch
from torch import Tensor

from recon.errors import DataError, ShapeError
from recon.ops import (
    cartesian_adjoint,
    cartesian_forward,
    centred_fft,
    centred_ifft,
    fourier_shift,
    move_kspace,
    sample_columns,
)

SIZES = [(8, 8), (6, 9), (7, 5), (1, 4)]
COMPLEX = torch.complex128


def inner(a: Tensor, b: Tensor) -> Tensor:
    """Give <a, b>, conjugate-linear in the second."""
    return (a * b.conj()).sum()


def columns(width: int) -> Tensor:
    """Keep every second column and the first."""
    return torch.arange(width) % 2 == 0


def wave(size: tuple[int, int], row_shift: float, column_shift: float) -> Tensor:
    """Draw a smooth periodic image, moved by a shift of any size, from its formula."""
    rows = torch.arange(size[0], dtype=torch.float64)[:, None] - row_shift
    cols = torch.arange(size[1], dtype=torch.float64)[None, :] - column_shift
    return torch.cos(2 * pi * rows / size[0] + 0.3) * torch.sin(2 * pi * 2 * cols / size[1] - 1.1) + 0.5


@pytest.mark.parametrize("size", SIZES)
def test_transforms_are_those_of_fastmri(size: tuple[int, int]) -> None:
    x = torch.randn(2, *size, dtype=COMPLEX)
    for ours, theirs in ((centred_fft, fastmri.fft2c), (centred_ifft, fastmri.ifft2c)):
        expected = torch.view_as_complex(theirs(torch.view_as_real(x)))
        torch.testing.assert_close(ours(x), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("size", SIZES)
def test_transforms_invert_each_other_and_keep_the_norm(size: tuple[int, int]) -> None:
    x = torch.randn(2, *size, dtype=COMPLEX)
    torch.testing.assert_close(centred_ifft(centred_fft(x)), x)
    torch.testing.assert_close(centred_fft(x).abs().square().sum(), x.abs().square().sum())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("forward", "adjoint"),
    [
        (centred_fft, centred_ifft),
        (lambda x: centred_fft(x, (-2,)), lambda y: centred_ifft(y, (-2,))),
        (lambda x: sample_columns(x, columns(x.shape[-1])), lambda y: sample_columns(y, columns(y.shape[-1]))),
        (lambda x: cartesian_forward(x, columns(x.shape[-1])), lambda y: cartesian_adjoint(y, columns(y.shape[-1]))),
        (lambda x: move_kspace(x, (0.3, -1.7)), lambda y: move_kspace(y, (-0.3, 1.7))),
    ],
    ids=["fft", "fft of rows", "mask", "measurement", "move"],
)
def test_adjoints(
    size: tuple[int, int], forward: Callable[[Tensor], Tensor], adjoint: Callable[[Tensor], Tensor]
) -> None:
    x, y = torch.randn(2, 3, *size, dtype=COMPLEX)
    torch.testing.assert_close(inner(forward(x), y), inner(x, adjoint(y)), rtol=1e-12, atol=1e-12)


def test_constant_image_has_one_frequency_in_the_middle() -> None:
    kspace = centred_fft(torch.ones(4, 6, dtype=torch.float64))
    assert kspace[2, 3].item() == pytest.approx(24**0.5)
    assert kspace.abs().sum().item() == pytest.approx(24**0.5)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shift", [(1, 0), (-2, 3), (0, 0), (9, -11)])
def test_whole_shifts_are_rolls(size: tuple[int, int], shift: tuple[int, int]) -> None:
    x = torch.randn(2, *size, dtype=torch.float64)
    torch.testing.assert_close(fourier_shift(x, shift), x.roll(shift, (-2, -1)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shift", [(0.5, 0.25), (-1.75, 1 / 3), (0.1, 7.6)])
def test_moves_by_fractions_move_a_formula(shift: tuple[float, float]) -> None:
    size = (12, 15)
    expected = wave(size, *shift)
    torch.testing.assert_close(fourier_shift(wave(size, 0, 0), shift), expected, rtol=1e-12, atol=1e-12)


def test_each_image_moves_by_its_own_shift() -> None:
    x = torch.randn(3, 2, 6, 7, dtype=torch.float64)
    shifts = torch.tensor([[0.5, 1], [0, 0], [-2, 0.25]], dtype=torch.float64)
    expected = torch.stack([fourier_shift(image, shift.tolist()) for image, shift in zip(x, shifts, strict=True)])
    torch.testing.assert_close(fourier_shift(x, shifts), expected)


def test_half_a_pixel_damps_the_highest_frequency_of_a_real_image() -> None:
    checkerboard = torch.tensor([[1.0, -1.0, 1.0, -1.0]], dtype=torch.float64)
    moved = fourier_shift(checkerboard, (0, 0.25))
    torch.testing.assert_close(moved, cos(pi / 4) * checkerboard)


def test_move_is_of_the_object_whatever_the_mask() -> None:
    x, mask = torch.randn(8, 8, dtype=COMPLEX), columns(8)
    moved_then_measured = cartesian_forward(x.roll((1, 2), (0, 1)), mask)
    torch.testing.assert_close(moved_then_measured, sample_columns(move_kspace(centred_fft(x), (1, 2)), mask))


def test_each_image_has_its_own_mask() -> None:
    kspace = torch.randn(2, 3, 4, 5, dtype=COMPLEX)
    masks = torch.tensor([[1, 0, 0, 1, 1], [0, 1, 0, 0, 0]])
    expected = torch.stack([sample_columns(k, mask) for k, mask in zip(kspace, masks, strict=True)])
    torch.testing.assert_close(sample_columns(kspace, masks), expected)


def test_masked_nan_is_zero() -> None:
    kspace = torch.full((2, 2), float("nan"), dtype=COMPLEX)
    assert sample_columns(kspace, torch.tensor([False, False])).abs().sum() == 0


def test_transforms_have_gradients() -> None:
    x = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    mask = columns(4)
    assert torch.autograd.gradcheck(lambda x: fourier_shift(x, (0.3, 0.6)), x)
    assert torch.autograd.gradcheck(lambda x: cartesian_adjoint(cartesian_forward(x, mask), mask).abs(), x)


def test_what_does_not_fit_is_refused() -> None:
    kspace = torch.zeros(3, 4, 5, dtype=COMPLEX)
    with pytest.raises(ShapeError, match=r"mask must have the shape \(W,\) or \(B, W\).*got \(4,\)"):
        sample_columns(kspace, torch.ones(4))
    with pytest.raises(ShapeError, match=r"got \(2, 5\)"):
        sample_columns(kspace, torch.ones(2, 5))
    with pytest.raises(ShapeError, match="shift must be two numbers"):
        move_kspace(kspace, (1, 2, 3))
    with pytest.raises(DataError, match="kspace must be complex"):
        move_kspace(torch.zeros(4, 5), (1, 2))
