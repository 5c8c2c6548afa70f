"""Synthetic sets of labelled pictures: objects in CIFAR-10's, ImageNet's and PASCAL VOC's files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from recon.data.synthetic import cifar10, imagenet, voc
from recon.data.synthetic.jobs import Job
from recon.errors import ConfigError, require_at_least, require_known
from recon.records import Word

IMAGES = {"cifar10": 6000, "imagenet": 1500, "voc": 400}  # unless chosen
SIDES = {"cifar10": 32, "imagenet": 112, "voc": 128}  # rows and columns, unless chosen
_VERSION = 1  # of what is drawn: another one gives other pictures for the same seed

Labelled = Literal["cifar10", "imagenet", "voc"]


@dataclass(frozen=True, slots=True)
class _Format:
    """How a data set is written: its files' jobs, the names of its labels, and what it asks of a set."""

    jobs: Callable[[Path, int, int, int], dict[Path, Job]]
    classes: Sequence[str]
    least: int  # pictures
    multiple: int  # of the number of pictures
    smallest: int  # rows and columns
    largest: int | None = None


_FORMATS: dict[Labelled, _Format] = {
    "cifar10": _Format(cifar10.jobs, cifar10.NAMES, 60, 60, 32, 32),
    "imagenet": _Format(imagenet.jobs, imagenet.NAMES, 50, 1, 32),
    "voc": _Format(voc.jobs, voc.NAMES, 4, 1, 64),
}


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """What is made: which data set's files, how many pictures in all, their rows and columns, and the seed."""

    modality: Labelled
    images: int
    size: int
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        require_known(self.modality, get_args(Labelled), name="modality")
        chosen = _FORMATS[self.modality]
        require_at_least(self.images, chosen.least, name="images")
        if self.images % chosen.multiple:
            fewer = self.images // chosen.multiple * chosen.multiple
            raise ConfigError(
                f"images must be divisible by {chosen.multiple} (six files of ten classes, all of one length), got "
                f"{self.images}; choose {fewer} or {fewer + chosen.multiple}"
            )
        require_at_least(self.size, chosen.smallest, name="size")
        if chosen.largest is not None and self.size > chosen.largest:
            raise ConfigError(
                f"size must be {chosen.largest}, which is that of all CIFAR-10 images, got {self.size}; make imagenet "
                f"for larger ones"
            )
        require_at_least(self.seed, 0, name="seed")

    @property
    def name(self) -> str:
        """A short name for its folder."""
        return f"{self.modality}-{self.images}x{self.size}-seed{self.seed}"

    @property
    def about(self) -> Mapping[str, Word]:
        """What its manifest says; `classes` are the names of the labels, in their order."""
        return {"version": _VERSION, **asdict(self), "classes": list(_FORMATS[self.modality].classes)}

    def jobs(self, folder: Path) -> dict[Path, Job]:
        """Give what is to be done for each file (of VOC: for each picture and its mask, which is written last)."""
        return _FORMATS[self.modality].jobs(folder, self.images, self.size, self.seed)
