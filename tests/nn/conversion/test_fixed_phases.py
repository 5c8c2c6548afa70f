"""With every phase 0, a converted network is the original with circular paddings, built here by other means."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from monai.networks.nets.attentionunet import AttentionUnet
from monai.networks.nets.basic_unet import BasicUNet
from monai.networks.nets.unet import UNet
from torch import Tensor, nn

from recon.nn.conversion import make_equivariant, with_one_phase
from tests.nn.conversion.checks import as_images, prepared
from tests.nn.conversion.models import MODELS, thin_vgg
from tests.nn.conversion.networks import SMALL, Residual, head

BATCH = 16  # from which on torch itself takes oneDNN's convolutions for kernels of one pixel


class CircularPool(nn.Module):
    """A pooling with circular padding."""

    def __init__(self, pool: nn.MaxPool2d | nn.AvgPool2d) -> None:
        super().__init__()
        assert isinstance(pool.padding, int)
        self.pool, self.width = deepcopy(pool), pool.padding
        self.pool.padding = 0

    def forward(self, x: Tensor) -> Tensor:
        """Pad and pool."""
        y: Tensor = self.pool(F.pad(x, [self.width] * 4, mode="circular"))
        return y


class CircularTransposed(nn.Module):
    """A transposed convolution with circular padding: that of a padded image, cut to size."""

    def __init__(self, layer: nn.ConvTranspose2d) -> None:
        super().__init__()
        self.layer = deepcopy(layer)

    def forward(self, x: Tensor) -> Tensor:
        """Pad, convolve, cut."""
        y: Tensor = self.layer(F.pad(x, [2] * 4, mode="circular"))
        edge = 2 * self.layer.stride[0]
        return y[:, :, edge:-edge, edge:-edge]


def circular(network: nn.Module) -> nn.Module:
    """Give a copy of a network whose paddings are circular."""
    network = deepcopy(network)
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.MaxPool2d | nn.AvgPool2d) and child.padding:
                setattr(parent, name, CircularPool(child))
            if isinstance(child, nn.ConvTranspose2d):
                setattr(parent, name, CircularTransposed(child))
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and any(module.padding):
            module.padding_mode = "circular"
    return network


NETWORKS: dict[str, tuple[Callable[[], nn.Module], int, int]] = {
    "convolutions": (lambda: nn.Sequential(head(), Residual(4, 6, 2), Residual(6, 8, 2), head_of(8)), 1, 16),
    "kernel 7 and pools": (
        lambda: nn.Sequential(nn.Conv2d(1, 4, 7, 2, 3), nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(3, 2, 1), head_of(4)),
        1,
        16,
    ),
    "dilated and grouped": (
        lambda: nn.Sequential(head(), nn.Conv2d(4, 8, 3, 2, 2, dilation=2, groups=4), nn.AvgPool2d(2), head_of(8)),
        1,
        16,
    ),
    **{
        name: (MODELS[name].build, 3, 32) for name in ("resnet18", "thin resnet101", "thin densenet121", "mobilenet_v2")
    },
    "vgg features": (lambda: thin_vgg()[0], 3, 32),
}

ROUNDED: dict[str, Callable[[], nn.Module]] = {
    "transposed": lambda: nn.Sequential(head(), nn.Conv2d(4, 4, 3, 2, 1), nn.ConvTranspose2d(4, 2, 3, 2, 1, 1)),
    "longer transposed": SMALL["kernel 7, stride 2"],
    "instance norm": lambda: UNet(2, 1, 1, (4, 8, 16), (2, 2), num_res_units=1),
    "basic": lambda: BasicUNet(2, 1, 1, features=(4, 4, 8, 8, 16, 4)),
    "attention": lambda: AttentionUnet(2, 1, 1, (4, 8, 16), (2, 2)),
}


def head_of(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, 2, 1)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_phase_0_is_the_circular_original_bit_for_bit(name: str) -> None:
    build, channels, size = NETWORKS[name]
    network, x = prepared(build()), torch.randn(BATCH, channels, size, size)
    expected = circular(network)(x)
    for method in ("mass", "aps"):
        converted = make_equivariant(network, method, example=x[:1])
        with torch.no_grad():
            assert torch.equal(as_images(with_one_phase(converted))(x), as_images(lambda _: expected)(x))
            assert not torch.equal(as_images(converted)(x), as_images(lambda _: expected)(x))


@pytest.mark.parametrize("name", sorted(ROUNDED))
def test_phase_0_is_the_circular_original_but_for_rounding(name: str) -> None:
    """Exact statistics, and transposed convolutions as convolutions over zeros, round otherwise than torch's own."""
    network, x = prepared(ROUNDED[name]()).double(), torch.randn(2, 1, 32, 32, dtype=torch.float64)
    converted = with_one_phase(make_equivariant(network, example=x[:1]))
    with torch.no_grad():
        torch.testing.assert_close(converted(x), circular(network)(x), rtol=1e-6, atol=1e-6)


def test_other_phases_are_the_shifted_original() -> None:
    network, x = prepared(nn.Sequential(head(), nn.Conv2d(4, 4, 3, 2, 1))), torch.randn(BATCH, 1, 8, 8)
    converted = with_one_phase(make_equivariant(network, example=x), (1, 0))
    first, second = circular(network).children()
    assert torch.equal(converted(x), second(torch.roll(first(x), -1, 2)))


def test_mass_without_a_choice_of_its_own_is_plain() -> None:
    network, x = prepared(SMALL["u-net"]()), torch.randn(2, 1, 8, 12)
    one = with_one_phase(make_equivariant(network, "mass", example=x))
    assert torch.equal(one(x), make_equivariant(network, "plain", example=x)(x))
