"""Factories of small networks, as users write them; `tests.conversion.networks:small` names one."""

import torch
from torch import Tensor, nn


def small() -> nn.Module:
    """Give a zero-padded network of stride 2 from images to images, always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return anew()


def anew() -> nn.Module:
    """Give such a network with other weights at each call."""
    return nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.ConvTranspose2d(4, 1, 2, 2))


def double() -> nn.Module:
    """Give such a network in float64."""
    return small().double()


def classifier() -> nn.Module:
    """Give a network of stride 4 from colour images to ten logits."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = (nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2, padding=1))
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


def without_stride() -> nn.Module:
    """Give a zero-padded network that samples nothing."""
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))


def dense() -> nn.Module:
    """Give a network without a convolution."""
    return nn.Sequential(nn.Linear(3, 3))


def number() -> int:
    """Give no network."""
    return 1


class Looking(nn.Module):
    """A network that looks at the values of its image, which cannot be followed."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = small()

    def forward(self, x: Tensor) -> Tensor:
        """Turn bright images dark first."""
        result: Tensor = self.inner(-x if x.mean() > 0 else x)
        return result


class Pyramid(nn.Module):
    """A network that gives its features on a coarser grid, too."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(4, 1, 2, 2)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Give both."""
        features = self.down(x)
        return {"features": features, "image": self.up(features)}


class Features(Pyramid):
    """One that gives them alone."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Give the features."""
        return {"features": self.down(x)}


class Failing(nn.Module):
    """A network whose code fails."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """Want a second input, which it is not given."""
        return x * time
