"""What is to be converted: a run or a file of recon's, or a network of the user's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import torch
import yaml
from torch import Tensor, nn

from recon.checkpoints import IN_BUNDLE, SUFFIX, load, read_about, weights_hash
from recon.conversion.imported import Asking, Imported, imported, is_imported
from recon.errors import ConfigError, DataError
from recon.evaluation.foreign import factory_of
from recon.evaluation.loading import variant_of
from recon.evaluation.modalities import KNOWN
from recon.factories import factory as named_factory
from recon.factories import words_of
from recon.files import holds
from recon.nn.converted import NONE, Converted
from recon.nn.labels import Classifier, Segmenter
from recon.nn.unet import UNet
from recon.records import Word

AnyNetwork: TypeAlias = UNet | Classifier | Segmenter | Converted

_SIDE = {1: 256, 2: 64, 3: 32}  # of an example where none is given, by dimensions
_CONVOLUTIONS: tuple[type[nn.Conv1d | nn.Conv2d | nn.Conv3d], ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclass(frozen=True, slots=True, eq=False)
class Original:
    """A network and what is known of it.

    Args:
        network: as it is, in eval mode; one of the user's own is wrapped, and its sampling is called `none`.
        spec: how it was named, for people and other commands.
        variant: its sampling, its blur, and where its weights are from, in a word.
        weights: SHA-256 of its weights.
        about: what its file says of it: its data, its training.
        config: the configuration of its run, if it has one.
        factory: what makes it, as `module:function`; None for recon's own.
        in_a_file: whether its weights are in a file, and not just made.
    """

    network: AnyNetwork
    spec: str
    variant: str
    weights: str
    about: Mapping[str, Word] = field(default_factory=dict)
    config: Mapping[str, Any] | None = None
    factory: str | None = None
    in_a_file: bool = True

    @property
    def data(self) -> Mapping[str, Word] | None:
        """What it was trained on, where that is known."""
        data = self.about.get("data")
        return data if isinstance(data, Mapping) and data.get("modality") in KNOWN else None


def find_original(
    spec: str,
    *,
    checkpoint: str = "best",
    example: Sequence[int] | None = None,
    factory: str | None = None,
    architecture: Path | None = None,
    modality: str | None = None,
) -> Original:
    """Load what is named: a run's folder, a network's file, a checkpoint of other software, or `module:factory`.

    Args:
        spec: the path or the name.
        checkpoint: which one of a run.
        example: the shape of an image that a network just made takes, channels first; None guesses it from the first
            convolution.
        factory: `module:function` that builds the network in a file, where that is of the user's own.
        architecture: MONAI's words for the network, in a file, for weights that do not say what they are of.
        modality: what the network of other software is for.
    """
    if holds(Path(spec).exists) and is_imported(Path(spec)):
        asking = Asking(architecture=architecture, factory=factory, modality=modality)
        return _imported(spec, asking, example)
    if architecture is not None:
        raise ConfigError(f"an architecture is for checkpoints of other software, got one with {spec}; leave it out")
    if ":" in spec and not holds(Path(spec).exists):
        if factory is not None:
            raise ConfigError(f"a factory is for files of networks of your own, got one with {spec}; leave it out")
        return _made(spec.removesuffix("()"), example)
    if example is not None:
        raise ConfigError(f"an example is for networks that are just made (module:factory), got one with {spec}")
    return _loaded(spec, checkpoint, factory)


def guessed_example(network: nn.Module, name: str) -> tuple[int, ...]:
    """Give the shape of an image that a network probably takes: its first convolution says how many channels.

    >>> guessed_example(nn.Sequential(nn.Conv2d(3, 8, 3)), "network")
    (3, 64, 64)
    """
    for module in network.modules():
        if isinstance(module, _CONVOLUTIONS):
            dims = len(module.kernel_size)
            return (module.in_channels, *[_SIDE[dims]] * dims)
    raise ConfigError(f"{name} has no convolution that says what images it takes; give --example C,H,W")


def example_of(network: AnyNetwork) -> tuple[int, ...]:
    """Give the shape of an image that a network takes."""
    if isinstance(network, Converted):
        return network.example
    dims = network.dims if isinstance(network, UNet) else 2
    side = -(-_SIDE[dims] // network.multiple) * network.multiple
    return (network.in_channels, *[side] * dims)


def image_like(network: nn.Module, image: Tensor) -> Tensor:
    """Put an image where the weights of a network are, and give it their type."""
    weight = next((p for p in network.parameters() if p.is_floating_point()), image)
    return image.to(weight.device, weight.dtype)


def _loaded(spec: str, checkpoint: str, factory: str | None) -> Original:
    """Read a file."""
    path = Path(spec)
    file = path / "checkpoints" / f"{checkpoint}{SUFFIX}" if holds(path.exists) and path.is_dir() else path
    if not holds(file.exists):
        raise DataError(
            f"{spec} must be the folder of a run that has saved a network, a network's file ({SUFFIX}), or "
            f"module:factory, got none: there is no {file}"
        )
    about = read_about(file)
    foreign = about.network == Converted.__name__
    build = factory_of(file, about, factory) if foreign else (named_factory(factory) if factory else None)
    network = load(file, factory=build)
    training, conversion = (_mapping(about.about.get(name)) for name in ("training", "conversion"))
    return Original(
        network,
        spec,
        variant_of(about.arguments, training or {}, conversion),
        about.sha256,
        about.about,
        _config(path / "config.yaml") if path.is_dir() else None,
        factory=factory,
    )


def _made(spec: str, example: Sequence[int] | None) -> Original:
    """Make a network of the user's own."""
    network = named_factory(spec)()
    if not isinstance(network, nn.Module):
        raise ConfigError(f"{spec} must give a network (torch.nn.Module), got {type(network).__name__}")
    return _wrapped(Imported(network.eval(), spec, None), spec, example)


def _imported(spec: str, asking: Asking, example: Sequence[int] | None) -> Original:
    """Take a checkpoint of other software, or the network that recon wrote into a bundle."""
    if (own := Path(spec) / IN_BUNDLE).is_file():
        return _loaded(str(own), "best", asking.factory)
    return _wrapped(imported(Path(spec), asking), spec, example)


def _wrapped(made: Imported, spec: str, example: Sequence[int] | None) -> Original:
    """Wrap a network that is not recon's as it is."""
    shape = tuple(example) if example is not None else guessed_example(made.network, spec)
    wrapped = Converted(made.factory, made.network, sampling=NONE, example=shape, settings=made.settings)
    _require_taken(wrapped, spec)
    state = {name: value for name, value in wrapped.state_dict().items() if isinstance(value, Tensor)}
    factory = made.factory if made.settings is None else None
    return Original(wrapped, spec, NONE, weights_hash(state), made.about, factory=factory, in_a_file=False)


def _require_taken(network: Converted, spec: str) -> None:
    """Refuse an example that the network does not take."""
    size = " x ".join(map(str, network.example))
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            network(image_like(network, torch.rand(1, *network.example)))
    except Exception as error:  # whatever its code does
        raise ConfigError(
            f"{spec} must take an image of {size} alone, got an error of it: {words_of(error)}; say with "
            "--example C,H,W which images it takes"
        ) from error


def _mapping(words: Word) -> Mapping[str, Word] | None:
    return words if isinstance(words, Mapping) else None


def _config(path: Path) -> Mapping[str, Any] | None:
    """Read the configuration of a run; None where there is none that can be read."""
    try:
        held = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return held if isinstance(held, Mapping) else None
