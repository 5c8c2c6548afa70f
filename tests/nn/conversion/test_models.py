"""The networks of torchvision, fastMRI and MONAI become exact, whatever their weights are."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recon.metrics import equivariance_error
from recon.nn.conversion import make_equivariant
from tests.nn.conversion.checks import as_images, hard_inputs, inexact, random_shifts, residues
from tests.nn.conversion.models import MODELS, converted, original, thin_convnext, thin_resnet


@pytest.mark.parametrize("method", ["mass", "aps", "lps"])
@pytest.mark.parametrize("name", sorted(MODELS))
def test_model_is_exact(name: str, method: str) -> None:
    case = MODELS[name]
    images = hard_inputs(case.size, channels=case.channels)
    shifts = [*random_shifts(case.size, case.shifts), (1,) * len(case.size)]
    assert inexact(converted(name, method), images, shifts) == []


@pytest.mark.parametrize("name", sorted(MODELS))
def test_model_was_not_exact_before(name: str) -> None:
    case = MODELS[name]
    x = torch.randn(1, case.channels, *case.size)
    shift = [3, *[1] * (len(case.size) - 1)]
    assert not equivariance_error(as_images(original(name)), x, shift).bitwise


@pytest.mark.parametrize(
    ("name", "period"),
    [
        ("monai UNet", 4),
        ("monai AttentionUnet", 4),
        ("fastmri Unet", 8),
        ("monai SegResNet", 8),
        ("thin deeplabv3", 8),
        ("monai BasicUNet", 16),
        ("thin densenet121", 32),
        ("thin convnext_large", 32),
    ],
)
def test_model_is_exact_for_all_residues(name: str, period: int) -> None:
    case = MODELS[name]
    x = torch.randn(1, case.channels, *case.size)
    assert inexact(converted(name), {"noise": x}, residues(period)) == []


@pytest.mark.parametrize("name", sorted(MODELS))
def test_larger_images_and_batches_are_exact(name: str) -> None:
    case, network = MODELS[name], converted(name)
    size = (*(2 * n for n in case.size[:-1]), 3 * case.size[-1])
    images = {"noise": torch.randn(3, case.channels, *size)}
    if name == "thin vgg13":  # reads its last map in a fixed order, so that larger ones are refused
        features = make_equivariant(original(name).get_submodule("0"), example=images["noise"])
        assert inexact(largest(features), images, random_shifts(size, 2)) == []
    else:
        assert inexact(network, images, random_shifts(size, 2)) == []


def largest(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """The largest value of each channel, since the map of the features lies on a coarser grid than the image."""
    return lambda x: network(x).amax((2, 3))


def trained(network: nn.Module) -> nn.Module:
    """Train a classifier of noise for a few steps, at a rate that leaves nothing as it was."""
    optimizer = torch.optim.Adam(network.train().parameters(), lr=1e-2)
    for _ in range(4):
        F.cross_entropy(network(torch.randn(4, 3, 32, 32)), torch.arange(4)).backward()
        optimizer.step()
        optimizer.zero_grad()
    return network.eval()


@pytest.mark.parametrize("build", [thin_resnet, thin_convnext])
def test_trained_networks_are_exact(build: Callable[[], nn.Module]) -> None:
    network = build()
    before = deepcopy(network.state_dict())
    trained(network)
    assert not any(torch.equal(before[key], value) for key, value in network.state_dict().items())
    images = hard_inputs((32, 32), channels=3)
    converted = make_equivariant(network, example=images["noise"])
    assert inexact(converted, images, [*random_shifts((32, 32), 4), (1, 1)]) == []
