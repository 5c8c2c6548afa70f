"""What is to be converted: a run or a file of recon's, or a network of the user's own factory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from torch import nn

from recon.checkpoints import SUFFIX, load, read_about
from recon.errors import ConfigError, DataError
from recon.factories import factory as named_factory
from recon.nn.converted import Converted
from recon.nn.labels import Classifier, Segmenter
from recon.nn.unet import UNet
from recon.records import Word

_SIDE = {1: 256, 2: 64, 3: 32}  # of an example where none is given, by dimensions


@dataclass(frozen=True, slots=True)
class Original:
    """A network and what is known of it.

    Args:
        network: as it is; a foreign one is wrapped, and its sampling is called `none`.
        name: what tables call it.
        spec: how it was named, for other commands.
        about: what its file says of it: its data, its training.
        weights: SHA-256 of the weights; empty for a foreign one.
        config: the configuration of its run, if it has one.
        factory: what makes it, as `module:function`; None for recon's own.
    """

    network: UNet | Classifier | Segmenter | Converted
    name: str
    spec: str
    about: Mapping[str, Word]
    weights: str = ""
    config: Mapping[str, Any] | None = None
    factory: str | None = None

    @property
    def modality(self) -> str | None:
        """The data that it was trained on, where that is known."""
        data = self.about.get("data")
        return str(data["modality"]) if isinstance(data, Mapping) and data.get("modality") else None


def find_original(spec: str, *, checkpoint: str = "best", example: Sequence[int] | None = None) -> Original:
    """Load what is named: the folder of a run, a network's file, or `module:factory`, which is called.

    `example` is the shape of an image that a foreign network takes, channels first; None guesses it from the first
    convolution.
    """
    path = Path(spec)
    if ":" in spec and not path.exists():
        return _foreign(spec, example)
    if example is not None:
        raise ConfigError("an example is for networks of your own (module:factory), got one with a file; leave it out")
    file = path / "checkpoints" / f"{checkpoint}{SUFFIX}" if path.is_dir() else path
    if not file.exists():
        raise DataError(
            f"{spec} must be the folder of a run that has saved a network, a network's file ({SUFFIX}), or "
            f"module:factory, got none: there is no {file}"
        )
    about = read_about(file)
    if about.network == Converted.__name__:
        raise ConfigError(f"{spec} is a converted network already; convert {about.arguments.get('factory')} itself")
    network = load(file)
    assert isinstance(network, UNet | Classifier | Segmenter)  # the others were refused
    config = _config(path / "config.yaml") if path.is_dir() else None
    name = path.resolve().name if path.is_dir() else path.stem
    return Original(network, name, spec, about.about, about.sha256, config)


def _foreign(spec: str, example: Sequence[int] | None) -> Original:
    """Make a network of the user's own."""
    spec = spec.removesuffix("()")
    network = named_factory(spec)()
    if not isinstance(network, nn.Module):
        raise ConfigError(f"{spec} must give a network (torch.nn.Module), got {type(network).__name__}")
    shape = tuple(example) if example is not None else guessed_example(network, spec)
    wrapped = Converted(spec, network.eval(), sampling="none", blur=None, example=shape)
    return Original(wrapped, type(network).__name__, f"{spec}()", {}, factory=spec)


def guessed_example(network: nn.Module, name: str) -> tuple[int, ...]:
    """Give the shape of an image that a network probably takes: its first convolution says how many channels.

    >>> guessed_example(nn.Sequential(nn.Conv2d(3, 8, 3)), "network")
    (3, 64, 64)
    """
    for module in network.modules():
        for dims, kind in ((1, nn.Conv1d), (2, nn.Conv2d), (3, nn.Conv3d)):
            if isinstance(module, kind):
                return (module.in_channels, *[_SIDE[dims]] * dims)
    raise ConfigError(f"{name} has no convolution that says what images it takes; give --example C,H,W")


def _config(path: Path) -> Mapping[str, Any] | None:
    """Read the configuration of a run; None where there is none that can be read."""
    try:
        held = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return held if isinstance(held, Mapping) else None
