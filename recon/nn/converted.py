"""Networks of the user's own, made equivariant, with the words that make them so again."""

import re
from collections.abc import Mapping, Sequence
from math import lcm, prod

import torch
from torch import nn

from recon.errors import ConfigError, require_at_least
from recon.nn.conversion import EquivariantNetwork, make_equivariant, replacements
from recon.nn.temperature import set_temperature
from recon.samplings import Sampling, find_sampling, sampling_from_words, sampling_in_words

NONE = "none"  # the sampling of a network that is left as it is

_UNCHANGED = Sampling(NONE, "The network as it is: nothing is converted.")
_MOST_VALUES = 2**26  # of an example: more would be of no use, and a file could ask for all memory


class Converted(nn.Module):
    """A network that a function of your own builds, made equivariant by `recon.make_equivariant`.

    Args:
        factory: the name of the function, `module:function`. It is kept for people: nothing is imported here.
        network: what the function built. It is copied, unless sampling is `none`.
        sampling: a name of `recon.SAMPLINGS`, a `recon.Sampling` of your own, or `none` for the network as it is.
        blur: a filter's name, `adaptive-3`, or None for the sampling's own (only `lpf` has one).
        example: the shape of one input (channels, *spatial) that the network takes and its total stride divides.
        settings: what the factory is called with, where it is a class of another library (fastMRI, MONAI) that a file
            may name; None for a function of your own, which is called without arguments.

    `multiple` is what the sizes of its images must be divisible by; 0 where that is not known, for sampling `none`.

    >>> network = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ConvTranspose2d(4, 1, 2, 2))
    >>> converted = Converted("networks:small", network, example=(1, 8, 8))
    >>> converted.arguments
    {'factory': 'networks:small', 'sampling': 'mass', 'blur': None, 'example': [1, 8, 8]}
    >>> converted.multiple
    2
    """

    def __init__(
        self,
        factory: str,
        network: nn.Module,
        *,
        sampling: str | Sampling = "mass",
        blur: str | None = None,
        example: Sequence[int],
        settings: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__()
        _require_options(factory, network, example)
        self.factory, self.example, self.blur = factory, tuple(example), blur
        self.settings = settings if settings is None else dict(settings)
        self.sampling = _UNCHANGED if sampling == NONE else find_sampling(sampling)
        if self.sampling == _UNCHANGED:
            _require_no_blur(blur)
            self.network, self.multiple = network, 0
        else:
            self.network = self._equivariant(network)
            self.multiple = total_stride(self.network)
        self.modules_built = modules_of(self)

    def forward(self, *inputs: torch.Tensor) -> object:
        """Do what the network does, of which the first input is the image (B, C, *spatial)."""
        return self.network(*inputs)

    @property
    def arguments(self) -> dict[str, object]:
        """The arguments that build such a network again from what its factory builds, as JSON can hold them."""
        return {
            "factory": self.factory,
            "sampling": NONE if self.sampling == _UNCHANGED else sampling_in_words(self.sampling),
            "blur": self.blur,
            "example": list(self.example),
            **({} if self.settings is None else {"settings": self.settings}),
        }

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, object], network: nn.Module) -> "Converted":
        """Make a network equivariant as these `arguments` say."""
        given = dict(arguments)
        try:
            if isinstance(words := given.get("sampling"), Mapping):
                given["sampling"] = sampling_from_words(words)
            return cls(network=network, **given)  # type: ignore[arg-type]  # it checks them itself
        except TypeError as error:
            raise ConfigError(f"the arguments of a Converted must be of its types, got {given}: {error}") from error

    def set_temperature(self, temperature: float) -> None:
        """Set the temperature of the Gumbel-softmax of every learned selection."""
        set_temperature(self, temperature)

    def _equivariant(self, network: nn.Module) -> EquivariantNetwork:
        """Convert the network on an image of noise, and leave random numbers as they are."""
        generator = torch.Generator().manual_seed(0)
        image = torch.rand(1, *self.example, generator=generator, device="cpu")
        weight = next((p for p in network.parameters() if p.is_floating_point()), image)
        example = image.to(weight.device, weight.dtype)
        with torch.random.fork_rng(devices=[example.device] if example.is_cuda else []):
            return make_equivariant(network, self.sampling, blur=self.blur, example=example)


def total_stride(network: nn.Module) -> int:
    """Give what the sizes of a converted network's images must be divisible by.

    >>> network = nn.Sequential(nn.MaxPool2d(2), nn.AvgPool2d(3), nn.Upsample(scale_factor=6))
    >>> total_stride(make_equivariant(network, example=torch.rand(1, 1, 12, 12)))
    6
    """
    grids = {row.grid for row in replacements(network)}
    return lcm(*(prod(int(stride) for stride in grid.split("/")[1:]) for grid in grids))


def modules_of(network: nn.Module) -> tuple[tuple[str, type[nn.Module]], ...]:
    """List the modules of a network by name and class."""
    return tuple((name, type(module)) for name, module in network.named_modules())


def _require_no_blur(blur: str | None) -> None:
    """Raise an error for a blur in a network that is left as it is."""
    if blur is not None:
        raise ConfigError(f"sampling {NONE!r} leaves the network as it is, got blur={blur!r}; leave the blur out")


def _require_options(factory: str, network: nn.Module, example: Sequence[int]) -> None:
    """Raise an error for what cannot be written down or built again."""
    if not isinstance(factory, str) or not re.fullmatch(r"[^\W\d][\w.]*:[^\W\d]\w*(\(\))?", factory):
        raise ConfigError(f"factory must be the name of a function, module:function, got {factory!r}")
    if not isinstance(network, nn.Module):
        raise ConfigError(f"network must be a torch.nn.Module, got {type(network).__name__}; call the factory")
    if not isinstance(example, Sequence) or isinstance(example, str) or not 2 <= len(example) <= 4:
        raise ConfigError(f"example must be the shape of one input, (channels, *spatial), got {example!r}")
    for number in example:
        require_at_least(number, 1, name="every number of example")
    if prod(example) > _MOST_VALUES:
        raise ConfigError(f"example must have at most {_MOST_VALUES} values, got {tuple(example)}; take a small image")
