"""DeepLabV3+ (Chen et al. 2018) over a ResNet-18 whose last stage is dilated."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recon.nn.architectures.layers import initialise, mean_of_pixels, normalised
from recon.nn.architectures.resnet import ResNetFeatures

RATES = (6, 12, 18)


class PyramidPooling(nn.Module):
    """Atrous spatial pyramid pooling: a pixel, its neighbours at several distances, and the mean over the image.

    Args:
        n_in: channels of the input.
        n_out: channels of each branch and of the result.
        rates: dilations of the branches of 3x3 convolutions.
    """

    def __init__(self, n_in: int, n_out: int, *, rates: Sequence[int] = RATES) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [normalised(n_in, n_out, 1), *(normalised(n_in, n_out, dilation=rate) for rate in rates)]
        )
        self.pooled = normalised(n_in, n_out, 1)
        self.project = normalised((len(rates) + 2) * n_out, n_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Give (B, n_out, H, W)."""
        mean = self.pooled(mean_of_pixels(x)[:, :, None, None])
        everywhere = F.interpolate(mean, size=x.shape[2:], mode="nearest")
        projected: Tensor = self.project(torch.cat([*(branch(x) for branch in self.branches), everywhere], dim=1))
        return projected


class DeepLabV3Plus(nn.Module):
    """Segment images (B, in_channels, H, W) to logits (B, classes, H, W).

    The backbone's last features, at 1/16 of the resolution, pass the pyramid pooling and are upsampled to those of the
    first stage, at 1/4, of which 48 channels are kept (at width 64). Two convolutions of both give the logits, which
    are upsampled to the image's size. The mean over the image is normalised over the batch, so that training needs
    two images or more at a time.

    Args:
        in_channels: channels of the image.
        classes: how many classes there are.
        width: channels of the backbone's first stage.
    """

    def __init__(self, in_channels: int, classes: int, width: int) -> None:
        super().__init__()
        channels = (width, 2 * width, 4 * width, 8 * width)
        decoded, low = 4 * width, 3 * width // 4
        self.backbone = ResNetFeatures(in_channels, channels, blocks=2, stem="large", dilated=True)
        self.pyramid = PyramidPooling(channels[-1], decoded)
        self.low = normalised(channels[0], low, 1)
        self.decoder = nn.Sequential(*normalised(low + decoded, decoded), *normalised(decoded, decoded))
        self.head = nn.Conv2d(decoded, classes, 1)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits of every pixel."""
        fine, *_, coarse = self.backbone(x)
        up = _resized(self.pyramid(coarse), fine)
        return _resized(self.head(self.decoder(torch.cat([self.low(fine), up], dim=1))), x)


def deeplabv3plus_resnet18(in_channels: int, classes: int, width: int) -> DeepLabV3Plus:
    """Build DeepLabV3+ over ResNet-18; the weights of its backbone have torchvision's names."""
    return DeepLabV3Plus(in_channels, classes, width)


def _resized(y: Tensor, x: Tensor) -> Tensor:
    """Interpolate to the size of another image."""
    return F.interpolate(y, size=x.shape[2:], mode="bilinear", align_corners=False)
