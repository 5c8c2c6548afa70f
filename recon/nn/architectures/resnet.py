"""Residual networks of basic blocks (He et al. 2016), with the parameter names of torchvision's."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recon.nn.architectures.layers import convolution, initialise, mean_of_pixels

Stem = Literal["small", "large"]
Shortcut = Literal["convolution", "zeros"]


class ZeroShortcut(nn.Module):
    """The shortcut without weights (option A of He et al. 2016): every stride-th pixel, and channels of zeros.

    Args:
        more: channels of zeros, after those of the image.
        stride: distance of the pixels kept.
    """

    def __init__(self, more: int, *, stride: int) -> None:
        super().__init__()
        self.more, self.stride = more, stride

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, C + more, H / stride, W / stride)."""
        return F.pad(x[:, :, :: self.stride, :: self.stride], [0, 0, 0, 0, 0, self.more])


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation, of which the first is strided, and a shortcut around them.

    Args:
        n_in: channels of the input.
        n_out: channels of the output.
        stride: of the first convolution and the shortcut.
        dilations: of the two convolutions.
        shortcut: what is done where the shapes differ, a strided 1x1 `convolution` (option B) or `zeros` (option A).
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        stride: int = 1,
        dilations: tuple[int, int] = (1, 1),
        shortcut: Shortcut = "convolution",
    ) -> None:
        super().__init__()
        self.conv1 = convolution(n_in, n_out, stride=stride, dilation=dilations[0])
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = convolution(n_out, n_out, dilation=dilations[1])
        self.bn2 = nn.BatchNorm2d(n_out)
        self.downsample: nn.Module | None = None
        if (stride, n_in) != (1, n_out) and shortcut == "zeros":
            self.downsample = ZeroShortcut(n_out - n_in, stride=stride)
        elif (stride, n_in) != (1, n_out):
            self.downsample = nn.Sequential(convolution(n_in, n_out, 1, stride=stride), nn.BatchNorm2d(n_out))

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, n_out, H / stride, W / stride)."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class Stages(nn.Module):
    """The stem and the stages of a residual network, which `ResNetFeatures` and `ResNet` go through.

    The first stage keeps the resolution of the stem, every other halves it.

    Args:
        in_channels: channels of the image.
        channels: of each stage.
        blocks: of each stage.
        stem: `small`, a 3x3 convolution; or `large`, a 7x7 convolution and a maximum over 3x3, both of stride 2.
        shortcut: see `BasicBlock`.
        dilated: the last stage keeps its resolution. Its first convolution is as it was, and those after it, which saw
            every other pixel, are dilated by 2 and see them still.
    """

    def __init__(
        self,
        in_channels: int,
        channels: Sequence[int],
        *,
        blocks: int,
        stem: Stem,
        shortcut: Shortcut = "convolution",
        dilated: bool = False,
    ) -> None:
        super().__init__()
        large = stem == "large"
        self.conv1 = convolution(in_channels, channels[0], 7 if large else 3, stride=2 if large else 1)
        self.bn1 = nn.BatchNorm2d(channels[0])
        self.maxpool = nn.MaxPool2d(3, 2, 1) if large else nn.Identity()
        self.names = tuple(f"layer{number}" for number in range(1, len(channels) + 1))
        for name, n_in, n_out in zip(self.names, (channels[0], *channels), channels, strict=False):
            dilation = 2 if dilated and name == self.names[-1] else 1
            stride = 1 if name == self.names[0] or dilation > 1 else 2
            stage = [BasicBlock(n_in, n_out, stride=stride, dilations=(1, dilation), shortcut=shortcut)]
            stage += [BasicBlock(n_out, n_out, dilations=(dilation, dilation)) for _ in range(blocks - 1)]
            self.add_module(name, nn.Sequential(*stage))

    def features(self, x: Tensor) -> list[Tensor]:
        """Give the features of every stage, finest first."""
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        found = []
        for name in self.names:
            x = self.get_submodule(name)(x)
            found.append(x)
        return found


class ResNetFeatures(Stages):
    """A residual network that gives the features of its stages; for the arguments see `Stages`."""

    def forward(self, x: Tensor) -> list[Tensor]:
        """Give the features of every stage, finest first."""
        return self.features(x)


class ResNet(Stages):
    """A residual network that gives the logits (B, classes) of images (B, in_channels, H, W).

    Args:
        in_channels: channels of the image.
        classes: how many classes there are.
        channels: of each stage.
        blocks: of each stage.
        stem: see `Stages`.
        shortcut: see `BasicBlock`.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        channels: Sequence[int],
        *,
        blocks: int,
        stem: Stem,
        shortcut: Shortcut = "convolution",
    ) -> None:
        super().__init__(in_channels, channels, blocks=blocks, stem=stem, shortcut=shortcut)
        self.fc = nn.Linear(channels[-1], classes)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits."""
        logits: Tensor = self.fc(mean_of_pixels(self.features(x)[-1]))
        return logits


def resnet18(in_channels: int, classes: int, width: int) -> ResNet:
    """Build ResNet-18 for small images: a stem of one 3x3 convolution, and no pooling before the stages."""
    return ResNet(in_channels, classes, _doubling(width, 4), blocks=2, stem="small")


def resnet18_imagenet(in_channels: int, classes: int, width: int) -> ResNet:
    """Build ResNet-18 as it is for ImageNet; its weights have torchvision's names."""
    return ResNet(in_channels, classes, _doubling(width, 4), blocks=2, stem="large")


def resnet20(in_channels: int, classes: int, width: int) -> ResNet:
    """Build the ResNet-20 that He et al. (2016, section 4.2) made for CIFAR-10: 16, 32 and 64 channels at width 64."""
    return ResNet(in_channels, classes, _doubling(width // 4, 3), blocks=3, stem="small", shortcut="zeros")


def _doubling(first: int, count: int) -> list[int]:
    """Give so many numbers of channels, each twice the one before."""
    return [first * 2**number for number in range(count)]
