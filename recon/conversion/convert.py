"""The conversion itself: the same weights in a network with another sampling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from recon import checkpoints
from recon.checkpoints.libraries import library_factory
from recon.conversion.originals import AnyNetwork, Original, find_original
from recon.errors import ConfigError, ReconError
from recon.evaluation.loading import variant_of
from recon.factories import factory, words_of
from recon.nn.conversion import EquivariantNetwork
from recon.nn.converted import Converted
from recon.nn.labels import transfer_weights
from recon.records import Word
from recon.samplings import find_sampling


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """A network with the weights of another.

    Args:
        original: the other.
        network: with the sampling `method`, in eval mode.
        method: the sampling's name.
        new: the names of weights that the original has none of: they are not trained.
    """

    original: Original
    network: AnyNetwork
    method: str
    new: Sequence[str]

    @property
    def about(self) -> dict[str, Word]:
        """What its file says of it: all that the original's says, and the conversion.

        What the original's training began with is said of the conversion, too: this network was not trained so.
        """
        about = dict(self.original.about)
        words: dict[str, Word] = {
            "from": self.original.variant,
            "method": self.method,
            "weights": self.original.weights,
            "untrained": list(self.new),
        }
        training = about.get("training")
        if isinstance(training, Mapping) and training.get("start") is not None:
            words["start"] = training["start"]
            about["training"] = {name: value for name, value in training.items() if name != "start"}
        return {**about, "conversion": words}

    @property
    def variant(self) -> str:
        """What tables call it: `mass-transferred`."""
        about = self.about
        training, conversion = about.get("training"), about["conversion"]
        assert isinstance(conversion, Mapping)  # as it is made above
        return variant_of(_words(self.network), training if isinstance(training, Mapping) else {}, conversion)


def converted(original: Original, method: str, *, blur: str | None = None, seed: int = 0) -> Conversion:
    """Give a network with the weights of the original and the sampling `method`; paddings become circular.

    Weights that are new, of learned samplings and adaptive blurs, are drawn from the seed.
    """
    find_sampling(method)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        target = _target(original, method, blur)
    if target.arguments == original.network.arguments:
        raise ConfigError(f"{original.spec} has the sampling {method} already; choose another --method")
    try:
        new = transfer_weights(original.network.state_dict(), target)
    except ConfigError as error:
        why = str(error).partition(";")[0]
        raise ConfigError(
            f"the weights of {original.spec} must make a network with the sampling {method}, got other ones: {why}; "
            "choose another --method"
        ) from error
    return Conversion(original, target.eval(), method, new)


def convert_file(source: Path, method: str, target: Path) -> None:
    """Convert the network of a file and write the result to another."""
    conversion = converted(find_original(str(source)), method)
    checkpoints.save(conversion.network, target, about=conversion.about)


def _words(network: AnyNetwork) -> Mapping[str, Word]:
    """Give a network's arguments, which are words all of them."""
    return network.arguments  # type: ignore[return-value]


def _target(original: Original, method: str, blur: str | None) -> AnyNetwork:
    """Build the network that takes the weights over."""
    network = original.network
    if not isinstance(network, Converted):
        arguments = {**network.arguments, "sampling": method, "blur": blur, "padding": "circular"}
        return type(network).from_arguments(arguments)
    inside = network.network
    if isinstance(inside, EquivariantNetwork):
        inside = _inside(original, network)
    try:
        target = Converted(
            network.factory, inside, sampling=method, blur=blur, example=network.example, settings=network.settings
        )
    except ReconError:
        raise
    except Exception as error:  # whatever the network's code does while it is followed
        raise ConfigError(
            f"{original.spec} cannot be followed: {words_of(error)}; replace what fails, or wrap it in recon.Canonical"
        ) from error
    _require_divided(target)
    return target


def _inside(original: Original, network: Converted) -> nn.Module:
    """Build again what was converted."""
    most = sum(tensor.numel() for tensor in network.state_dict().values())
    build = library_factory(network.arguments, most=most)
    if build is None:
        assert original.factory is not None  # without it the file could not be loaded
        build = factory(original.factory)
    with torch.random.fork_rng(devices=[]):
        made: nn.Module = build()
    return made


def _require_divided(network: Converted) -> None:
    """Refuse an example whose sizes the strides do not divide: its grids do not close on a circle."""
    channels, *size = network.example
    if any(length % network.multiple for length in size):
        fit = [max(1, round(length / network.multiple)) * network.multiple for length in size]
        raise ConfigError(
            f"the sizes of an example must be divisible by {network.multiple}, the network's total stride, got "
            f"{' x '.join(map(str, size))}; give --example {','.join(map(str, (channels, *fit)))}"
        )
