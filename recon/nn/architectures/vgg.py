"""VGG13 with batch normalisation, as Zhang (2019) trains it on CIFAR-10."""

from torch import Tensor, nn

from recon.nn.architectures.layers import initialise, mean_of_pixels, normalised


class VGG(nn.Module):
    """Blocks of two 3x3 convolutions and a maximum over 2x2 pixels, then one linear layer.

    Five maxima leave one pixel of a CIFAR image. Of larger images the mean is taken before the linear layer.

    Args:
        in_channels: channels of the image.
        classes: how many classes there are.
        channels: of each block.
    """

    def __init__(self, in_channels: int, classes: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for n_in, n_out in zip((in_channels, *channels), channels, strict=False):
            layers += [*normalised(n_in, n_out), *normalised(n_out, n_out), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels[-1], classes)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits (B, classes) of images (B, in_channels, H, W)."""
        logits: Tensor = self.classifier(mean_of_pixels(self.features(x)))
        return logits


def vgg13(in_channels: int, classes: int, width: int) -> VGG:
    """Build VGG13: 64, 128, 256, 512 and 512 channels at width 64."""
    return VGG(in_channels, classes, (width, 2 * width, 4 * width, 8 * width, 8 * width))
