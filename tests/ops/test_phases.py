"""Phases: splitting and merging are inverse, keeping and placing adjoint, and every image has its own."""

import re
from itertools import product

import pytest
import torch
from torch import Tensor

from recon.errors import ConfigError, ShapeError
from recon.ops import keep_phase, merge_phases, phase_grid, phase_index, place_phase, split_phases
from recon.ops.checks import require_divisible
from tests.properties import FLOATS, SIZES, adjointness_test, gradient_test, keeps_channels_last, same_bits

STRIDES = (2, 3, 4)


def slices(offset: tuple[int, ...], stride: int) -> tuple[slice, ...]:
    """Index one phase of (B, C, *spatial)."""
    return (slice(None), slice(None), *(slice(o, None, stride) for o in offset))


def some_offsets(stride: int, dims: int) -> Tensor:
    """Three different offsets (3, d)."""
    grid = phase_grid(stride, dims)
    return grid[[0, 1, -1]] if len(grid) > 2 else grid[[0, 1, 0]]


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("stride", [2, 3, 5])
def test_grid_lists_all_offsets_last_axis_fastest(stride: int, dims: int) -> None:
    assert [tuple(row) for row in phase_grid(stride, dims).tolist()] == list(product(range(stride), repeat=dims))


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("stride", STRIDES)
def test_index_is_the_place_in_the_grid(stride: int, dims: int) -> None:
    assert phase_index(phase_grid(stride, dims), stride).tolist() == list(range(stride**dims))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("size", SIZES)
def test_phases_are_strided_slices_in_order(size: tuple[int, ...], stride: int, dtype: torch.dtype) -> None:
    x = torch.randn(3, 2, *size, dtype=dtype)
    expected = [x[slices(offset, stride)] for offset in product(range(stride), repeat=len(size))]
    assert same_bits(split_phases(x, stride), torch.stack(expected, 1))


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("size", SIZES)
def test_merging_is_the_inverse_of_splitting(size: tuple[int, ...], stride: int) -> None:
    x = torch.randn(3, 2, *size)
    phases = torch.randn(3, stride ** len(size), 2, *size)
    assert same_bits(merge_phases(split_phases(x, stride), stride), x)
    assert same_bits(split_phases(merge_phases(phases, stride), stride), phases)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("size", SIZES)
def test_phase_is_kept_and_placed_where_the_offset_says(size: tuple[int, ...], stride: int, dtype: torch.dtype) -> None:
    x = torch.randn(3, 2, *size, dtype=dtype)
    for offset in product(range(stride), repeat=len(size)):
        kept = x[slices(offset, stride)]
        placed = torch.zeros_like(x)
        placed[slices(offset, stride)] = kept
        for form in (offset, torch.tensor([offset] * 3)):
            assert same_bits(keep_phase(x, form, stride), kept)
            assert same_bits(place_phase(kept, form, stride), placed)


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("size", SIZES)
def test_every_image_has_its_own_phase(size: tuple[int, ...], stride: int) -> None:
    x, offsets = torch.randn(3, 2, *size), some_offsets(stride, len(size))
    kept, placed = keep_phase(x, offsets, stride), torch.zeros_like(x)
    for i, offset in enumerate(offsets.tolist()):
        assert same_bits(kept[i : i + 1], x[i : i + 1][slices(offset, stride)])
        placed[i : i + 1][slices(offset, stride)] = kept[i]
    assert same_bits(place_phase(kept, offsets, stride), placed)
    assert same_bits(keep_phase(place_phase(kept, offsets, stride), offsets, stride), kept)


def test_phase_by_hand() -> None:
    x = torch.tensor([[[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]])
    assert keep_phase(x, [1, 0]).tolist() == [[[[5.0, 7.0]]]]
    assert place_phase(torch.tensor([[[[5.0, 7.0]]]]), [0, 1]).tolist() == [[[[0.0, 5.0, 0.0, 7.0], [0.0] * 4]]]


def test_placing_leaves_zeros_beside_values_that_are_not_finite() -> None:
    y = torch.tensor([[[float("nan"), float("inf"), -0.0]]])
    expected = torch.tensor([[[0.0, float("nan"), 0.0, float("inf"), 0.0, -0.0]]])
    assert same_bits(place_phase(y, [1]), expected)


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("size", SIZES)
def test_placing_is_the_adjoint_of_keeping(size: tuple[int, ...], stride: int) -> None:
    x, offsets = torch.randn(3, 2, *size, dtype=torch.float64), some_offsets(stride, len(size))

    def keep(image: Tensor) -> Tensor:
        return keep_phase(image, offsets, stride)

    def place(image: Tensor) -> Tensor:
        return place_phase(image, offsets, stride)

    adjointness_test(keep, place, x)
    adjointness_test(place, keep, keep(x))


@pytest.mark.parametrize(("size", "stride"), [((6,), 3), ((4, 2), 2), ((2, 2, 4), 2)])
def test_derivatives_of_keeping_and_placing(size: tuple[int, ...], stride: int) -> None:
    x, offsets = torch.randn(3, 2, *size, dtype=torch.float64), some_offsets(stride, len(size))
    gradient_test(lambda image: keep_phase(image, offsets, stride), x)
    gradient_test(lambda image: place_phase(image, offsets, stride), x)
    gradient_test(lambda image: merge_phases(split_phases(image, stride).sin(), stride), x)


@pytest.mark.parametrize("size", [(12, 24), (4, 8, 12)])
def test_memory_format_is_kept(size: tuple[int, ...]) -> None:
    x, offsets = torch.randn(3, 2, *size), some_offsets(2, len(size))
    for form in (offsets, [1] * len(size)):
        assert keeps_channels_last(lambda image, form=form: keep_phase(image, form), x)  # type: ignore[misc]
        assert keeps_channels_last(lambda image, form=form: place_phase(image, form), x)  # type: ignore[misc]


def test_kept_phase_is_a_copy_even_of_one_pixel() -> None:
    x = torch.zeros(1, 1, 2, 2, requires_grad=True)
    keep_phase(x, [0, 0]).add_(1)
    assert x.sum() == 0


def test_batch_may_be_empty() -> None:
    x, offsets = torch.zeros(0, 2, 4, 6), torch.zeros(0, 2, dtype=torch.int64)
    assert keep_phase(x, offsets).shape == (0, 2, 2, 3)
    assert place_phase(x, offsets).shape == (0, 2, 8, 12)
    assert merge_phases(split_phases(x)).shape == x.shape


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 1, 7), "x must have L divisible by 4, got L=7; crop or pad it, for instance to 4"),
        ((1, 1, 8, 3), "x must have H and W divisible by 4, got H=8, W=3; crop or pad it, for instance to 8 x 4"),
        (
            (1, 1, 4, 6, 8),
            "x must have D and H and W divisible by 4, got D=4, H=6, W=8; crop or pad it, for instance to 4 x 4 x 8",
        ),
        ((1, 1, 0), "x must have L divisible by 4, got L=0; crop or pad it, for instance to 4"),
    ],
)
def test_indivisible_size_is_refused_with_one_that_fits(shape: tuple[int, ...], message: str) -> None:
    x, offset = torch.zeros(shape), [0] * (len(shape) - 2)
    for refused in (
        lambda: require_divisible(x, 4, name="x"),
        lambda: split_phases(x, 4),
        lambda: keep_phase(x, offset, 4),
    ):
        with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
            refused()


@pytest.mark.parametrize("wrong", [2, -1, 7])
def test_offset_beyond_the_stride_is_refused(wrong: int) -> None:
    message = (
        rf"^offset must have whole numbers from 0 to 1 for a stride of 2, got \[\[0, {wrong}\]\]; take them modulo"
    )
    with pytest.raises(ConfigError, match=message):
        keep_phase(torch.zeros(1, 1, 4, 4), [0, wrong])
    with pytest.raises(ConfigError, match=message):
        place_phase(torch.zeros(1, 1, 4, 4), torch.tensor([[0, wrong]]))


def test_offsets_of_another_batch_or_dimension_are_refused() -> None:
    x = torch.zeros(3, 1, 4, 4)
    for function in (keep_phase, place_phase):
        with pytest.raises(ShapeError, match=r"^offset must be 2 numbers, or a tensor of shape .* = \(3, 2\)"):
            function(x, torch.tensor([[0, 0], [0, 1]]))
        with pytest.raises(ShapeError, match=r"^offset must have one number for each of the 2 spatial dimensions of x"):
            function(x, [0])


@pytest.mark.parametrize("stride", [1, 0, -2, 2.0, True])
def test_stride_below_two_is_refused(stride: int) -> None:
    with pytest.raises(ConfigError, match=rf"^stride must be a whole number of at least 2, got {stride}$"):
        phase_grid(stride, 2)
