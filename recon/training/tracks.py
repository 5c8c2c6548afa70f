"""What can be trained: for each task its network, its training, its data, and what is watched meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import yaml
from jsonargparse.typing import class_from_function
from pytorch_lightning import Callback
from torch import nn

from recon.checkpoints.libraries import library_network
from recon.data.datamodule import DataModule
from recon.data.datamodules import SliceData
from recon.data.labels.datamodules import LabelData
from recon.errors import ConfigError, require_known
from recon.factories import factory as named_factory
from recon.nn.converted import Converted
from recon.nn.labels import Classifier, Segmenter
from recon.nn.unet import UNet
from recon.training.labelling import LabelTask
from recon.training.reconstruction import ReconstructionTask
from recon.training.task import Task
from recon.training.watching import Watch
from recon.training.watching_labels import WatchLabels

DEFAULT = "reconstruction"


@dataclass(frozen=True, slots=True)
class Track:
    """What is put together for a task.

    Args:
        name: the task's.
        network: what is trained.
        task: how.
        data: on what.
        watch: what measures it meanwhile.
        monitor: what is low for the best network.
        noun: what the data consist of.
    """

    name: str
    network: type[nn.Module]
    task: type[Task]
    data: type[DataModule[Any]]
    watch: type[Callback]
    monitor: str = "val/loss"
    noun: str = "slices"

    @property
    def data_modules(self) -> Sequence[type[DataModule[Any]]]:
        """The data modules that can be chosen."""
        return self.data.__subclasses__()


_SLICES: type[DataModule[Any]] = SliceData  # type: ignore[type-abstract]  # its subclasses are chosen from
_LABELLED: type[DataModule[Any]] = LabelData  # type: ignore[type-abstract]

TRACKS: dict[str, Track] = {
    track.name: track
    for track in (
        Track(DEFAULT, UNet, ReconstructionTask, _SLICES, Watch),
        Track("classification", Classifier, LabelTask, _LABELLED, WatchLabels, "val/error", "images"),
        Track("segmentation", Segmenter, LabelTask, _LABELLED, WatchLabels, "val/error", "images"),
    )
}


_MOST = 2**32  # values of a network that is trained


def foreign_network(
    factory: str,
    *,
    sampling: str = "mass",
    blur: str | None = None,
    example: tuple[int, ...] = (1, 128, 128),
    settings: dict[str, Any] | None = None,
) -> Converted:
    """Give a network of the user's own or of another library, made equivariant (or left as it is).

    Args:
        factory: `module:function` that makes it when it is called without arguments; its code is run.
        sampling: how phases are chosen: a name that `recon samplings` lists; `none` leaves the network as it is.
        blur: a blur filter after every operation that samples.
        example: the shape of an image that the network takes, channels first.
        settings: what a class of fastMRI's or MONAI's is called with, where that is the factory.
    """
    network = named_factory(factory)() if settings is None else library_network(factory, settings, most=_MOST)
    if not isinstance(network, nn.Module):
        raise ConfigError(f"{factory} must give a network (torch.nn.Module), got {type(network).__name__}")
    return Converted(factory, network, sampling=sampling, blur=blur, example=tuple(example), settings=settings)


ForeignNetwork = class_from_function(foreign_network)  # since the parser builds networks by classes


def chosen_track(arguments: Sequence[str]) -> tuple[Track, bool]:
    """Tell which task arguments and configurations choose, and whether the network is one of the user's own."""
    task, foreign = DEFAULT, False
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        value = value if equals else arguments[place + 1] if place + 1 < len(arguments) else ""
        if name == "--config":
            held = _words_in(Path(value))
            task = str(held.get("task", task))
            network = held.get("network")
            foreign = foreign or (isinstance(network, Mapping) and network.get("factory") is not None)
        elif name == "--task":
            task = value
        elif name == "--network.factory":
            foreign = True
    return TRACKS[require_known(task, TRACKS, name="task")], foreign


def for_own_network(arguments: Sequence[str], track: Track) -> list[str]:
    """Leave out of configurations what recipes say of the task's own network, where the user's takes its place.

    A configuration that says such things is given as text instead of a file.
    """
    foreign = set(signature(foreign_network).parameters)
    others = set(signature(track.network).parameters) - foreign
    changed = []
    for before, argument in zip(("", *arguments), arguments, strict=False):
        given = before == "--config" or argument.startswith("--config=")
        held = _words_in(Path(argument.removeprefix("--config="))) if given else {}
        network = held.get("network")
        if not isinstance(network, Mapping) or not others & set(network):
            changed.append(argument)
            continue
        own = {name: value for name, value in network.items() if name not in others}
        text = yaml.safe_dump({**held, "network": own})
        changed.append(text if before == "--config" else f"--config={text}")
    return changed


def options_of(track: Track) -> list[str]:
    """List the options of the data modules, which the parser knows only once one is chosen."""
    return [f"data.init_args.{name}" for kind in track.data_modules for name in signature(kind).parameters]


def _words_in(path: Path) -> Mapping[str, object]:
    """Read a configuration; what is wrong with it the parser will say."""
    try:
        held = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return held if isinstance(held, Mapping) else {}
