"""Blurs: SciPy's periodic filters, their adjoints, and filters of every pixel's own."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import scipy.ndimage
import torch
from torch import Tensor

from recon.errors import ShapeError
from recon.filters import FILTERS, filter_taps
from recon.ops import adaptive_blur, blur, keep_phase, place_phase
from tests.properties import FLOATS, adjointness_test, all_shifts, gradient_test, keeps_channels_last, rolled, same_bits

LONG = ("rect-9", "bin-16", "tri-15")  # wider than some of the images
STARTS = {1: [[0], [1], [-3]], 2: [[0, 0], [1, 0], [-3, 7]], 3: [[0, 0, 0], [1, 0, 1], [-3, 7, 2]]}


def taps_of(name: str) -> Tensor:
    """Give a filter's taps in float64."""
    return torch.tensor(filter_taps(name), dtype=torch.float64)


def blur_by_scipy(x: Tensor, name: str, *, delayed: bool = False) -> Tensor:
    """Filter along every axis by scipy.ndimage."""
    taps, y = np.array(filter_taps(name)), x.double().numpy()
    left = len(taps) // 2 if delayed else (len(taps) - 1) // 2
    for axis in range(2, x.ndim):
        y = scipy.ndimage.correlate1d(y, taps, axis=axis, mode="wrap", origin=left - len(taps) // 2)
    return torch.from_numpy(y)


def adaptive_blur_by_loops(x: Tensor, logits: Tensor, size: int, *, delayed: bool = False) -> Tensor:
    """Filter every pixel in a loop."""
    y, left, per_group = torch.zeros_like(x), size // 2 if delayed else (size - 1) // 2, x.shape[1] // logits.shape[1]
    for b, channel, *n in product(*(range(length) for length in x.shape)):
        weights = logits.movedim(2, -1)[(b, channel // per_group, *n)].softmax(0)
        for weight, taps in zip(weights, product(range(size), repeat=x.ndim - 2), strict=True):
            read = [(i + k - left) % length for i, k, length in zip(n, taps, x.shape[2:], strict=True)]
            y[(b, channel, *n)] += weight * x[(b, channel, *read)]
    return y


def centroid(x: Tensor) -> Tensor:
    """Give the centre of mass of one image (1, 1, *spatial)."""
    axes = torch.meshgrid(*(torch.arange(n, dtype=x.dtype) for n in x.shape[2:]), indexing="ij")
    return torch.stack([(x[0, 0] * axis).sum() for axis in axes])


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("name", [*FILTERS, *LONG])
def test_blur_is_that_of_scipy(name: str, delayed: bool) -> None:
    for size in ((24,), (16, 18), (16, 17, 16)):
        x = torch.randn(2, 2, *size, dtype=torch.float64)
        expected = blur_by_scipy(x, name, delayed=delayed)
        torch.testing.assert_close(blur(x, taps_of(name), delayed=delayed), expected, rtol=1e-12, atol=1e-12)
        single = blur(x.float(), taps_of(name).float(), delayed=delayed)
        torch.testing.assert_close(single, expected.float(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("name", ["rect-2", "tri-3", "window-7", *LONG])
@pytest.mark.parametrize("size", [(1,), (2,), (5,), (1, 2), (3, 1), (2, 2, 1)])
def test_filters_wider_than_the_image_wrap(size: tuple[int, ...], name: str, delayed: bool) -> None:
    x, taps = torch.randn(2, 2, *size, dtype=torch.float64), taps_of(name)
    left, expected = len(taps) // 2 if delayed else (len(taps) - 1) // 2, x
    for axis in range(2, x.ndim):
        expected = torch.stack([tap * torch.roll(expected, left - k, axis) for k, tap in enumerate(taps)]).sum(0)
    torch.testing.assert_close(blur(x, taps, delayed=delayed), expected, rtol=1e-12, atol=1e-12)


def test_blur_by_hand() -> None:
    x, even, odd = torch.tensor([[[0.0, 0.0, 8.0, 0.0]]]), torch.tensor([0.25, 0.75]), torch.tensor([0.25, 0.75, 0.0])
    assert blur(x, even).tolist() == [[[0.0, 6.0, 2.0, 0.0]]]
    assert blur(x, even, delayed=True).tolist() == [[[0.0, 0.0, 6.0, 2.0]]]
    assert blur(x, odd).tolist() == blur(x, odd, delayed=True).tolist() == [[[0.0, 0.0, 6.0, 2.0]]]
    assert blur(x, even, stride=2, start=[1]).tolist() == [[[6.0, 0.0]]]


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["rect-2", "tri-3", "bin-7", "window-6", "rect-9"])
def test_blur_keeps_every_stride_th_pixel_from_the_start(name: str, stride: int, delayed: bool) -> None:
    for dims, starts in STARTS.items():
        x, taps = torch.randn(3, 2, *(12, 24, 12)[:dims], dtype=torch.float64), taps_of(name)
        whole = blur(x, taps, delayed=delayed)
        for start in (None, *starts, torch.tensor(starts)):
            rows = starts if isinstance(start, Tensor) else [start or [0] * dims] * 3
            expected = rolled(whole, -torch.tensor(rows))[
                (slice(None), slice(None), *[slice(None, None, stride)] * dims)
            ]
            found = blur(x, taps, stride=stride, start=start, delayed=delayed)
            torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [*FILTERS, *LONG])
def test_delayed_form_is_the_adjoint_of_the_other(name: str) -> None:
    taps = taps_of(name)
    for size in ((12,), (12, 8), (6, 4, 8)):
        x = torch.randn(2, 2, *size, dtype=torch.float64)
        adjointness_test(lambda image: blur(image, taps), lambda image: blur(image, taps, delayed=True), x)
        offset = [1] * len(size)
        adjointness_test(
            lambda image, offset=offset: blur(image, taps, stride=2, start=offset),  # type: ignore[misc]
            lambda image, offset=offset: blur(place_phase(image, offset), taps, delayed=True),  # type: ignore[misc]
            x,
        )


@pytest.mark.parametrize("name", FILTERS)
def test_down_and_up_again_does_not_drift(name: str) -> None:
    taps = taps_of(name)
    for size in ((32,), (30, 32), (28, 30, 32)):
        impulse = torch.zeros(1, 1, *size, dtype=torch.float64)
        impulse[(0, 0, *(n // 2 for n in size))] = 1
        back = blur(blur(impulse, taps), taps, delayed=True)
        torch.testing.assert_close(centroid(back), centroid(impulse), rtol=1e-12, atol=0)
        twice_ahead = centroid(blur(blur(impulse, taps), taps)) - centroid(impulse)
        torch.testing.assert_close(twice_ahead, torch.full_like(twice_ahead, -1.0 if len(taps) % 2 == 0 else 0.0))


@pytest.mark.parametrize("dtype", [*FLOATS, torch.bfloat16])
@pytest.mark.parametrize("size", [(9,), (6, 8), (4, 3, 5)])
def test_blur_of_a_constant_is_the_constant(size: tuple[int, ...], dtype: torch.dtype) -> None:
    x = torch.full((2, 3, *size), 0.5, dtype=dtype)
    for name in ("rect-2", "tri-3", "bin-5", "rect-4", "bin-7"):  # whose taps are sums of few powers of 2
        y = blur(x, torch.tensor(filter_taps(name)))
        assert y.dtype == dtype
        torch.testing.assert_close(y, x)
    assert torch.equal(blur(torch.zeros_like(x), torch.ones(3)), torch.zeros_like(x))


@pytest.mark.parametrize("dtype", FLOATS)
def test_delta_changes_nothing(dtype: torch.dtype) -> None:
    x = torch.randn(3, 2, 4, 6, dtype=dtype)
    assert torch.equal(blur(x, taps_of("delta-1")), x)
    assert torch.equal(blur(x, taps_of("delta-1"), stride=2, start=[1, 0]), keep_phase(x, [1, 0]))


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["rect-2", "bin-5", "rect-9"])
def test_every_shift_moves_the_blurred_image_bit_for_bit(
    name: str, channels: int, dtype: torch.dtype, delayed: bool
) -> None:
    x, taps, shifts = torch.randn(1, channels, 6, 8).to(dtype), taps_of(name), all_shifts((6, 8))
    for images, moves in ((rolled(x, shifts), shifts), *((rolled(x, shift), shift) for shift in shifts[::7].split(1))):
        blurred = blur(images, taps, delayed=delayed)
        still = x.expand_as(images).contiguous()  # one image alone may round differently
        unmoved = blur(still, taps, delayed=delayed)
        assert same_bits(blurred, rolled(unmoved, moves))
        kept = blur(images, taps, stride=2, start=moves, delayed=delayed)
        assert same_bits(
            kept, blur(still, taps, stride=2, delayed=delayed)
        )  # whose sums a processor may order its own way
        torch.testing.assert_close(kept, unmoved[..., ::2, ::2])


@pytest.mark.parametrize("name", ["rect-2", "tri-3", "rect-9"])
@pytest.mark.parametrize("size", [(6,), (4, 2), (2, 2, 2)])
def test_derivatives_of_the_blur(size: tuple[int, ...], name: str) -> None:
    x, taps = torch.randn(3, 1, *size, dtype=torch.float64), taps_of(name)
    gradient_test(lambda image: blur(image, taps), x)
    start = torch.tensor(STARTS[len(size)])
    gradient_test(lambda image: blur(image, taps, stride=2, start=start, delayed=True), x)


@pytest.mark.parametrize("name", ["tri-3", "rect-9"])
def test_memory_format_is_kept(name: str) -> None:
    x, taps, start = torch.randn(3, 4, 8, 12), taps_of(name), torch.tensor(STARTS[2])
    assert keeps_channels_last(lambda image: blur(image, taps), x)
    assert keeps_channels_last(lambda image: blur(image, taps, stride=2, start=start), x)


def test_size_that_the_stride_does_not_divide_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"^x must have L divisible by 2, got L=5; crop or pad it, for instance to 4$"):
        blur(torch.zeros(1, 1, 5), torch.ones(3), stride=2)


def test_start_of_another_dimension_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"^start must have one number for each of the 2 spatial dimensions of x"):
        blur(torch.zeros(1, 1, 4, 4), torch.ones(3), start=[1])


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(("size", "taps"), [((5,), 2), ((4,), 5), ((3, 4), 2), ((4, 3), 3), ((2, 3, 2), 2)])
def test_adaptive_blur_is_a_loop_over_pixels(size: tuple[int, ...], taps: int, groups: int, delayed: bool) -> None:
    x = torch.randn(2, 4, *size, dtype=torch.float64)
    logits = torch.randn(2, groups, taps ** len(size), *size, dtype=torch.float64)
    expected = adaptive_blur_by_loops(x, logits, taps, delayed=delayed)
    torch.testing.assert_close(adaptive_blur(x, logits, taps, delayed=delayed), expected, rtol=1e-12, atol=1e-12)


def test_adaptive_blur_by_hand() -> None:
    x = torch.tensor([[[0.0, 8.0, 4.0]]])
    logits = torch.tensor([[[[0.0, 0.0, 1e4], [0.0, float(np.log(3)), 0.0]]]])  # (B, G, taps, pixels)
    torch.testing.assert_close(adaptive_blur(x, logits, 2), torch.tensor([[[4.0, 5.0, 4.0]]]))
    torch.testing.assert_close(adaptive_blur(x, logits, 2, delayed=True), torch.tensor([[[2.0, 6.0, 8.0]]]))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("taps", [2, 3, 4, 5])
@pytest.mark.parametrize("size", [(12,), (6, 8), (4, 3, 5)])
def test_equal_logits_are_a_box(size: tuple[int, ...], taps: int, delayed: bool, dtype: torch.dtype) -> None:
    x = torch.randn(3, 4, *size, dtype=dtype)
    logits = torch.full((3, 2, taps ** len(size), *size), 17.0, dtype=dtype)
    expected = blur(x, taps_of(f"rect-{taps}"), delayed=delayed)
    torch.testing.assert_close(adaptive_blur(x, logits, taps, delayed=delayed), expected)


@pytest.mark.parametrize("dtype", [*FLOATS, torch.bfloat16])
def test_every_shift_moves_the_adaptively_blurred_image_bit_for_bit(dtype: torch.dtype) -> None:
    x, logits, shifts = torch.randn(1, 4, 7, 9).to(dtype), torch.randn(1, 2, 9, 7, 9).to(dtype), all_shifts((7, 9))
    moved = rolled(logits.flatten(1, 2), shifts).unflatten(1, (2, 9))
    assert same_bits(adaptive_blur(rolled(x, shifts), moved, 3), rolled(adaptive_blur(x, logits, 3), shifts))


@pytest.mark.parametrize("logit", [1e30, -1e30, 0.0])
def test_large_logits_do_not_overflow(logit: float) -> None:
    logits = torch.zeros(1, 1, 9, 4, 5)
    logits[:, :, 4] = logit
    y = adaptive_blur(torch.ones(1, 3, 4, 5), logits, 3)
    torch.testing.assert_close(y, torch.ones_like(y))


@pytest.mark.parametrize("delayed", [False, True])
def test_derivatives_of_the_adaptive_blur(delayed: bool) -> None:
    function: Callable[..., Tensor] = lambda x, logits: adaptive_blur(x, logits, 2, delayed=delayed)  # noqa: E731
    x, logits = torch.randn(2, 2, 3, 2, dtype=torch.float64), torch.randn(2, 1, 4, 3, 2, dtype=torch.float64)
    gradient_test(function, x, logits)
