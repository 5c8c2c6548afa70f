"""Energies of phases: a shift permutes them and changes no bit, and nothing overflows."""

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from recon.errors import ShapeError
from recon.ops import phase_energies, phase_grid, phase_index, pixel_energies, split_phases
from recon.ops.energies import fixed_point
from tests.properties import CHANNELS_LAST, FLOATS, all_shifts, rolled

INFINITY = math.inf
NORMS = (1, 2, INFINITY)
EXACT_TYPES = (torch.float32, torch.bfloat16, torch.float64, torch.float16)
LARGEST = {dtype: torch.finfo(dtype).max for dtype in FLOATS}


def permuted(energies: Tensor, shifts: Tensor, stride: int) -> Tensor:
    """Move the energies (P) of an image to the phases that its pixels have after every shift (N, d): (N, P)."""
    grid = phase_grid(stride, shifts.shape[1])
    sources = [phase_index((grid - shift) % stride, stride) for shift in shifts]
    return torch.stack([energies[source] for source in sources])


def energies_by_numpy(x: Tensor, p: float) -> npt.NDArray[np.float64]:
    """Give the energies of pixels in float64."""
    magnitudes = np.abs(x.double().numpy())
    return np.asarray(magnitudes.max(1) if math.isinf(p) else (magnitudes**p).sum(1))


def in_layout(x: Tensor, layout: str) -> Tensor:
    """Give the images in another layout."""
    return x.contiguous(memory_format=CHANNELS_LAST[x.ndim] if layout == "channels_last" else torch.contiguous_format)


@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
@pytest.mark.parametrize("dtype", EXACT_TYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 7, 16, 33])
@pytest.mark.parametrize("p", NORMS)
def test_every_shift_permutes_the_energies_bit_for_bit(
    p: float, channels: int, dtype: torch.dtype, layout: str
) -> None:
    size = (10, 14)  # no multiple of what a processor adds at once
    x, shifts = torch.randn(1, channels, *size).to(dtype), all_shifts(size)
    shifted = in_layout(rolled(x, shifts), layout)
    energies = phase_energies(in_layout(x, layout), p=p)[0]
    one_by_one = torch.cat([phase_energies(shifted[i : i + 1], p=p) for i in range(0, len(shifts), 9)])
    assert torch.equal(phase_energies(shifted, p=p), permuted(energies, shifts, 2))
    assert torch.equal(one_by_one, permuted(energies, shifts[::9], 2))


@pytest.mark.parametrize(("size", "stride"), [((24,), 2), ((24,), 3), ((6, 9), 3), ((8, 4), 4), ((4, 4, 6), 2)])
def test_every_shift_permutes_the_energies_in_all_dimensions(size: tuple[int, ...], stride: int) -> None:
    x, shifts = torch.randn(1, 3, *size), all_shifts(size)
    energies = phase_energies(x, stride)[0]
    assert len(set(energies.tolist())) == stride ** len(size)
    assert torch.equal(phase_energies(rolled(x, shifts), stride), permuted(energies, shifts, stride))


def test_plain_sum_in_float32_is_not_exact() -> None:
    x, shifts = torch.randn(1, 16, 32, 48), all_shifts((8, 8))

    def plain(images: Tensor) -> Tensor:
        return split_phases(images).square().sum((2, 3, 4))

    assert not torch.equal(plain(rolled(x, shifts)), permuted(plain(x)[0], shifts, 2))
    assert torch.equal(phase_energies(rolled(x, shifts)), permuted(phase_energies(x)[0], shifts, 2))


@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("dtype", [*FLOATS, torch.bfloat16])
def test_pixel_energies_are_those_of_numpy(dtype: torch.dtype, p: float, layout: str) -> None:
    x = in_layout(torch.randn(3, 5, 4, 6).to(dtype), layout)
    energies = pixel_energies(x, p=p)
    assert (energies.shape, energies.dtype) == ((3, 4, 6), torch.float64)
    tolerance = 1e-14 if dtype == torch.float64 else 1e-6
    np.testing.assert_allclose(energies.numpy(), energies_by_numpy(x, p), rtol=tolerance)


@pytest.mark.parametrize("size", [(1,), (6,), (2, 1), (2, 3, 4)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6, 7, 8, 9, 23])
def test_all_channels_count_once(channels: int, size: tuple[int, ...]) -> None:
    x = (2.0 ** torch.arange(channels)).reshape(1, channels, *[1] * len(size)).expand(2, channels, *size)
    assert torch.equal(pixel_energies(x, p=1), torch.full((2, *size), 2.0**channels - 1, dtype=torch.float64))


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("stride", [2, 3])
@pytest.mark.parametrize("size", [(12,), (6, 12), (6, 6, 12)])
def test_phase_energies_are_those_of_numpy(size: tuple[int, ...], stride: int, p: float) -> None:
    x = torch.randn(3, 2, *size, dtype=torch.float64)
    norms = [energies_by_numpy(phase, p).reshape(3, -1) for phase in split_phases(x, stride).unbind(1)]
    expected = np.stack([norm.max(1) if math.isinf(p) else norm.sum(1) for norm in norms], 1)
    largest = energies_by_numpy(x, p).reshape(3, -1).max(1)[:, None]
    np.testing.assert_allclose(phase_energies(x, stride, p=p).numpy() / 2**36 * largest, expected, rtol=1e-9)


def test_energies_by_hand() -> None:
    x = torch.tensor([[[1.0, 2.0, 0.0, 1.0], [0.0, 0.0, 2.0, 1.0]]])
    assert pixel_energies(x).tolist() == [[1.0, 4.0, 4.0, 2.0]]
    assert phase_energies(x).tolist() == [[5 * 2**34, 6 * 2**34]]
    assert phase_energies(x, p=1).tolist() == [[3 * 2**35, 4 * 2**35]]
    assert phase_energies(x, p=INFINITY).tolist() == [[2**36, 2**36]]


def test_images_of_a_batch_do_not_influence_each_other() -> None:
    x = torch.randn(3, 2, 4, 6) * torch.tensor([1e-9, 1.0, 1e9]).reshape(3, 1, 1, 1)
    alone = torch.cat([phase_energies(image[None]) for image in x])
    assert torch.equal(phase_energies(x), alone)


@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize(("dtype", "huge"), [(torch.float32, 1e30), (torch.float64, 1e200), (torch.bfloat16, 1e38)])
def test_too_large_values_count_as_the_largest_there_is(dtype: torch.dtype, huge: float, p: float, layout: str) -> None:
    x = torch.ones(1, 3, 2, 4, dtype=dtype)
    x[..., 0] = huge
    x = in_layout(x, layout)
    energies = pixel_energies(x, p=p)
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    assert torch.isfinite(energies).all()
    assert (energies[..., 0] <= LARGEST[wide]).all()
    torch.testing.assert_close(energies[..., 1:], torch.full((1, 2, 3), 1 if math.isinf(p) else 3).double())
    scores = phase_energies(x, p=p)
    assert (scores >= 0).all()
    assert scores[0].argmax() == 0
    if p == 2:
        assert (energies[..., 0] == LARGEST[wide]).all()


@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
@pytest.mark.parametrize(
    ("dtype", "tiny", "orders"),
    [
        (torch.float32, 1e-30, (1, INFINITY)),
        (torch.float32, 1e-44, (1, INFINITY)),
        (torch.float64, 1e-152, NORMS),
        (torch.float64, 1e-160, (1, INFINITY)),
        (torch.float64, 1e-300, (1, INFINITY)),
    ],
)
def test_tiny_values_count_until_their_powers_vanish(
    dtype: torch.dtype, tiny: float, orders: tuple[float, ...], layout: str
) -> None:
    whole = in_layout(torch.randint(1, 100, (1, 3, 6, 6)).to(dtype), layout)
    for p in NORMS:
        scores = phase_energies(whole * tiny, p=p)
        expected = phase_energies(whole, p=p)
        if p not in orders:  # squares smaller than the smallest number
            assert scores.eq(0).all()
        else:
            ratios = [s / s.amax(1, keepdim=True) for s in (scores, expected)]
            torch.testing.assert_close(*ratios, rtol=0.1 if tiny == 1e-44 else 1e-5, atol=0)


@pytest.mark.parametrize("dtype", FLOATS)
def test_blank_image_has_no_energy(dtype: torch.dtype) -> None:
    assert phase_energies(torch.zeros(2, 3, 4, 6, dtype=dtype)).tolist() == [[0] * 4] * 2


@pytest.mark.parametrize("dtype", FLOATS)
def test_fixed_point_puts_the_largest_magnitude_at_two_to_the_36(dtype: torch.dtype) -> None:
    x = torch.randn(3, 2, 5, dtype=dtype) * torch.tensor([1e-20, 1.0, 1e20]).reshape(3, 1, 1)
    integers, scale = fixed_point(x)
    assert (integers.dtype, scale.dtype) == (torch.int64, torch.float64)
    assert integers.abs().flatten(1).amax(1).tolist() == [2**36] * 3
    restored = integers / scale.reshape(3, 1, 1)
    largest = x.double().abs().amax((1, 2), keepdim=True)
    assert ((restored - x).abs() <= largest * 2.0**-37 * (1 + 1e-9)).all()


def test_fixed_point_by_hand() -> None:
    integers, scale = fixed_point(torch.tensor([[-4.0, 1.0, 0.0], [0.0, 0.0, 0.0]]))
    assert integers.tolist() == [[-(2**36), 2**34, 0], [0, 0, 0]]
    assert scale.tolist() == [2.0**34, 2.0**36]


@pytest.mark.parametrize("tiny", [5e-324, 1e-310, 1e-300])
def test_fixed_point_of_tiny_numbers_is_finite(tiny: float) -> None:
    integers, scale = fixed_point(torch.tensor([[tiny, 0.0, -tiny]], dtype=torch.float64))
    assert torch.isfinite(scale).all()
    assert integers[0, 1] == 0
    assert 0 <= integers[0, 0] == -integers[0, 2] <= 2**36


def test_indivisible_size_is_refused() -> None:
    with pytest.raises(ShapeError, match="x must have H and W divisible by 3, got H=6, W=8; crop or pad it"):
        phase_energies(torch.zeros(1, 1, 6, 8), 3)
