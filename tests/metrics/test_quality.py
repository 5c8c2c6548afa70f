"""NMSE, PSNR and SSIM: those of fastMRI, dival and scikit-image, values by hand, limits, gradients and refusals."""

import math
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import skimage.metrics
import torch
from numpy.typing import NDArray
from torch import Tensor

from recon.errors import ConfigError, DataError, ReconError, ShapeError
from recon.metrics import Quality, image_quality, nmse, psnr, ssim, ssim_loss, volume_quality
from tests.images import ordinary_images
from tests.properties import FLOATS, gradient_test

Metric = Callable[[Tensor, Tensor, float], Tensor]
METRICS: dict[str, Metric] = {
    "nmse": lambda output, target, _: nmse(output, target),
    "psnr": psnr,
    "ssim": ssim,
}


def pairs() -> dict[str, tuple[Tensor, Tensor]]:
    """Outputs and targets (5, 1, H, W) of float32: noise, photographs and a phantom, of several scales and offsets."""
    generator = torch.Generator().manual_seed(3)
    images = ordinary_images((48, 64))
    photographs = torch.stack(
        [
            images["camera"],
            images["moon in 8 bits"] / 255,
            images["phantom"],
            images["astronaut"] + 0.5,
            images["camera"],
        ]
    )
    noise = torch.randn(photographs.shape, generator=generator)
    blurred = torch.nn.functional.avg_pool2d(photographs, 3, stride=1, padding=1)
    return {
        "random": (torch.rand(noise.shape, generator=generator), torch.rand(noise.shape, generator=generator)),
        "noisy photographs": (photographs + 0.02 * noise, photographs),
        "blurred photographs": (blurred, photographs),
        "proton density": (1e-4 * (blurred + 0.01 * noise), 1e-4 * photographs),
        "bright background": (photographs + 10 + 0.02 * noise, photographs + 10),
        "negative": (0.3 * noise, photographs - 0.5),
    }


@pytest.fixture(params=pairs())
def pair(request: pytest.FixtureRequest) -> tuple[Tensor, Tensor]:
    """One of the pairs."""
    return pairs()[request.param]


def float64_arrays(*images: Tensor) -> tuple[NDArray[np.float64], ...]:
    """Give the images as arrays of float64."""
    return tuple(image.double().numpy() for image in images)


def test_volume_is_measured_as_by_fastmri(pair: tuple[Tensor, Tensor]) -> None:
    from fastmri import evaluate

    output, target = pair
    quality = volume_quality(output, target)
    for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 1e-4)):  # fastMRI's own roundings in float32
        given, wanted = (x[:, 0].numpy().astype(dtype) for x in (output, target))
        assert quality.nmse == pytest.approx(float(evaluate.nmse(wanted, given)), rel=min(tolerance, 1e-6))
        assert quality.psnr == pytest.approx(float(evaluate.psnr(wanted, given)), rel=min(tolerance, 1e-6))
        assert quality.ssim == pytest.approx(evaluate.ssim(wanted, given).item(), rel=tolerance, abs=tolerance)


def test_images_are_measured_as_by_dival(pair: tuple[Tensor, Tensor]) -> None:
    from dival.measure import PSNR, SSIM

    output, target = pair
    for image, quality in enumerate(image_quality(output, target)):
        given, wanted = float64_arrays(output[image, 0], target[image, 0])
        assert quality.psnr == pytest.approx(float(PSNR(given, wanted)), rel=1e-9)
        assert quality.ssim == pytest.approx(float(SSIM(given, wanted)), rel=1e-9, abs=1e-9)
        assert quality.nmse == pytest.approx(np.sum((given - wanted) ** 2) / np.sum(wanted**2), rel=1e-9)


@pytest.mark.parametrize("window", [3, 7, 11])
@pytest.mark.parametrize("dtype", FLOATS)
def test_single_images_are_measured_as_by_scikit_image(
    pair: tuple[Tensor, Tensor], dtype: torch.dtype, window: int
) -> None:
    output, target = (x.to(dtype) for x in pair)
    ranges = torch.linspace(0.5, 2, len(target)) * float(target.max() - target.min())
    similarities, ratios = ssim(output, target, ranges, window=window), psnr(output, target, ranges)
    assert similarities.dtype == ratios.dtype == torch.float64
    for image, data_range in enumerate(ranges.double().tolist()):
        given, wanted = float64_arrays(output[image, 0], target[image, 0])
        similarity = skimage.metrics.structural_similarity(wanted, given, data_range=data_range, win_size=window)
        ratio = skimage.metrics.peak_signal_noise_ratio(wanted, given, data_range=data_range)
        assert float(similarities[image]) == pytest.approx(similarity, rel=1e-9, abs=1e-9)
        assert float(ratios[image]) == pytest.approx(ratio, rel=1e-9)


def test_channels_are_measured_together() -> None:
    output, target = torch.rand(2, 3, 9, 8), torch.rand(2, 3, 9, 8)
    for image in range(2):
        given, wanted = float64_arrays(output[image], target[image])
        similarity = skimage.metrics.structural_similarity(wanted, given, data_range=1.0, channel_axis=0)
        ratio = skimage.metrics.peak_signal_noise_ratio(wanted, given, data_range=1.0)
        assert float(ssim(output, target, 1.0)[image]) == pytest.approx(similarity)
        assert float(psnr(output, target, 1.0)[image]) == pytest.approx(ratio)


@pytest.mark.parametrize("name", METRICS)
def test_batch_is_a_loop(name: str) -> None:
    output, target = torch.rand(4, 2, 8, 11), torch.rand(4, 2, 8, 11)
    alone = [METRICS[name](output[i : i + 1], target[i : i + 1], 0.7) for i in range(4)]
    torch.testing.assert_close(METRICS[name](output, target, 0.7), torch.cat(alone), rtol=1e-12, atol=0)
    assert METRICS[name](output[:0], target[:0], 0.7).shape == (0,)


def test_values_by_hand() -> None:
    # a window of 3 x 3 fits once into 3 x 3 pixels; target: one pixel of 9, output: one of 18 beside it; range 100
    target, output = torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3, 3)
    target[..., 0, 0], output[..., 0, 1] = 9, 18
    assert nmse(output, target).item() == (81 + 324) / 81
    assert psnr(output, target, 100).item() == pytest.approx(10 * math.log10(100**2 / 45))
    # means 1 and 2; variances (81 - 9) / 8 = 9 and (324 - 36) / 8 = 36; covariance (0 - 18) / 8; c1 = 1, c2 = 9
    by_hand = (2 * 1 * 2 + 1) * (2 * -18 / 8 + 9) / ((1 + 4 + 1) * (9 + 36 + 9))
    assert ssim(output, target, 100, window=3).item() == pytest.approx(by_hand, rel=1e-13)


def test_volume_is_one_thing_and_images_are_many() -> None:
    target = torch.rand(3, 1, 9, 8) * torch.tensor([1.0, 10.0, 100.0]).reshape(3, 1, 1, 1)
    output = target + 0.1 * torch.randn(target.shape)
    whole = volume_quality(output, target)
    peak = float(target.max())
    assert whole.ssim == pytest.approx(ssim(output, target, peak).mean().item())
    assert whole.nmse == pytest.approx(
        float((output - target).double().square().sum() / target.double().square().sum())
    )
    assert volume_quality(output, target, data_range=peak) == whole
    assert volume_quality(output, target, data_range=2 * peak).psnr == pytest.approx(whole.psnr + 20 * math.log10(2))
    assert image_quality(output, target) == tuple(
        image_quality(output[i : i + 1], target[i : i + 1])[0] for i in range(3)
    )


@pytest.mark.parametrize("scale", [1e-6, 1e-4, 1.0, 1e4])
def test_scale_does_not_matter(scale: float) -> None:
    output, target = pairs()["noisy photographs"]
    near, far = volume_quality(output, target), volume_quality(output.double() * scale, target.double() * scale)
    assert (far.nmse, far.psnr, far.ssim) == pytest.approx((near.nmse, near.psnr, near.ssim), rel=1e-9)


@pytest.mark.parametrize("level", [0.0, 0.7, -3.0])
def test_equal_images_are_at_the_limits(level: float) -> None:
    for x in (torch.full((2, 1, 8, 8), level), torch.rand(2, 1, 8, 8) + level):
        assert nmse(x, x).tolist() == [0, 0]
        assert psnr(x, x, 1.0).tolist() == [math.inf, math.inf]
        assert ssim(x, x, 1.0).tolist() == [1, 1]


def test_zero_targets_are_at_the_limits() -> None:
    output = torch.zeros(2, 1, 8, 8)
    output[1] = 0.1
    output.requires_grad_()
    errors = nmse(output, torch.zeros(2, 1, 8, 8))
    assert errors.tolist() == [0, math.inf]
    (gradient,) = torch.autograd.grad(errors.sum(), output)
    assert not gradient.any()


def test_nan_is_seen() -> None:
    output, target = torch.rand(2, 1, 8, 8), torch.rand(2, 1, 8, 8)
    output[1, 0, 3, 3] = math.nan
    for metric in METRICS.values():
        assert metric(output, target, 1.0).isnan().tolist() == [False, True]
    assert math.isnan(volume_quality(output, target).psnr)


@pytest.mark.parametrize("name", METRICS)
def test_derivatives_are_those_of_finite_differences(name: str) -> None:
    output, target = (torch.rand(2, 2, 8, 7, dtype=torch.float64) for _ in range(2))
    gradient_test(lambda x, y: METRICS[name](x, y, 0.8), output, target)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(("level", "other"), [(0.0, 0.0), (0.5, 0.5), (0.5, 0.0), (0.0, 1e-4), (-100.0, 3.0)])
def test_gradient_of_the_loss_is_finite_on_constant_images(level: float, other: float, dtype: torch.dtype) -> None:
    output = torch.full((2, 1, 9, 9), level, dtype=dtype, requires_grad=True)
    target = torch.full((2, 1, 9, 9), other, dtype=dtype)
    for data_range in (1e-4, 1.0):
        loss = ssim_loss(output, target, data_range)
        (gradient,) = torch.autograd.grad(loss, output)
        assert loss.isfinite()
        assert gradient.dtype == dtype
        assert gradient.isfinite().all()


def test_loss_is_a_scalar_in_the_type_of_training() -> None:
    output, target = torch.rand(3, 1, 9, 9), torch.rand(3, 1, 9, 9)
    loss = ssim_loss(output, target, torch.tensor([1.0, 2.0, 3.0]), window=5)
    assert (loss.shape, loss.dtype) == ((), torch.float32)
    assert loss.item() == pytest.approx(1 - ssim(output, target, torch.tensor([1.0, 2.0, 3.0]), window=5).mean().item())
    assert ssim_loss(output.bfloat16(), target, 1.0).dtype == torch.float32
    assert ssim_loss(output.double(), target, 1.0).dtype == torch.float64


def test_descending_the_loss_finds_the_target() -> None:
    target = pairs()["noisy photographs"][1][:1, :, :16, :16]
    output = torch.full_like(target, 0.5).requires_grad_()
    optimiser = torch.optim.Adam([output], lr=0.02)
    for _ in range(150):
        optimiser.zero_grad()
        ssim_loss(output, target, 1.0).backward()
        optimiser.step()
    assert ssim(output, target, 1.0).item() > 0.99


def test_quality_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Quality(0.0, 1.0, 1.0).nmse = 1.0  # type: ignore[misc]


IMAGES = torch.rand(2, 1, 8, 9)


@pytest.mark.parametrize(
    ("attempt", "error", "message"),
    [
        (lambda: nmse(IMAGES, IMAGES[..., :8]), ShapeError, "same shape, got (2, 1, 8, 9) and (2, 1, 8, 8); crop"),
        (lambda: psnr(IMAGES[:1], IMAGES, 1.0), ShapeError, "same shape, got (1, 1, 8, 9) and (2, 1, 8, 9)"),
        (lambda: ssim(IMAGES[0], IMAGES[0], 1.0), ShapeError, "output must have the shape (batch, channels, H, W)"),
        (lambda: nmse(IMAGES, IMAGES.int()), DataError, "target must be of a floating-point"),
        (
            lambda: nmse(IMAGES.to(torch.complex64), IMAGES),
            DataError,
            "output must be real, got torch.complex64; take its mag",
        ),
        (lambda: nmse([1.0], IMAGES), DataError, "output must be a torch.Tensor, got list"),  # type: ignore[arg-type]
        (lambda: nmse(IMAGES[..., :0], IMAGES[..., :0]), ShapeError, "at least one pixel, got (2, 1, 8, 0)"),
        (lambda: psnr(IMAGES, IMAGES, 0), DataError, "data_range must be positive and finite, got 0"),
        (lambda: psnr(IMAGES, IMAGES, torch.tensor([1.0, -2.0])), DataError, "positive and finite, got -2"),
        (lambda: ssim(IMAGES, IMAGES, math.nan), DataError, "positive and finite, got nan"),
        (lambda: ssim(IMAGES, IMAGES, math.inf), DataError, "positive and finite, got inf"),
        (
            lambda: ssim(IMAGES, IMAGES, torch.ones(3)),
            ShapeError,
            "one for each of the 2 images, got a tensor of shape (3",
        ),
        (lambda: ssim(IMAGES, IMAGES, "1"), DataError, "number or a tensor (B,), got str"),  # type: ignore[arg-type]
        (lambda: ssim(IMAGES, IMAGES, 1.0, window=9), ShapeError, "as large as the window, 9 x 9, got (8, 9); give"),
        (lambda: ssim(IMAGES, IMAGES, 1.0, window=4), ConfigError, "odd whole number of at least 3, got 4"),
        (lambda: ssim_loss(IMAGES, IMAGES, 1.0, window=1), ConfigError, "odd whole number of at least 3, got 1"),
        (lambda: volume_quality(IMAGES, -IMAGES), DataError, "maximum of the target's volume must be positive and fin"),
        (lambda: volume_quality(IMAGES.expand(2, 3, 8, 9), IMAGES.expand(2, 3, 8, 9)), ShapeError, "(slices, 1, H, W)"),
        (lambda: image_quality(IMAGES, 0 * IMAGES), DataError, "maximum minus its minimum must be positive and finite"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    attempt: Callable[[], object], error: type[ReconError], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        attempt()


def test_numbers_of_other_types_are_ranges_too() -> None:
    output, target = torch.rand(2, 1, 8, 8), torch.rand(2, 1, 8, 8)
    wanted = ssim(output, target, 2.0)
    for data_range in (2, np.float32(2), torch.tensor(2.0), torch.tensor([2, 2]), torch.tensor([2.0])[0]):
        assert torch.equal(ssim(output, target, data_range), wanted)  # type: ignore[arg-type]
