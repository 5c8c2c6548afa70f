"""The networks of torchvision, fastMRI and MONAI become exact."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from fastmri.models import Unet
from monai.networks.nets.attentionunet import AttentionUnet
from monai.networks.nets.basic_unet import BasicUNet
from monai.networks.nets.segresnet import SegResNet
from monai.networks.nets.unet import UNet
from torch import Tensor, nn
from torchvision import models  # type: ignore[import-untyped]

from recon.metrics import equivariance_error
from recon.nn.conversion import make_equivariant
from tests.nn.conversion.checks import as_images, hard_inputs, inexact, prepared, random_shifts, residues


@dataclass(frozen=True, slots=True)
class Case:
    """A network, what it takes, and how many shifts are tried on every image."""

    build: Callable[[], nn.Module]
    size: tuple[int, ...] = (32, 32)
    channels: int = 1
    shifts: int = 6


def segmenter() -> nn.Module:
    return models.segmentation.deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=3)


MODELS: dict[str, Case] = {
    "resnet18": Case(lambda: models.resnet18(num_classes=10), channels=3),
    "resnet50": Case(lambda: models.resnet50(num_classes=10), channels=3, shifts=3),
    "fastmri Unet": Case(lambda: Unet(1, 1, 4, 3)),
    "monai UNet": Case(lambda: UNet(2, 1, 2, (4, 8, 16), (2, 2), num_res_units=2), (16, 16)),
    "monai BasicUNet": Case(lambda: BasicUNet(2, 1, 2, features=(4, 4, 8, 8, 16, 4))),
    "monai SegResNet": Case(lambda: SegResNet(2, 8, 1, 2)),
    "monai AttentionUnet": Case(lambda: AttentionUnet(2, 1, 2, (4, 8, 16), (2, 2)), (16, 16)),
    "monai 3-D UNet": Case(lambda: UNet(3, 1, 2, (4, 8, 16), (2, 2), num_res_units=1), (16, 8, 8)),
    "densenet121": Case(lambda: models.densenet121(num_classes=10), channels=3, shifts=3),
    "mobilenet_v2": Case(lambda: models.mobilenet_v2(num_classes=10), channels=3),
    "vgg13": Case(lambda: models.vgg13(num_classes=10), channels=3, shifts=2),
    "convnext_tiny": Case(lambda: models.convnext_tiny(num_classes=10), channels=3, shifts=2),
    "deeplabv3_resnet50": Case(segmenter, channels=3, shifts=1),
    "googlenet": Case(
        lambda: models.googlenet(num_classes=10, aux_logits=False, init_weights=False), channels=3, shifts=2
    ),
    "efficientnet_b0": Case(lambda: models.efficientnet_b0(num_classes=10), channels=3, shifts=2),
    "shufflenet_v2": Case(lambda: models.shufflenet_v2_x0_5(num_classes=10), channels=3, shifts=3),
    "regnet": Case(lambda: models.regnet_y_400mf(num_classes=10), channels=3, shifts=2),
    "mobilenet_v3": Case(lambda: models.mobilenet_v3_small(num_classes=10), channels=3, shifts=3),
}


def build(name: str) -> tuple[nn.Module, Tensor]:
    case = MODELS[name]
    torch.manual_seed(0)
    return prepared(case.build()), torch.rand(1, case.channels, *case.size)


LARGE = (
    "resnet50",
    "densenet121",
    "vgg13",
    "convnext_tiny",
    "deeplabv3_resnet50",
    "googlenet",
    "efficientnet_b0",
    "regnet",
)
RUNS = [
    pytest.param(name, method, marks=pytest.mark.slow if name in LARGE and method != "mass" else ())
    for name in sorted(MODELS)
    for method in ("mass", "aps", "lps")
]


@pytest.mark.parametrize(("name", "method"), RUNS)
def test_model_is_exact(name: str, method: str) -> None:
    (network, example), case = build(name), MODELS[name]
    converted = make_equivariant(network, method, example=example).eval()
    images = hard_inputs(case.size, channels=case.channels)
    shifts = random_shifts(case.size, case.shifts)
    assert inexact(converted, images, [*shifts, (1,) * len(case.size)]) == []


@pytest.mark.parametrize("name", sorted(MODELS))
def test_model_was_not_exact_before(name: str) -> None:
    network, example = build(name)
    x = torch.randn(example.shape)
    shift = [3, *[1] * (x.ndim - 3)]
    assert not equivariance_error(as_images(network), x, shift).bitwise


@pytest.mark.parametrize(
    ("name", "period"),
    [
        ("monai UNet", 4),
        ("monai AttentionUnet", 4),
        ("fastmri Unet", 8),
        ("monai SegResNet", 8),
        pytest.param("monai BasicUNet", 16, marks=pytest.mark.slow),
        pytest.param("resnet18", 32, marks=pytest.mark.slow),
    ],
)
def test_model_is_exact_for_all_residues(name: str, period: int) -> None:
    network, example = build(name)
    converted = make_equivariant(network, example=example)
    assert inexact(converted, {"noise": torch.randn(example.shape)}, residues(period)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MODELS))
def test_larger_images_and_batches_are_exact(name: str) -> None:
    (network, example), case = build(name), MODELS[name]
    if name == "vgg13":
        network = network.get_submodule("features")
    converted = make_equivariant(network, example=example)
    size = tuple(2 * n for n in case.size)
    x = torch.randn(3, case.channels, *size)
    images = as_images(converted) if name != "vgg13" else pooled(converted)
    assert inexact(images, {"noise": x}, random_shifts(size, 2)) == []


def pooled(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """The largest value of each channel, since the map of vgg's features lies on a coarser grid than the image."""
    return lambda x: as_images(lambda y: network(y).amax((2, 3)))(x)
