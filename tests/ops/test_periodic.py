"""Windows of the periodic extension: every pixel comes from where it should, and its gradient goes back there."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from recon.errors import ShapeError
from recon.ops import pad_periodic, periodic_window, roll_images
from tests.properties import (
    FLOATS,
    adjointness_test,
    all_shifts,
    gradient_test,
    keeps_channels_last,
    rolled,
    same_bits,
)

# (size of the image, start, size of the window)
WINDOWS: tuple[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]], ...] = (
    ((7,), (0,), (7,)),
    ((7,), (3,), (7,)),
    ((7,), (-2,), (3,)),
    ((7,), (6,), (1,)),
    ((7,), (-15,), (30,)),
    ((7,), (16,), (14,)),
    ((1,), (-3,), (5,)),
    ((2,), (1,), (3,)),
    ((4, 6), (0, 0), (4, 6)),
    ((4, 6), (-1, -1), (6, 8)),
    ((4, 6), (4, -6), (4, 6)),
    ((4, 6), (1, -7), (3, 5)),
    ((4, 6), (0, 2), (4, 20)),
    ((4, 6), (-9, 5), (13, 2)),
    ((1, 2), (-2, -2), (4, 5)),
    ((3, 4, 5), (0, -1, 2), (3, 6, 2)),
    ((3, 4, 5), (-4, 9, 1), (7, 4, 11)),
)
STARTS_PER_IMAGE = {1: [[0], [5], [-3]], 2: [[0, 0], [-1, 3], [9, -8]], 3: [[0, 0, 0], [2, -1, 7], [-5, 3, 1]]}


def window_by_index(x: Tensor, starts: Sequence[Sequence[int]], size: Sequence[int]) -> Tensor:
    """Read the windows by NumPy's index arithmetic."""
    windows = []
    for image, start in zip(x.numpy(), starts, strict=True):
        index = [(np.arange(length) + s) % n for s, length, n in zip(start, size, image.shape[1:], strict=True)]
        windows.append(image[np.ix_(np.arange(len(image)), *index)])
    return torch.from_numpy(np.stack(windows))


@pytest.mark.parametrize("dtype", [*FLOATS, torch.bfloat16, torch.int64, torch.complex64])
@pytest.mark.parametrize(("shape", "start", "size"), WINDOWS)
def test_window_reads_the_index_modulo_the_size(
    shape: tuple[int, ...], start: tuple[int, ...], size: tuple[int, ...], dtype: torch.dtype
) -> None:
    x = torch.arange(6 * math.prod(shape)).reshape(3, 2, *shape)
    expected = window_by_index(x, [start] * 3, size).to(dtype)
    assert same_bits(periodic_window(x.to(dtype), start, size), expected)
    assert same_bits(periodic_window(x.to(dtype), torch.tensor([start] * 3), size), expected)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("length", [1, 4, 9, 25])
def test_every_image_has_its_own_window(dims: int, length: int) -> None:
    x = torch.randn(3, 2, *(4, 6, 5)[:dims])
    starts = STARTS_PER_IMAGE[dims]
    y = periodic_window(x, torch.tensor(starts), [length] * dims)
    assert same_bits(y, window_by_index(x, starts, [length] * dims))


def test_window_by_hand() -> None:
    x = torch.tensor([[[10.0, 11.0, 12.0], [20.0, 21.0, 22.0]]])[None]
    y = periodic_window(x, [-1, 2], [2, 4])
    assert y.tolist() == [[[[22.0, 20.0, 21.0, 22.0], [12.0, 10.0, 11.0, 12.0]]]]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("before", "after"), [((1, 1), (1, 1)), ((0, 3), (2, 0)), ((4, 6), (4, 6)), ((0, 0), (0, 0))])
def test_padding_is_that_of_torch(before: tuple[int, int], after: tuple[int, int], dtype: torch.dtype) -> None:
    x = torch.randn(3, 2, 4, 6, dtype=dtype)
    expected = F.pad(x, (before[1], after[1], before[0], after[0]), mode="circular")
    assert torch.equal(pad_periodic(x, before, after), expected)


def test_padding_by_more_than_the_image_wraps_again() -> None:
    x = torch.arange(3.0).reshape(1, 1, 3)
    assert pad_periodic(x, [4], [7]).tolist() == [[[2.0, *[0.0, 1.0, 2.0] * 4, 0.0]]]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(5,), (1,), (4, 6), (2, 1), (2, 3, 4)])
def test_rolling_is_that_of_torch(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    shifts = all_shifts([2 * n + 1 for n in shape]) - torch.tensor(shape)
    x = torch.randn(len(shifts), 2, *shape, dtype=dtype)
    assert torch.equal(roll_images(x, shifts), rolled(x, shifts))
    assert torch.equal(roll_images(x, shifts[-1].tolist()), torch.roll(x, shifts[-1].tolist(), tuple(range(2, x.ndim))))


def test_rolling_back_gives_every_bit_back() -> None:
    x = torch.tensor([0.0, -0.0, float("nan"), float("inf"), -1e-45]).reshape(1, 1, 5)
    assert same_bits(roll_images(roll_images(x, [3]), [-3]), x)


@pytest.mark.parametrize(("shape", "start", "size"), WINDOWS)
def test_backward_adds_every_pixel_to_where_it_was_read(
    shape: tuple[int, ...], start: tuple[int, ...], size: tuple[int, ...]
) -> None:
    def fold(y: Tensor) -> Tensor:
        where = window_by_index(torch.arange(math.prod(shape)).reshape(1, 1, *shape), [start], size).flatten()
        return torch.zeros(3, 2, math.prod(shape), dtype=y.dtype).index_add(2, where, y.flatten(2)).reshape(x.shape)

    x = torch.randn(3, 2, *shape, dtype=torch.float64)
    adjointness_test(lambda image: periodic_window(image, start, size), fold, x)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_rolling_back_is_the_adjoint_of_rolling(dims: int) -> None:
    x, shift = torch.randn(3, 2, *(4, 6, 5)[:dims], dtype=torch.float64), torch.tensor(STARTS_PER_IMAGE[dims])
    adjointness_test(lambda image: roll_images(image, shift), lambda image: roll_images(image, -shift), x)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (3, 4), (4, 5), (8, 3), (7, 9)])
def test_derivatives_of_windows(size: tuple[int, int]) -> None:
    starts = torch.tensor([[0, 0], [-1, 2], [5, 3]])
    gradient_test(lambda x: periodic_window(x, starts, size), torch.randn(3, 1, 3, 4, dtype=torch.float64))


@pytest.mark.parametrize("shape", [(4, 6), (3, 4, 5)])
@pytest.mark.parametrize("length", [3, 4, 11])
@pytest.mark.parametrize("per_image", [False, True])
def test_memory_format_is_kept(shape: tuple[int, ...], length: int, per_image: bool) -> None:
    starts = STARTS_PER_IMAGE[len(shape)]
    start = torch.tensor(starts) if per_image else starts[1]
    x = torch.randn(3, 2, *shape)
    assert keeps_channels_last(lambda image: periodic_window(image, start, [length] * len(shape)), x)


def test_whole_image_is_not_copied() -> None:
    x = torch.randn(2, 1, 4, 6)
    assert periodic_window(x, [4, -6], (4, 6)) is x
    assert roll_images(x, torch.zeros(2, 2, dtype=torch.int64)) is x


def test_batch_may_be_empty() -> None:
    x, starts = torch.zeros(0, 2, 4, 6), torch.zeros(0, 2, dtype=torch.int64)
    assert periodic_window(x, starts, (3, 9)).shape == (0, 2, 3, 9)
    assert roll_images(x, starts).shape == x.shape


def test_wrong_number_of_numbers_is_refused_by_name() -> None:
    x = torch.zeros(3, 1, 4, 6)
    claim = r" must have one number for each of the 2 spatial dimensions of x, got 1 for x of shape \(3, 1, 4, 6\)$"
    with pytest.raises(ShapeError, match="^start" + claim):
        periodic_window(x, [0], [4, 6])
    with pytest.raises(ShapeError, match="^size" + claim):
        periodic_window(x, [0, 0], [4])
    with pytest.raises(ShapeError, match="^shift" + claim):
        roll_images(x, [1])
    with pytest.raises(ShapeError, match="^before" + claim):
        pad_periodic(x, [1], [1, 1])
    with pytest.raises(ShapeError, match="^after" + claim):
        pad_periodic(x, [1, 1], [1])


@pytest.mark.parametrize("shape", [(2,), (3,), (2, 2), (3, 1), (1, 2), (3, 2, 1)])
def test_tensor_without_one_row_for_each_image_is_refused(shape: tuple[int, ...]) -> None:
    x, numbers = torch.zeros(3, 1, 4, 6), torch.ones(shape, dtype=torch.int64)
    claim = (
        r" must be 2 numbers, or a tensor of shape \(B, 2\) = \(3, 2\) with one row for each image, got a tensor of "
    )
    with pytest.raises(ShapeError, match="^start" + claim):
        periodic_window(x, numbers, [4, 6])
    with pytest.raises(ShapeError, match="^shift" + claim):
        roll_images(x, numbers)
