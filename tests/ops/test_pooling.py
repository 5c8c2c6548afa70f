"""Pooling at every pixel and at chosen ones: torch's own pooling of the shifted image, and back again."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from recon.errors import ShapeError
from recon.ops import (
    dense_max,
    dense_mean,
    keep_phase,
    max_codes,
    max_pool_at,
    phase_grid,
    place_phase,
    roll_images,
    unpool,
)
from tests.properties import (
    FLOATS,
    SIZES,
    adjointness_test,
    all_shifts,
    gradient_test,
    keeps_channels_last,
    rolled,
    same_bits,
)

MAX_POOLS: tuple[Callable[..., Tensor], ...] = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
MEAN_POOLS: tuple[Callable[..., Tensor], ...] = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)
STRIDES = (2, 3, 4)


def without_ties(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Give images in which no two pixels are equal."""
    return torch.randperm(int(torch.tensor(shape).prod())).reshape(shape).to(dtype) - 100


def padded_after(x: Tensor, size: int) -> Tensor:
    """Pad every axis circularly by size - 1 pixels at its end."""
    return F.pad(x, (0, size - 1) * (x.ndim - 2), mode="circular")


def some_offsets(stride: int, dims: int) -> Tensor:
    """Three different offsets (3, d)."""
    return phase_grid(stride, dims)[[0, 1, -1]] if stride**dims > 2 else torch.tensor([[0], [1], [1]])


@pytest.mark.parametrize("dtype", [*FLOATS, torch.bfloat16])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", [*SIZES, (5, 4), (4, 7, 5)])
def test_dense_maximum_is_that_of_torch(shape: tuple[int, ...], size: int, dtype: torch.dtype) -> None:
    x = torch.randn(3, 2, *shape).to(dtype)
    assert same_bits(dense_max(x, size), MAX_POOLS[len(shape) - 1](padded_after(x, size), size, stride=1))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("shape", SIZES)
def test_dense_mean_is_that_of_torch(shape: tuple[int, ...], size: int, dtype: torch.dtype) -> None:
    x = torch.randn(3, 2, *shape, dtype=dtype)
    torch.testing.assert_close(dense_mean(x, size), MEAN_POOLS[len(shape) - 1](padded_after(x, size), size, stride=1))


@pytest.mark.parametrize("pool", [dense_max, dense_mean])
@pytest.mark.parametrize("shape", [(1,), (2,), (1, 2), (3, 1), (2, 1, 1)])
def test_windows_wider_than_the_image_wrap(shape: tuple[int, ...], pool: Callable[[Tensor, int], Tensor]) -> None:
    x, size = torch.randn(2, 1, *shape, dtype=torch.float64), 5
    shifts = -all_shifts([size] * len(shape))
    seen = torch.stack([torch.roll(x, shift.tolist(), tuple(range(2, x.ndim))) for shift in shifts])
    expected = seen.amax(0) if pool is dense_max else seen.mean(0)
    torch.testing.assert_close(pool(x, size), expected)


def test_dense_pooling_by_hand() -> None:
    x = torch.tensor([[[[1.0, 7.0, 3.0], [4.0, 5.0, -2.0]]]])
    assert dense_max(x).tolist() == [[[[7.0, 7.0, 4.0], [7.0, 7.0, 4.0]]]]
    assert dense_mean(x).tolist() == [[[[4.25, 3.25, 1.5], [4.25, 3.25, 1.5]]]]


@pytest.mark.parametrize("pool", [dense_max, dense_mean])
@pytest.mark.parametrize("dtype", [*FLOATS, torch.bfloat16])
def test_dense_pooling_commutes_with_every_shift(pool: Callable[[Tensor, int], Tensor], dtype: torch.dtype) -> None:
    x, shifts = torch.randn(1, 3, 5, 8).to(dtype), all_shifts((5, 8))
    for size in (2, 3):
        assert same_bits(pool(rolled(x, shifts), size), rolled(pool(x, size), shifts))


def test_not_a_number_spoils_its_windows_alone() -> None:
    x = torch.zeros(1, 1, 4, 6)
    x[0, 0, 1, 0] = float("nan")
    spoilt = torch.zeros(1, 1, 4, 6, dtype=torch.bool)
    spoilt[0, 0, 0:2, [0, 5]] = True
    assert torch.equal(dense_max(x).isnan(), spoilt)
    assert torch.equal(max_pool_at(x, torch.tensor([[1, 1]])).isnan().nonzero(), torch.tensor([[0, 0, 0, 2]]))


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("shape", [(9,), (5, 6), (4, 5, 4)])
def test_gradient_of_the_dense_maximum_is_that_of_torch(shape: tuple[int, ...], size: int) -> None:
    x = without_ties(3, 2, *shape, dtype=torch.float64).requires_grad_()
    y = dense_max(x, size)
    weights = torch.randn_like(y)
    (gradient,) = torch.autograd.grad(y, x, weights)
    (expected,) = torch.autograd.grad(MAX_POOLS[len(shape) - 1](padded_after(x, size), size, stride=1), x, weights)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 2, 3)])
def test_derivatives_of_dense_pooling(shape: tuple[int, ...], size: int) -> None:
    x = without_ties(2, 1, *shape, dtype=torch.float64)
    gradient_test(lambda image: dense_max(image, size), x, twice=False)
    gradient_test(lambda image: dense_mean(image, size), x)


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("shape", [(6,), (5, 6), (4, 5, 4)])
def test_gradient_of_equal_pixels_goes_to_the_first(shape: tuple[int, ...], size: int) -> None:
    x = torch.ones(2, 1, *shape, dtype=torch.float64, requires_grad=True)
    y = dense_max(x, size)
    weights = torch.randn_like(y)
    (gradient,) = torch.autograd.grad(y, x, weights)
    assert torch.equal(gradient, weights)


def test_gradient_of_equal_maxima_by_hand() -> None:
    x = torch.zeros(1, 1, 4, 4, requires_grad=True)
    with torch.no_grad():
        x[0, 0, 1, 2] = x[0, 0, 2, 1] = 1
    (gradient,) = torch.autograd.grad(dense_max(x)[0, 0, 1, 1], x)
    assert gradient.nonzero().tolist() == [[0, 0, 2, 1]]  # the first column, then the first row in it


def test_gradient_of_the_dense_maximum_loses_nothing_at_ties() -> None:
    x = torch.randint(3, (2, 3, 6, 8), dtype=torch.float64).requires_grad_()
    y = dense_max(x, 3)
    weights = torch.randn_like(y)
    (gradient,) = torch.autograd.grad(y, x, weights)
    torch.testing.assert_close(gradient.sum((2, 3)), weights.sum((2, 3)))


@pytest.mark.parametrize("dtype", [*FLOATS, torch.bfloat16])
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("shape", SIZES)
def test_maxima_at_a_phase_are_those_of_the_rolled_image(
    shape: tuple[int, ...], stride: int, dtype: torch.dtype
) -> None:
    x, offsets = torch.randn(3, 2, *shape).to(dtype), some_offsets(stride, len(shape))
    expected = MAX_POOLS[len(shape) - 1](rolled(x, -offsets), stride)
    assert same_bits(max_pool_at(x, offsets, stride), expected)
    assert same_bits(keep_phase(dense_max(x, stride), offsets, stride), expected)


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("shape", SIZES)
def test_gradient_of_maxima_at_a_phase_is_that_of_the_rolled_image(shape: tuple[int, ...], stride: int) -> None:
    offsets = some_offsets(stride, len(shape))
    for x in (without_ties(3, 2, *shape, dtype=torch.float64), torch.randint(3, (3, 2, *shape), dtype=torch.float64)):
        x.requires_grad_()
        y = max_pool_at(x, offsets, stride)
        weights = torch.randn_like(y)
        (gradient,) = torch.autograd.grad(y, x, weights)
        (expected,) = torch.autograd.grad(MAX_POOLS[len(shape) - 1](rolled(x, -offsets), stride), x, weights)
        assert torch.equal(gradient, expected)


def test_maxima_at_a_phase_by_hand() -> None:
    x = torch.tensor([[[[1.0, 7.0, 3.0, 0.0], [4.0, 5.0, -2.0, 9.0]]]])
    assert max_pool_at(x, torch.tensor([[0, 1]])).tolist() == [[[[7.0, 9.0]]]]
    assert max_pool_at(x, torch.tensor([[0, 0]])).tolist() == [[[[7.0, 9.0]]]]
    assert max_pool_at(-x, torch.tensor([[1, 1]])).tolist() == [[[[2.0, 0.0]]]]


@pytest.mark.parametrize("function", [dense_max, dense_mean, lambda x: max_pool_at(x, torch.tensor([[0, 1], [1, 1]]))])
def test_memory_format_is_kept(function: Callable[[Tensor], Tensor]) -> None:
    assert keeps_channels_last(function, torch.randn(2, 3, 8, 12))


def test_indivisible_size_is_refused() -> None:
    message = "^x must have H and W divisible by 2, got H=4, W=5; crop or pad it, for instance to 4 x 4$"
    with pytest.raises(ShapeError, match=message):
        max_pool_at(torch.zeros(1, 1, 4, 5), torch.tensor([[0, 0]]))
    with pytest.raises(ShapeError, match=message):
        max_codes(torch.zeros(1, 1, 4, 5))


def test_batch_may_be_empty() -> None:
    x, offsets = torch.zeros(0, 2, 4, 6), torch.zeros(0, 2, dtype=torch.int64)
    assert max_pool_at(x, offsets).shape == (0, 2, 2, 3)
    assert unpool(max_pool_at(x, offsets), max_codes(x)).shape == x.shape


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("shape", SIZES)
def test_maxima_are_put_back_where_they_were_found(shape: tuple[int, ...], stride: int, dtype: torch.dtype) -> None:
    x, offsets = torch.randn(3, 2, *shape, dtype=dtype), some_offsets(stride, len(shape))
    maxima, codes = max_pool_at(x, offsets, stride), max_codes(roll_images(x, -offsets), stride)
    restored = roll_images(unpool(maxima, codes, stride), offsets)
    spread = maxima
    for axis in range(2, x.ndim):
        spread = spread.repeat_interleave(stride, axis)
    found = x == roll_images(spread, offsets)
    assert torch.equal(restored, torch.where(found, x, 0))
    assert (restored != 0).sum() == maxima.numel()


@pytest.mark.parametrize("shape", [(12,), (6, 8), (4, 6, 8)])
def test_unpooling_is_that_of_torch(shape: tuple[int, ...]) -> None:
    unpools: tuple[Callable[..., Tensor], ...] = (F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)
    x = torch.randn(3, 2, *shape)
    pooled, indices = MAX_POOLS[len(shape) - 1](x, 2, return_indices=True)
    assert torch.equal(unpool(pooled, max_codes(x)), unpools[len(shape) - 1](pooled, indices, 2))


@pytest.mark.parametrize("stride", STRIDES)
def test_codes_are_places_in_the_grid(stride: int) -> None:
    for dims in (1, 2, 3):
        grid = phase_grid(stride, dims)
        ones = torch.ones(len(grid), 1, *[2] * dims)
        codes = max_codes(place_phase(ones, grid, stride), stride)
        assert torch.equal(codes, torch.arange(len(grid)).reshape(-1, 1, *[1] * dims).expand_as(codes))


def test_codes_of_equal_pixels_name_the_first() -> None:
    assert max_codes(torch.zeros(2, 3, 4, 6)).eq(0).all()
    x = torch.tensor([[[[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 2.0, 2.0]]]])
    assert max_codes(x).tolist() == [[[[1, 2]]]]


def test_unpooling_leaves_zeros_beside_values_that_are_not_finite() -> None:
    y, codes = torch.tensor([[[float("inf"), -0.0, float("nan")]]]), torch.tensor([[[0, 1, 0]]])
    expected = torch.tensor([[[float("inf"), 0.0, 0.0, -0.0, float("nan"), 0.0]]])
    assert same_bits(unpool(y, codes), expected)


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("shape", [(3,), (2, 2), (1, 2, 1)])
def test_reading_at_the_codes_is_the_adjoint_of_unpooling(shape: tuple[int, ...], stride: int) -> None:
    codes = torch.randint(stride ** len(shape), (3, 1, *shape))
    y = torch.randn(3, 1, *shape, dtype=torch.float64)
    places = unpool(torch.ones_like(y), codes, stride)
    adjointness_test(
        lambda values: unpool(values, codes, stride),
        lambda image: MEAN_POOLS[len(shape) - 1](image * places, stride) * stride ** len(shape),
        y,
    )
    gradient_test(lambda values: unpool(values, codes, stride), y)
