"""Volumes that are one file each: what they share beside reading and writing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

import h5py
from torch import Tensor

from recon import __version__
from recon.clinical.identity import Identity
from recon.clinical.sources import Made, Source
from recon.clinical.words import MAKER, RESEARCH_ONLY
from recon.data.hdf5 import open_hdf5
from recon.errors import ConfigError, DataError
from recon.records import Word

HDF5_SUFFIXES = (".h5", ".hdf5")
MADE = "images that recon reconstructed; give the measured data"  # what a result holds that is given as an input
_PREFIX = f"{MAKER}_"  # of the attributes that are added to a file's own

Kind = TypeVar("Kind", bound="FileSource")


class LeftOutError(DataError):
    """A file that is known and is not there to be reconstructed: in a folder it is passed over, and told.

    Its words say what it holds, and name no file.
    """


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read where they leave it open.

    Args:
        undersample: whether fully sampled k-space loses the columns that the model's training took away.
        slice_axis: which axis of a NIfTI file counts the slices; None for what its header says, else the last.
    """

    undersample: bool = False
    slice_axis: int | None = None

    def __post_init__(self) -> None:
        """Check the axis."""
        if self.slice_axis not in (None, 0, 1, 2):
            raise ConfigError(f"slice_axis must be 0, 1 or 2, got {self.slice_axis!r}")


class FileSource(Source):
    """A volume in a file: read with a model's settings, written as one file (or with another beside it)."""

    options: ClassVar[tuple[str, ...]] = ()  # which fields of `Reading` matter to it
    note = ""  # what a person should know of how it is read
    read_as = ""  # how it is read, where that was a choice: a few words of a result
    size: tuple[int, int] | None = None  # rows and columns, where they are known before reading

    def adapted(self, identity: Identity, reading: Reading) -> "FileSource":
        """Give the volume as a model was trained to see it, and as the user wants it read."""
        return self

    def files_of(self, target: Path) -> list[Path]:
        """Give what is written for a target."""
        return [target]


def made_by(identity: Identity) -> dict[str, str]:
    """Say which model made an image, and that it is for research only."""
    return {
        "version": __version__,
        "model": identity.variant,
        "weights": identity.weights,
        "processing": identity.processing,
        "use": RESEARCH_ONLY,
    }


def made_from(words: object) -> Made:
    """Give what `made_by` said, of words that may be others."""
    told = {name: words.get(name) for name in Made._fields} if isinstance(words, Mapping) else {}
    return Made(**{name: word for name, word in told.items() if isinstance(word, str)})


def settings_of(identity: Identity) -> Mapping[str, Word]:
    """Give how the training data were read, as far as a model says it."""
    data = identity.training.get("data")
    settings = data.get("settings") if isinstance(data, Mapping) else None
    return settings if isinstance(settings, Mapping) else {}


def require_finite(images: Tensor, path: Path, *, first: int = 0) -> Tensor:
    """Refuse images (N, ...) with NaN or infinity, and say in which slice; the first is number `first`."""
    finite = images.flatten(1).isfinite().all(1)
    if not bool(finite.all()):
        number = first + int((~finite).nonzero()[0])
        raise DataError(f"{path}: slice {number} must be finite, got NaN or infinity; mend the data first")
    return images


def put_maker(file: h5py.File, identity: Identity) -> None:
    """Say in an HDF5 file's attributes which model made it."""
    for name, words in made_by(identity).items():
        file.attrs[_PREFIX + name] = words


def hdf5_maker(path: Path) -> Made:
    """Give what an HDF5 file says of how it was made."""
    return made_from({name.removeprefix(_PREFIX): word for name, word in open_hdf5(path).attrs.items()})


def leave_out_made(made: Made) -> None:
    """Leave out what recon wrote, which says by which weights it was made."""
    if made.weights:
        raise LeftOutError(MADE)
