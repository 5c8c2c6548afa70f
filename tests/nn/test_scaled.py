"""Scaling inside a network: as in training, by hand, undone, and exact under every shift, in recorded graphs too."""

import io
import math

import pytest
import torch
from torch import Tensor, nn

from recon import UNet, equivariance_error
from recon.errors import ConfigError
from recon.nn.scaled import ScaledNetwork, Scaling
from recon.ops.intensity import normalise

MRI = Scaling("deviation", clamp=6.0)
CT = Scaling("linear", mean=-1001.0, scale=4072.0, units="HU")


def images(count: int = 3, size: tuple[int, int] = (16, 24)) -> Tensor:
    """Positive intensities, each image of other brightness."""
    noise = torch.randn(count, 1, *size, generator=torch.Generator().manual_seed(3)).abs()
    return noise * torch.logspace(-6, 6, count)[:, None, None, None]


def unet(sampling: str = "aps") -> UNet:
    torch.manual_seed(0)
    return UNet(1, 1, channels=(4, 8, 16), sampling=sampling).eval()


def test_each_image_is_scaled_as_training_scales_it() -> None:
    scaled = Scaling("deviation")(images())
    for index, image in enumerate(images()):
        expected = normalise(image)
        torch.testing.assert_close(scaled.images[index], expected.image, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(scaled.mean[index].squeeze(), expected.mean, rtol=1e-6, atol=0)
        torch.testing.assert_close(scaled.scale[index].squeeze(), expected.scale, rtol=1e-5, atol=0)


def test_deviation_is_that_of_a_sample_by_hand() -> None:
    scaled = Scaling("deviation")(torch.tensor([[[[1.0, 2.0, 3.0, 6.0]]]]))
    assert scaled.mean.item() == 3.0
    assert scaled.scale.item() == pytest.approx(math.sqrt(14 / 3))  # (4 + 1 + 0 + 9) / (4 - 1)


def test_linear_scaling_is_by_its_numbers_alone() -> None:
    scaled = CT(torch.tensor([[[[-1001.0, 3071.0]]], [[[0.0, 1035.0]]]]))
    torch.testing.assert_close(scaled.images.flatten(), torch.tensor([0.0, 1.0, 1001 / 4072, 0.5]))


@pytest.mark.parametrize("scaling", [Scaling("deviation"), CT])
def test_what_was_scaled_is_scaled_back(scaling: Scaling) -> None:
    torch.testing.assert_close(ScaledNetwork(nn.Identity(), scaling)(images()), images(), rtol=1e-4, atol=1e-3)


def test_network_is_given_nothing_beyond_the_bound() -> None:
    bright = torch.zeros(1, 1, 16, 16)
    bright[..., 3, 5] = 1e4
    assert Scaling("deviation")(bright).images.max() > 6
    assert MRI(bright).images.max() == 6


def test_scaling_does_not_depend_on_the_other_images() -> None:
    batch = images(4)
    alone = torch.cat([ScaledNetwork(nn.Identity(), MRI)(image[None]) for image in batch])
    assert torch.equal(ScaledNetwork(nn.Identity(), MRI)(batch), alone)


@pytest.mark.parametrize("scaling", [MRI, CT])
@pytest.mark.parametrize("blank", [0.0, 7.0, -3.0, 1e-30, 1e30])
def test_blank_images_stay_finite(scaling: Scaling, blank: float) -> None:
    assert ScaledNetwork(unet(), scaling)(torch.full((2, 1, 8, 8), blank)).isfinite().all()


@pytest.mark.parametrize("scaling", [MRI, CT])
def test_network_with_scaling_is_exact_under_every_shift_below_its_period(scaling: Scaling) -> None:
    network, batch = ScaledNetwork(unet(), scaling), images()
    for shift in torch.cartesian_prod(torch.arange(4), torch.arange(4)).tolist():
        assert equivariance_error(network, batch, shift).bitwise


def test_scaling_is_exact_under_every_shift() -> None:
    batch = images(1, (8, 12)) * 1000 + 123
    scaled = ScaledNetwork(nn.Identity(), MRI)
    for shift in torch.cartesian_prod(torch.arange(8), torch.arange(12)).tolist():
        assert equivariance_error(scaled, batch, shift).bitwise


def test_inexact_scaling_would_be_found() -> None:
    def by_sums_of_float32(batch: Tensor) -> Tensor:
        return torch.cat([normalise(image).image[None] for image in batch])

    batch = images(1, (40, 56)) * 1000 + 123
    shifts = torch.cartesian_prod(torch.arange(8), torch.arange(8)).tolist()
    assert not all(equivariance_error(by_sums_of_float32, batch, shift).bitwise for shift in shifts)


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace:FutureWarning")
@pytest.mark.parametrize("scaling", [MRI, CT])
def test_recorded_graph_scales_alike_to_the_bit(scaling: Scaling) -> None:
    """Ties between phases are broken by the bits of the image that the network is given."""
    module = ScaledNetwork(nn.Identity(), scaling).eval()
    script = torch.jit.trace(module, (images(2, (8, 8)),), check_trace=False)
    sizes = {axis: torch.export.Dim(name, min=1, max=512) for axis, name in ((0, "b"), (2, "h"), (3, "w"))}
    program = torch.export.export(module, (images(2, (8, 12)),), dynamic_shapes=({**sizes},))
    held = io.BytesIO()
    torch.export.save(program, held)
    held.seek(0)
    for batch in (images(), images(1, (32, 48)) + 5, images(5, (6, 10)) * 1e5):
        expected = module(batch)
        assert torch.equal(script(batch), expected)
        assert torch.equal(torch.export.load(held).module()(batch), expected)
        held.seek(0)


def test_words_are_understood_again() -> None:
    for scaling in (MRI, CT):
        assert Scaling.from_words(scaling.words) == scaling


@pytest.mark.parametrize(
    "words",
    [
        {"kind": "cubic"},
        {"kind": "linear", "scale": 0.0},
        {"kind": "linear", "scale": float("nan")},
        {"kind": "linear", "mean": float("inf")},
        {"clamp": 0.0},
        {"clamp": -1.0},
        {"clamp": float("nan")},
        {"scale": "wide"},
        {"mean": None},
        {"gamma": 2.0},
        {"kind": ["linear"]},
        [],
    ],
)
def test_other_words_are_refused(words: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Scaling.from_words(words)
