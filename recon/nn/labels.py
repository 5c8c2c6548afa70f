"""Classifiers and segmenters of the papers' architectures, with any sampling in them."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from recon.errors import ConfigError, ShapeError
from recon.nn.architectures import CLASSIFIERS, SEGMENTERS
from recon.nn.blurs import AdaptiveBlur
from recon.nn.label_network import LabelNetwork, LabelPadding
from recon.nn.selectors import LearnedSelector
from recon.samplings import Sampling

_ADDED = {"selector", "blur", "blurs", "equivariance"}  # names of modules that hold what samplings add
_COUNT = "num_batches_tracked"  # of a batch normalisation; older files lack it, and nothing here depends on it
_ADVICE = "; build both of one architecture, with the same numbers of channels and classes"


class Classifier(LabelNetwork):
    """Classify images: (B, in_channels, H, W) to logits (B, classes).

    With circular padding and an adaptive sampling (all but plain and lpf), in eval mode, a circular shift of the image
    changes no bit of the logits. The limits of that statement are those of `recon.make_equivariant`, which makes the
    network. Networks that are built from one seed of torch have the same weights for every sampling, but for those that
    lps and adaptive blurs add.

    Args:
        architecture: `resnet18` (for small images: 3x3 stem, no pooling), `resnet20` (He et al. 2016 for CIFAR-10),
            `vgg13` (with batch normalisation: Zhang 2019) or `resnet18-imagenet` (torchvision's: 7x7 stem, pooling).
        in_channels: channels of the image.
        classes: how many classes there are.
        width: scales the channels of all layers; a multiple of 4, and 64 for the papers' networks.
        sampling: plain, lpf, aps, aps-keep, lps, mass, or a `recon.Sampling` of your own with such a way up.
        blur: a filter's name, `adaptive-3`, or None for the sampling's own (only `lpf` has one).
        padding: `circular`; or `zeros`, the plain network as it is, for sampling `plain`.

    H and W must be divisible by `multiple`: 8, 4, 32 and 32 for these architectures.

    >>> import torch
    >>> network = Classifier("resnet20", width=16, sampling="mass").eval()
    >>> x = torch.rand(2, 3, 32, 32)
    >>> torch.equal(network(x), network(x.roll((1, 5), (2, 3))))
    True
    """

    architectures = CLASSIFIERS

    def __init__(
        self,
        architecture: str = "resnet18",
        *,
        in_channels: int = 3,
        classes: int = 10,
        width: int = 64,
        sampling: str | Sampling = "plain",
        blur: str | None = None,
        padding: LabelPadding = "circular",
    ) -> None:
        super().__init__(
            architecture,
            in_channels=in_channels,
            classes=classes,
            width=width,
            sampling=sampling,
            blur=blur,
            padding=padding,
        )


class Segmenter(LabelNetwork):
    """Segment images: (B, in_channels, H, W) to logits (B, classes, H, W).

    With circular padding and an adaptive sampling (all but plain and lpf), in eval mode, a circular shift of the image
    shifts the logits, bit for bit. The limits of that statement are those of `recon.make_equivariant`, which makes the
    network. For weights and seeds see `Classifier`.

    Args:
        architecture: `deeplabv3plus-resnet18` (Chen et al. 2018, output stride 16); it trains on two images or more.
        in_channels: channels of the image.
        classes: how many classes there are, the background among them.
        width: scales the channels of all layers; a multiple of 4, and 64 for the papers' networks.
        sampling: plain, lpf, aps, aps-keep, lps, mass, or a `recon.Sampling` of your own with such a way up.
        blur: a filter's name, `adaptive-3`, or None for the sampling's own (only `lpf` has one).
        padding: `circular`; or `zeros`, the plain network as it is, for sampling `plain`.

    H and W must be divisible by `multiple`, 16.

    >>> import torch
    >>> network = Segmenter(width=8, sampling="mass").eval()
    >>> x = torch.rand(1, 3, 32, 48)
    >>> torch.equal(network(x.roll((1, 5), (2, 3))), network(x).roll((1, 5), (2, 3)))
    True
    """

    architectures = SEGMENTERS

    def __init__(
        self,
        architecture: str = "deeplabv3plus-resnet18",
        *,
        in_channels: int = 3,
        classes: int = 21,
        width: int = 64,
        sampling: str | Sampling = "plain",
        blur: str | None = None,
        padding: LabelPadding = "circular",
    ) -> None:
        super().__init__(
            architecture,
            in_channels=in_channels,
            classes=classes,
            width=width,
            sampling=sampling,
            blur=blur,
            padding=padding,
        )

    def _check(self, x: Tensor) -> None:
        super()._check(x)
        if self.training and len(x) == 1:
            raise ShapeError(
                "x must have 2 images or more in training, since their means are normalised over the batch, got 1; "
                "drop a last batch of one image"
            )


def transfer_weights(source_state: Mapping[str, Tensor], target: nn.Module) -> Sequence[str]:
    """Load the weights of one network into another of the same architecture, whatever the samplings of both.

    Gives the names of the target's parameters and buffers that stay as they are: those of learned selections and
    adaptive blurs that the source has not, or in other shapes. Where anything else is missing, too much or of another
    shape, it raises a ConfigError and the target stays as it was.

    Args:
        source_state: the state dict of a Classifier, a Segmenter, a UNet or what they are converted from.
        target: the network to be given the weights, in their own types.

    >>> plain, lps = Classifier("resnet20", width=4), Classifier("resnet20", width=4, sampling="lps")
    >>> new = transfer_weights(plain.state_dict(), lps)
    >>> len(new), new[0]
    (10, 'network.equivariance.choices.0.selector.temperature')
    """
    state = target.state_dict()
    added = {
        f"{path}.{name}"
        for path, module in target.named_modules()
        if isinstance(module, LearnedSelector | AdaptiveBlur)
        for name in module.state_dict()
    }
    new = [name for name in state if name in added and not _fits(source_state.get(name), state[name])]
    shared = {name: source_state[name] for name in state if name in source_state and name not in new}
    for name, tensor in state.items():
        if name not in shared and name not in added and not name.endswith(_COUNT):
            raise ConfigError(f"the source must have the target's weights, got none called {name}{_ADVICE}")
        if name in shared and not _fits(shared[name], tensor):
            raise ConfigError(
                f"{name} must have the shape {tuple(tensor.shape)} and be like {tensor.dtype}, got "
                f"{tuple(shared[name].shape)} and {shared[name].dtype}{_ADVICE}"
            )
    for name in source_state:
        if name not in state and not _ADDED & set(name.split(".")):
            raise ConfigError(f"the source must have the target's weights alone, got {name}{_ADVICE}")
    target.load_state_dict(shared, strict=False)
    return new


def _fits(given: Tensor | None, wanted: Tensor) -> bool:
    """Whether a tensor can be loaded in another's place."""
    if given is None:
        return False
    return given.shape == wanted.shape and given.is_floating_point() == wanted.is_floating_point()
