"""What kind of data set a folder is, or what was expected there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from recon.data.images import ENDINGS
from recon.data.inspection.hints import hint_for, hint_for_files, hint_for_missing
from recon.data.inspection.labelled_parts import Parts, cifar10_parts, imagenet_parts, voc_parts
from recon.data.inspection.tree import TREE
from recon.data.lodopab import PARTS as LODOPAB_PARTS
from recon.data.synthetic.labels import Labelled
from recon.data.volumes import PARTS
from recon.errors import DataError

Kind = Literal["fastmri", "lodopab", "cifar10", "imagenet", "voc", "images"]

NAMES: dict[Kind, str] = {
    "fastmri": "fastMRI single-coil volumes",
    "lodopab": "LoDoPaB-CT",
    "cifar10": "CIFAR-10",
    "imagenet": "ImageNet's class folders",
    "voc": "PASCAL VOC's pictures and masks",
    "images": "JPEG and PNG files",
}
MODALITIES: dict[Kind, str] = {
    "fastmri": "MRI",
    "lodopab": "CT",
    **dict.fromkeys(get_args(Labelled), "labelled images"),
    "images": "images",
}
FASTMRI_PARTS = {part: f"singlecoil_{part}" for part in PARTS}
_PARTS_OF: dict[Labelled, Callable[[Path], Parts | None]] = {
    "cifar10": cifar10_parts,
    "voc": voc_parts,
    "imagenet": imagenet_parts,
}
_ANY = "fastMRI, LoDoPaB-CT, CIFAR-10, ImageNet, PASCAL VOC or images"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A folder and the data set it is, with its files by part (a fastMRI folder without parts has one, named "").

    Of LoDoPaB the files are the ground truths and the observations, in the order of their names; of PASCAL VOC the
    pictures that its lists name, each with its mask after it, whether they are there or not.
    """

    path: Path
    kind: Kind
    parts: dict[str, tuple[Path, ...]]

    @property
    def files(self) -> list[Path]:
        """All the files, part after part."""
        return [path for files in self.parts.values() for path in files]


def data_folder(folder: Path) -> DataFolder:
    """Tell what data set a folder is, or raise an error that says what was expected there, and shows it in a note."""
    if not folder.is_dir():
        raise DataError(f"{folder} must be a folder of {_ANY}, {hint_for_missing(folder)}")
    try:
        found = [found for found in (_fastmri(folder), _lodopab(folder)) if found is not None]
        if len(found) == 2:
            raise _not_a_data_set(folder, "got both fastMRI volumes and LoDoPaB files; keep them in two folders")
        if found:
            return found[0]
        if labelled := _labelled(folder):
            return labelled
        if hint := hint_for(folder):
            raise _not_a_data_set(folder, hint)
        if images := _images(folder):
            return images
        raise _not_a_data_set(folder, hint_for_files(folder) or _contents(folder))
    except OSError as error:
        raise DataError(f"{folder} cannot be listed: {error.strerror}; see its owner and mode") from error


def require_kind(folder: Path, kind: Kind) -> DataFolder:
    """Give the data set that a folder is, or raise an error if it is not of that kind."""
    found = data_folder(folder)
    if found.kind != kind:
        raise DataError(
            f"{folder} must be a folder of {NAMES[kind]}, got {NAMES[found.kind]}; give another folder, or choose what "
            f"fits {MODALITIES[found.kind]}"
        )
    return found


def _fastmri(folder: Path) -> DataFolder | None:
    parts = {part: _named(folder / name, ".h5") for part, name in FASTMRI_PARTS.items() if (folder / name).is_dir()}
    if any(parts.values()):
        return DataFolder(folder, "fastmri", {part: files for part, files in parts.items() if files})
    files = _named(folder, ".h5")
    name = next((part for part, name in FASTMRI_PARTS.items() if name == folder.resolve().name), "")
    return DataFolder(folder, "fastmri", {name: files}) if files else None


def _lodopab(folder: Path) -> DataFolder | None:
    files = _named(folder, ".hdf5")
    parts = {
        part: tuple(path for path in files if path.name.startswith((f"ground_truth_{part}_", f"observation_{part}_")))
        for part in LODOPAB_PARTS
    }
    kinds = {path.name.partition("_")[0] for part in parts.values() for path in part}
    if len(kinds) == 1:
        have, lack = (
            ("observations", "ground_truth_*") if kinds == {"observation"} else ("ground truths", "observation_*")
        )
        raise _not_a_data_set(
            folder, f"got {have} alone; unpack the {lack}.hdf5 files into the same folder", name="LoDoPaB-CT"
        )
    return DataFolder(folder, "lodopab", {part: files for part, files in parts.items() if files}) if kinds else None


def _labelled(folder: Path) -> DataFolder | None:
    for kind, parts_of in _PARTS_OF.items():
        if (parts := parts_of(folder)) is not None:
            return DataFolder(folder, kind, parts)
    return None


def _images(folder: Path) -> DataFolder | None:
    """Look for images as the reader does: in the folder and in those one level down."""
    folders = [folder, *(path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith("."))]
    files = [path for place in folders for path in _visible(place) if path.name.lower().endswith(ENDINGS)]
    files.sort(key=lambda path: (path.name, path.relative_to(folder).as_posix()))
    return DataFolder(folder, "images", {"": tuple(files)}) if files else None


def _named(folder: Path, ending: str) -> tuple[Path, ...]:
    return tuple(path for path in _visible(folder) if path.suffix == ending)


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and not path.is_dir())


def _contents(folder: Path) -> str:
    names = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
    return f"got {_listed(names)}" if names else "got an empty folder"


def _listed(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _not_a_data_set(folder: Path, reason: str, *, name: str = _ANY) -> DataError:
    error = DataError(f"{folder} must be a folder of {name}, {reason}")
    error.add_note(f"What is expected, as data/README.md says:\n\n{TREE}")
    return error
