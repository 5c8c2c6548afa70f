"""Hashes of surroundings, anchors and orbits: what is equal gets equal hashes, what differs does not, exactly."""

from collections.abc import Iterable
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from recon.ops import (
    anchor_pixel,
    carry_position,
    is_symmetric,
    keep_phase,
    orbit_mean,
    phase_grid,
    roll_images,
    surroundings_hash,
)
from tests.images import hard_images, ordinary_images
from tests.properties import FLOATS, all_shifts, rolled, same_bits

SMALL = (16, 24)  # the smallest size that all hard images fit
TILES = (
    ((12,), (12,)),
    ((12,), (1,)),
    ((12,), (4,)),
    ((6, 8), (6, 8)),
    ((6, 8), (1, 1)),
    ((6, 8), (1, 8)),
    ((6, 8), (6, 2)),
    ((6, 8), (3, 4)),
    ((4, 6, 6), (4, 6, 6)),
    ((4, 6, 6), (2, 3, 1)),
)


def tiled(size: tuple[int, ...], tile: tuple[int, ...], *, channels: int = 2) -> Tensor:
    """Give an image (1, C, *size) of equal noisy tiles."""
    times = [n // m for n, m in zip(size, tile, strict=True)]
    return torch.randn(1, channels, *tile).repeat(1, 1, *times)


def thue_morse(length: int) -> Tensor:
    """Give the first terms of the Thue-Morse sequence: the parities of the numbers of ones in the binary numbers."""
    return torch.tensor([float(bin(n).count("1") % 2) for n in range(length)])


def number_of_hashes(image: Tensor) -> int:
    """Count the different hashes of one image (1, C, *spatial)."""
    return len(surroundings_hash(image).unique())


def symmetries(image: Tensor) -> list[list[int]]:
    """Find by trial all shifts that leave one image (1, C, *spatial) unchanged."""
    shifts = all_shifts(image.shape[2:])
    same = (rolled(image, shifts) == image).flatten(1).all(1)
    found: list[list[int]] = shifts[same].tolist()
    return found


def mean_over(x: Tensor, group: Iterable[list[int]]) -> Tensor:
    """Average x (B, C, *spatial) over shifts."""
    return torch.stack([torch.roll(x, shift, tuple(range(2, x.ndim))) for shift in group]).mean(0)


def hash_with(x: Tensor, values: dict[tuple[int, ...], float]) -> Tensor:
    """Hash the images after changing some pixels."""
    y = x.clone()
    for place, value in values.items():
        y[place] = value
    return surroundings_hash(y)


@pytest.mark.parametrize("dtype", [*FLOATS, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("size", [(1,), (2,), (13,), (1, 2), (5, 1), (6, 7), (3, 4, 5)])
def test_every_shift_moves_the_hashes(size: tuple[int, ...], dtype: torch.dtype) -> None:
    x, shifts = torch.randn(1, 3, *size).to(dtype), all_shifts(size)
    hashed = surroundings_hash(x)
    assert (hashed.shape, hashed.dtype) == ((1, *size), torch.int64)
    assert torch.equal(surroundings_hash(rolled(x, shifts)), rolled(hashed[:, None], shifts)[:, 0])


@pytest.mark.parametrize(("size", "tile"), TILES)
def test_pixels_have_equal_hashes_exactly_where_the_image_looks_the_same(
    size: tuple[int, ...], tile: tuple[int, ...]
) -> None:
    hashed = surroundings_hash(tiled(size, tile))
    corner = hashed[(slice(None), *(slice(m) for m in tile))]
    assert torch.equal(hashed, corner.repeat(1, *(n // m for n, m in zip(size, tile, strict=True))))
    assert len(corner.unique()) == corner.numel()


@pytest.mark.parametrize("name", [*ordinary_images(SMALL), *hard_images(SMALL)])
def test_hashes_tell_apart_all_that_differs(name: str) -> None:
    image = {**ordinary_images(SMALL), **hard_images(SMALL)}[name][None]
    assert number_of_hashes(image) * len(symmetries(image)) == image[0, 0].numel()


@pytest.mark.parametrize("size", [(300,), (300, 1), (1, 300), (16, 24), (32, 48), (6, 7, 8)])
def test_all_pixels_of_a_random_binary_image_differ(size: tuple[int, ...]) -> None:
    image = torch.randint(2, (1, 1, *size)).float()
    assert number_of_hashes(image) == image.numel()


@pytest.mark.parametrize("distance", [1, 2, 3, 5])
@pytest.mark.parametrize("length", [64, 512, 1024, 2048])
def test_all_pixels_of_the_thue_morse_sequence_differ(length: int, distance: int) -> None:
    for low, high in ((0.0, 1.0), (-1.0, 1.0)):
        sequence = low + (high - low) * thue_morse(length)
        spread, repeated = torch.zeros(distance * length), sequence.repeat_interleave(distance)
        spread[::distance] = sequence
        assert number_of_hashes(spread[None, None]) == distance * length
        assert number_of_hashes(repeated[None, None]) == distance * length


def test_all_pixels_of_thue_morse_images_differ() -> None:
    one = 2 * thue_morse(64) - 1
    assert number_of_hashes((one[:, None] * one)[None, None]) == 64**2 // 2  # half of both shifts changes both signs
    assert number_of_hashes((one[:, None] + 2 * one)[None, None]) == 64**2
    assert number_of_hashes(one.expand(8, -1)[None, None]) == 64


@pytest.mark.parametrize("dtype", [*FLOATS, torch.bfloat16])
def test_lowest_bit_and_sign_of_one_pixel_change_all_hashes(dtype: torch.dtype) -> None:
    x = torch.randn(1, 2, 6, 8).to(dtype)
    hashed, one = surroundings_hash(x), x[0, 1, 2, 3]
    for other in (torch.nextafter(one, one + 1), torch.nextafter(one, one - 1), -one):
        assert other != one
        changed = hash_with(x, {(0, 1, 2, 3): other.item()})
        assert not torch.isin(changed, hashed).any()


@pytest.mark.parametrize("value", [0.0, 1.0, 2.0**-149, 2.0**-126, 3.4e38, 2.0**127, 1e-20])
def test_neighbouring_numbers_of_all_sizes_are_told_apart(value: float) -> None:
    one = torch.tensor(value)
    values = {v.item() for v in (one, torch.nextafter(one, one + 1e38), torch.nextafter(one, -one - 1e38), -one)}
    finite = torch.tensor([v for v in values if np.isfinite(v)])
    images = torch.zeros(len(finite), 1, 3, 4)
    images[:, 0, 1, 1] = finite
    assert len(surroundings_hash(images)[:, 0, 0].unique()) == len(finite.unique())


def test_negative_zero_is_zero() -> None:
    x = torch.randn(1, 2, 4, 6)
    x[0, 0, 1] = 0.0
    assert torch.equal(hash_with(x, {(0, 0, 1, 2): -0.0}), surroundings_hash(x))
    assert torch.equal(surroundings_hash(-torch.zeros(1, 1, 4)), surroundings_hash(torch.zeros(1, 1, 4)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_equal_numbers_of_another_type_have_equal_hashes(dtype: torch.dtype) -> None:
    x = torch.randn(2, 2, 4, 6).bfloat16().float()
    assert torch.equal(surroundings_hash(x.to(dtype)), surroundings_hash(x))


def test_order_of_channels_and_axes_and_direction_matter() -> None:
    x = torch.randn(1, 2, 6, 6)
    hashed = surroundings_hash(x)
    for other in (x[:, [1, 0]], x.mT, x.flip(2), x.flip(3), x[:, [0, 0]], x[:, [1, 1]], x[:, :1], -x, 2 * x, x + 1):
        assert not torch.isin(surroundings_hash(other), hashed).any()


def test_images_of_a_batch_do_not_influence_each_other() -> None:
    x = torch.randn(3, 2, 4, 6)
    assert torch.equal(surroundings_hash(x), torch.cat([surroundings_hash(image[None]) for image in x]))
    assert torch.equal(surroundings_hash(x.to(memory_format=torch.channels_last)), surroundings_hash(x))


def test_hash_does_not_touch_the_image_and_passes_no_gradient() -> None:
    x = torch.randn(2, 1, 4, 6, requires_grad=True)
    before = x.detach().clone()
    assert not surroundings_hash(x).requires_grad
    assert same_bits(x, before)


@pytest.mark.parametrize("size", [(1,), (9,), (1, 5), (4, 6), (3, 2, 4)])
def test_anchor_is_the_largest_hash_and_moves_with_it(size: tuple[int, ...]) -> None:
    shifts = all_shifts(size)
    hashed = torch.randperm(len(shifts)).reshape(1, *size) - len(shifts) // 2
    expected = np.unravel_index(np.argmax(hashed[0].numpy()), size)
    assert anchor_pixel(hashed).tolist() == [[int(i) for i in expected]]
    moved = anchor_pixel(rolled(hashed[:, None], shifts)[:, 0])
    assert torch.equal(moved, (anchor_pixel(hashed) + shifts) % torch.tensor(size))


def test_anchor_is_one_of_equal_hashes() -> None:
    hashed = torch.tensor([[[1, 7, 2], [7, 0, 7]], [[-5, -5, -5], [-5, -5, -5]], [[-(2**63), 2**63 - 1, 0], [0, 0, 0]]])
    for image, (row, column) in zip(hashed, anchor_pixel(hashed).tolist(), strict=True):
        assert image[row, column] == image.max()


@pytest.mark.parametrize(("sizes", "stride"), [((6,), 2), ((12,), 3), ((6, 12), 2), ((6, 9), 3), ((4, 6, 2), 2)])
def test_position_is_carried_to_the_pixel_whose_window_holds_it(sizes: tuple[int, ...], stride: int) -> None:
    small = torch.tensor([n // stride for n in sizes])
    positions = all_shifts(sizes)
    for offset in phase_grid(stride, len(sizes)):
        found = carry_position(positions, offset.expand_as(positions), stride, sizes)
        assert ((found >= 0) & (found < small)).all()
        held = [
            any(
                all(
                    (stride * n + o + k) % size == p for n, o, k, size, p in zip(to, offset, ks, sizes, at, strict=True)
                )
                for ks in product(range(stride), repeat=len(sizes))
            )
            for to, at in zip(found.tolist(), positions.tolist(), strict=True)
        ]
        assert all(held)


def test_position_by_hand() -> None:
    positions, offsets = torch.tensor([[0, 0], [5, 4], [3, 1]]), torch.tensor([[1, 0], [1, 1], [0, 1]])
    assert carry_position(positions, offsets, 2, (6, 8)).tolist() == [[2, 0], [2, 1], [1, 0]]


@pytest.mark.parametrize("stride", [2, 3])
def test_carried_position_moves_with_the_kept_phase(stride: int) -> None:
    sizes, offset = (6, 12), torch.tensor([[1, 0]])
    position = torch.tensor([[2, 7]])
    x = torch.randn(1, 1, *sizes)
    kept, carried = keep_phase(x, offset, stride), carry_position(position, offset, stride, sizes)
    for shift in all_shifts(sizes).split(1):
        moved_offset = (offset + shift) % stride
        moved = keep_phase(roll_images(x, shift), moved_offset, stride)
        moved_carried = carry_position((position + shift) % torch.tensor(sizes), moved_offset, stride, sizes)
        assert torch.equal(roll_images(moved, -moved_carried), roll_images(kept, -carried))


@pytest.mark.parametrize(("size", "tile"), TILES)
def test_image_is_symmetric_if_a_shift_leaves_it_unchanged(size: tuple[int, ...], tile: tuple[int, ...]) -> None:
    image = tiled(size, tile)
    assert is_symmetric(surroundings_hash(image)).tolist() == [len(symmetries(image)) > 1]


def test_symmetry_is_told_for_each_image() -> None:
    images = torch.cat([tiled((6, 8), tile) for tile in ((6, 8), (3, 8), (1, 1), (6, 8))])
    assert is_symmetric(surroundings_hash(images)).tolist() == [False, True, True, False]
    assert is_symmetric(torch.tensor([[3], [4]])).tolist() == [False, False]


@pytest.mark.parametrize("dtype", [*FLOATS, torch.bfloat16])
@pytest.mark.parametrize(("size", "tile"), TILES)
def test_orbit_mean_is_the_mean_over_the_symmetries(
    size: tuple[int, ...], tile: tuple[int, ...], dtype: torch.dtype
) -> None:
    image = tiled(size, tile)
    x = torch.randn(1, 3, *size).to(dtype)
    mean = orbit_mean(x, surroundings_hash(image))
    assert mean.dtype == dtype
    expected = mean_over(x.double(), symmetries(image))
    tolerance = {torch.float64: 1e-9, torch.float32: 1e-6, torch.bfloat16: 5e-3}[dtype]
    torch.testing.assert_close(mean.double(), expected, rtol=tolerance, atol=tolerance)


def test_orbit_mean_by_hand() -> None:
    hashed = torch.tensor([[[1, 2], [3, 1]]])
    x = torch.tensor([[[[1.0, 5.0], [7.0, 4.0]], [[0.0, 1.0], [1.0, -3.0]]]])
    assert orbit_mean(x, hashed).tolist() == [[[[2.5, 5.0], [7.0, 2.5]], [[-1.5, 1.0], [1.0, -1.5]]]]


@pytest.mark.parametrize("dtype", [*FLOATS, torch.bfloat16])
@pytest.mark.parametrize(("size", "tile"), TILES)
def test_every_shift_moves_the_orbit_mean_bit_for_bit(
    size: tuple[int, ...], tile: tuple[int, ...], dtype: torch.dtype
) -> None:
    image, x, shifts = tiled(size, tile), torch.randn(1, 3, *size).to(dtype), all_shifts(size)
    mean = orbit_mean(x, surroundings_hash(image))
    moved = orbit_mean(rolled(x, shifts), surroundings_hash(rolled(image, shifts)))
    assert same_bits(moved, rolled(mean, shifts))
    unchanged = torch.tensor(symmetries(image))
    assert same_bits(rolled(mean, unchanged), mean.expand(len(unchanged), *mean.shape[1:]))


def test_plain_mean_over_symmetries_is_not_exact() -> None:
    image, x, shifts = tiled((6, 8), (1, 2)), torch.randn(1, 3, 6, 8), all_shifts((6, 8))
    group = symmetries(image)
    assert not same_bits(mean_over(rolled(x, shifts), group), rolled(mean_over(x, group), shifts))


@pytest.mark.parametrize("tile", [(6, 4), (3, 2), (1, 1)])
def test_orbit_mean_changes_nothing_when_repeated(tile: tuple[int, int]) -> None:
    hashed = surroundings_hash(tiled((6, 8), tile))
    mean = orbit_mean(torch.randn(1, 3, 6, 8, dtype=torch.float64), hashed)
    torch.testing.assert_close(orbit_mean(mean, hashed), mean, rtol=1e-9, atol=1e-9)


def test_orbit_mean_is_its_own_adjoint_and_its_own_derivative() -> None:
    images = torch.cat([tiled((6, 8), tile) for tile in ((6, 8), (3, 2), (1, 1))])
    hashed, x, y = surroundings_hash(images), *torch.randn(2, 3, 2, 6, 8, dtype=torch.float64)
    mean = orbit_mean(x.requires_grad_(), hashed)
    torch.testing.assert_close((mean * y).sum(), (x * orbit_mean(y, hashed)).sum(), rtol=1e-9, atol=1e-9)
    (gradient,) = torch.autograd.grad(mean, x, y)
    assert torch.equal(gradient, orbit_mean(y, hashed))


@pytest.mark.parametrize("dtype", [*FLOATS, torch.bfloat16])
def test_images_without_symmetry_are_untouched_bit_for_bit(dtype: torch.dtype) -> None:
    images = torch.cat([tiled((6, 8), tile) for tile in ((6, 8), (3, 2), (1, 1), (6, 8))])
    x = torch.randn(4, 2, 6, 8).to(dtype)
    x[0, 0, 0, 0], x[0, 0, 0, 1], x[3, 1, 2, 2] = -0.0, 1e-30, 1e30
    mean = orbit_mean(x, surroundings_hash(images))
    assert same_bits(mean[[0, 3]], x[[0, 3]])
    assert not torch.equal(mean[1], x[1])


def test_images_of_a_batch_are_averaged_alone() -> None:
    images = torch.cat([tiled((6, 8), tile) for tile in ((3, 2), (1, 1), (6, 4))])
    x, hashed = torch.randn(3, 2, 6, 8), surroundings_hash(images)
    alone = torch.cat([orbit_mean(x[i : i + 1], hashed[i : i + 1]) for i in range(3)])
    assert same_bits(orbit_mean(x, hashed), alone)
    same_hash = hashed[:1].expand(3, -1, -1)
    assert same_bits(orbit_mean(x, same_hash)[:1], alone[:1])


def test_batch_may_be_empty() -> None:
    assert surroundings_hash(torch.zeros(0, 2, 4, 6)).shape == (0, 4, 6)
