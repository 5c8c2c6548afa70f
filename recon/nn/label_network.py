"""What classifiers and segmenters have in common: a plain architecture, and its conversion to a sampling."""

from collections.abc import Mapping
from inspect import signature
from typing import ClassVar, Literal, Self, get_args

import torch
from torch import Tensor, nn

from recon.errors import ConfigError, DataError, ShapeError, require_at_least, require_known
from recon.nn.architectures import Architecture
from recon.nn.conversion import EquivariantNetwork, make_equivariant
from recon.nn.temperature import set_temperature
from recon.ops.checks import require_divisible, require_finite, require_images
from recon.samplings import Sampling, find_sampling, sampling_from_words, sampling_in_words

LabelPadding = Literal["circular", "zeros"]

_WIDTH_UNIT = 4  # divides the channels of every architecture


class LabelNetwork(nn.Module):
    """Base of `Classifier` and `Segmenter`, which say what their arguments mean.

    The plain architecture, or its conversion, is the module `network`; its parameters have the same names for every
    sampling, and `network.equivariance` holds what learned selections and adaptive blurs add.
    """

    architectures: ClassVar[Mapping[str, Architecture]]

    def __init__(
        self,
        architecture: str,
        *,
        in_channels: int,
        classes: int,
        width: int,
        sampling: str | Sampling,
        blur: str | None,
        padding: LabelPadding,
    ) -> None:
        super().__init__()
        found = self.architectures[require_known(architecture, self.architectures, name="architecture")]
        require_at_least(in_channels, 1, name="in_channels")
        require_at_least(classes, 1, name="classes")
        if require_at_least(width, _WIDTH_UNIT, name="width") % _WIDTH_UNIT:
            raise ConfigError(
                f"width must be divisible by {_WIDTH_UNIT}, got {width}; take {width - width % _WIDTH_UNIT}"
            )
        spec = find_sampling(sampling)
        _require_options(spec, blur=blur, padding=require_known(padding, get_args(LabelPadding), name="padding"))
        self.architecture, self.in_channels, self.classes, self.width = architecture, in_channels, classes, width
        self.sampling, self.blur, self.padding, self.multiple = spec, blur, padding, found.period
        network = found.build(in_channels, classes, width)
        self.network = network if padding == "zeros" else self._converted(network)

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits of (B, in_channels, H, W)."""
        self._check(x)
        logits: Tensor = self.network(x)
        return logits

    @property
    def arguments(self) -> dict[str, object]:
        """The arguments that build such a network again, as JSON can hold them."""
        return {
            "architecture": self.architecture,
            "in_channels": self.in_channels,
            "classes": self.classes,
            "width": self.width,
            "sampling": sampling_in_words(self.sampling),
            "blur": self.blur,
            "padding": self.padding,
        }

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, object]) -> Self:
        """Build the network that has these `arguments`, with new weights; the rest is as in the constructor."""
        for name in arguments:
            require_known(name, signature(cls).parameters, name=f"argument of a {cls.__name__}")
        given = dict(arguments)
        try:
            if isinstance(words := given.get("sampling"), Mapping):
                given["sampling"] = sampling_from_words(words)
            return cls(**given)  # type: ignore[arg-type]  # it checks them itself
        except TypeError as error:
            raise ConfigError(
                f"the arguments of a {cls.__name__} must be of its types, got {given}: {error}"
            ) from error

    def set_temperature(self, temperature: float) -> None:
        """Set the temperature of the Gumbel-softmax of every learned selection."""
        set_temperature(self, temperature)

    def extra_repr(self) -> str:
        """Say what the network is."""
        return ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())

    def _converted(self, network: nn.Module) -> EquivariantNetwork:
        """Convert the plain network; the random state is left as it is, so that it is alike for all samplings."""
        example = torch.zeros(1, self.in_channels, self.multiple, self.multiple)
        with torch.random.fork_rng(devices=[example.device] if example.is_cuda else []):
            return make_equivariant(network, self.sampling, blur=self.blur, example=example)

    def _check(self, x: Tensor) -> None:
        """Refuse what cannot be labelled; a converted network looks itself whether all values are finite."""
        require_images(x, 2, name="x")
        if x.shape[1] != self.in_channels:
            raise ShapeError(
                f"x must have {self.in_channels} channels, got {x.shape[1]} in {tuple(x.shape)}; build the network "
                "with other in_channels"
            )
        weight = next(self.parameters())
        if x.dtype != weight.dtype and not torch.is_autocast_enabled(x.device.type):
            raise DataError(
                f"x must be of the type of the network's weights, {weight.dtype}, got {x.dtype}; "
                f"convert one of them, for instance with x.to({weight.dtype})"
            )
        require_divisible(x, self.multiple, name="x")
        if not isinstance(self.network, EquivariantNetwork):
            require_finite(x, name="x")


def _require_options(sampling: Sampling, *, blur: str | None, padding: str) -> None:
    """Raise an error for options that do not go together; conversion looks at the blur."""
    if sampling.down == "conv" or sampling.up != "transposed" or sampling.blur_first:
        raise ConfigError(
            f"sampling must leave strides and the way up to the architecture, got {sampling.name!r}, which brings its "
            "own and would be no other network than one without them; take plain, lpf, aps, aps-keep, lps or mass"
        )
    if padding == "zeros" and (sampling.selection != "fixed" or sampling.blur or blur):
        raise ConfigError(
            f"padding='zeros' leaves the plain network as it is, got sampling={sampling.name!r} and blur={blur!r}; "
            "take padding='circular' for these"
        )
