"""The architectures by name."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from recon.nn.architectures.deeplab import deeplabv3plus_resnet18
from recon.nn.architectures.resnet import resnet18, resnet18_imagenet, resnet20
from recon.nn.architectures.vgg import vgg13


@dataclass(frozen=True, slots=True)
class Architecture:
    """How a network is built, and what its images must be.

    Args:
        build: takes in_channels, classes and width.
        period: the product of its strides, which divides the sizes of its images.
    """

    build: Callable[[int, int, int], nn.Module]
    period: int


CLASSIFIERS: dict[str, Architecture] = {
    "resnet18": Architecture(resnet18, 8),
    "resnet20": Architecture(resnet20, 4),
    "vgg13": Architecture(vgg13, 32),
    "resnet18-imagenet": Architecture(resnet18_imagenet, 32),
}

SEGMENTERS: dict[str, Architecture] = {"deeplabv3plus-resnet18": Architecture(deeplabv3plus_resnet18, 16)}
