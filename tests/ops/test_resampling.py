"""Upsampling: torch's own interpolation on a circle."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from recon.ops import upsample_linear, upsample_nearest
from tests.properties import FLOATS, adjointness_test, all_shifts, gradient_test, rolled, same_bits

MODES = {1: "linear", 2: "bilinear", 3: "trilinear"}
STRIDES = (2, 3, 4)
SMALL = ((5,), (4, 6), (3, 4, 5))


def interpolated(y: Tensor, stride: int) -> Tensor:
    """Interpolate on a circle with torch: pad, interpolate, and cut the padding off."""
    dims = y.ndim - 2
    padded = F.pad(y, (1, 1) * dims, mode="circular")
    x = F.interpolate(padded, scale_factor=stride, mode=MODES[dims], align_corners=False)
    return x[(slice(None), slice(None), *[slice(stride, -stride)] * dims)]


@pytest.mark.parametrize("dtype", [*FLOATS, torch.bfloat16])
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("size", [*SMALL, (1,), (2, 1)])
def test_nearest_repeats_every_pixel(size: tuple[int, ...], stride: int, dtype: torch.dtype) -> None:
    y = torch.randn(3, 2, *size).to(dtype)
    expected = y
    for axis in range(2, y.ndim):
        expected = expected.repeat_interleave(stride, axis)
    assert same_bits(upsample_nearest(y, stride), expected)
    assert torch.equal(upsample_nearest(y, stride), F.interpolate(y, scale_factor=stride, mode="nearest"))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("size", SMALL)
def test_linear_is_that_of_torch_away_from_the_border(size: tuple[int, ...], stride: int, dtype: torch.dtype) -> None:
    y = torch.randn(3, 2, *size, dtype=dtype)
    inner = (slice(None), slice(None), *[slice(stride, -stride)] * len(size))
    plain = F.interpolate(y, scale_factor=stride, mode=MODES[len(size)], align_corners=False)
    torch.testing.assert_close(upsample_linear(y, stride)[inner], plain[inner])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("size", [*SMALL, (1,), (2, 1), (1, 2, 1)])
def test_linear_is_that_of_torch_on_a_circle(size: tuple[int, ...], stride: int, dtype: torch.dtype) -> None:
    y = torch.randn(3, 2, *size, dtype=dtype)
    torch.testing.assert_close(upsample_linear(y, stride), interpolated(y, stride))


@pytest.mark.parametrize("stride", STRIDES)
def test_linear_is_that_of_numpy_on_a_circle(stride: int) -> None:
    y = torch.randn(1, 1, 7, dtype=torch.float64)
    places = (np.arange(7 * stride) + 0.5) / stride - 0.5
    expected = np.interp(places, np.arange(7), y.numpy()[0, 0], period=7)
    np.testing.assert_allclose(upsample_linear(y, stride)[0, 0].numpy(), expected, rtol=1e-12, atol=1e-12)


def test_upsampling_by_hand() -> None:
    y = torch.tensor([[[0.0, 8.0, 16.0]]])
    assert upsample_nearest(y, 3).tolist() == [[[0.0, 0.0, 0.0, 8.0, 8.0, 8.0, 16.0, 16.0, 16.0]]]
    assert upsample_linear(y).tolist() == [[[4.0, 2.0, 6.0, 10.0, 14.0, 12.0]]]
    assert upsample_linear(y, 4).tolist() == [[[6.0, 2.0, 1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0, 14.0, 10.0]]]


@pytest.mark.parametrize("upsample", [upsample_nearest, upsample_linear])
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("size", [(5,), (4, 3), (2, 3, 2)])
def test_every_shift_moves_the_image_by_its_multiple_bit_for_bit(
    size: tuple[int, ...], stride: int, upsample: Callable[[Tensor, int], Tensor]
) -> None:
    for dtype in (*FLOATS, torch.bfloat16):
        y, shifts = torch.randn(1, 2, *size).to(dtype), all_shifts(size)
        assert same_bits(upsample(rolled(y, shifts), stride), rolled(upsample(y, stride), stride * shifts))


@pytest.mark.parametrize("upsample", [upsample_nearest, upsample_linear])
@pytest.mark.parametrize("stride", STRIDES)
def test_constant_stays_and_the_mean_is_kept(stride: int, upsample: Callable[[Tensor, int], Tensor]) -> None:
    y = torch.randn(3, 2, 4, 5, dtype=torch.float64)
    torch.testing.assert_close(upsample(y, stride).mean((2, 3)), y.mean((2, 3)))
    torch.testing.assert_close(upsample(torch.ones(1, 1, 3, 2), stride), torch.ones(1, 1, 3 * stride, 2 * stride))


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("size", SMALL)
def test_summing_windows_is_the_adjoint_of_nearest(size: tuple[int, ...], stride: int) -> None:
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(size) - 1]
    y = torch.randn(2, 2, *size, dtype=torch.float64)
    adjointness_test(lambda y: upsample_nearest(y, stride), lambda x: pool(x, stride) * stride ** len(size), y)


@pytest.mark.parametrize("upsample", [upsample_nearest, upsample_linear])
@pytest.mark.parametrize("size", [(3,), (2, 3), (1, 2, 2)])
def test_derivatives(size: tuple[int, ...], upsample: Callable[[Tensor, int], Tensor]) -> None:
    for stride in (2, 3):
        gradient_test(lambda y, stride=stride: upsample(y, stride), torch.randn(2, 1, *size, dtype=torch.float64))


def test_channels_last_gives_the_same_values() -> None:
    y = torch.randn(3, 4, 5, 6)
    for upsample in (upsample_nearest, upsample_linear):
        assert torch.equal(upsample(y.to(memory_format=torch.channels_last)), upsample(y))
