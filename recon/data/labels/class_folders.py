"""ImageNet's tree: folders `train` and `val`, in each a folder a class, with JPEG and PNG files."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recon.data.images import ENDINGS
from recon.data.labels.manifest import is_synthetic, named_classes
from recon.errors import DataError

PARTS = ("train", "val")
_EXPECTED = "ImageNet's folders train and val, with a folder for each class (train/n01440764/*.JPEG)"
_SORT = (
    "sort them: torchvision.datasets.ImageNet(folder, split='val') does it from ILSVRC2012_img_val.tar and "
    "ILSVRC2012_devkit_t12.tar.gz, or move each file into the folder of its class by the list in the devkit"
)


@dataclass(frozen=True, slots=True, eq=False)
class ClassFolders:
    """One part: its files, as paths inside `folder` with forward slashes, and their classes, in the classes' order."""

    folder: Path
    files: tuple[str, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    synthetic: bool


def read_class_folders(folder: Path, part: str) -> ClassFolders:
    """List a part's files: the sorted names of its folders give the classes' numbers, and both parts must agree."""
    names = class_names(folder)
    if not (folder / part).is_dir():
        raise DataError(f"{folder / part} must be a folder with a folder for each class, got nothing there")
    files: list[str] = []
    labels: list[int] = []
    for number, name in enumerate(names):
        found = _files(folder / part / name)
        if not found:
            raise DataError(
                f"{folder / part / name} must hold images ({', '.join(ENDINGS)}), got none; take the class's folders "
                f"away, or unpack it again"
            )
        files += [f"{part}/{name}/{file}" for file in found]
        labels += [number] * len(found)
    classes = named_classes(folder) or names
    if len(classes) != len(names):
        raise DataError(
            f"{folder} must have a folder for each class that its manifest names, got {len(names)} folders for "
            f"{len(classes)} classes; make the data set again"
        )
    return ClassFolders(folder, tuple(files), np.array(labels, dtype=np.int64), tuple(classes), is_synthetic(folder))


def class_names(folder: Path) -> tuple[str, ...]:
    """Give the names of the class folders, which are the same in both parts, where both are there."""
    there = [part for part in PARTS if (folder / part).is_dir()]
    if not there:
        raise DataError(f"{folder} must have {_EXPECTED}, got {_found(folder)}")
    names = {part: _folders(folder / part) for part in there}
    first = names[there[0]]
    for found in names.values():
        if found != first:
            lacking = sorted(set(found) ^ set(first))
            raise DataError(
                f"{folder} must have the same classes in train and val, got {len(first)} and {len(found)}; only one of "
                f"them has {', '.join(lacking[:5])}{' and others' if len(lacking) > 5 else ''}: unpack it again"
            )
    return first


def _folders(part: Path) -> tuple[str, ...]:
    entries = _visible(part)
    names = sorted(entry.name for entry in entries if entry.is_dir())
    if not names:
        lying = [entry.name for entry in entries if entry.name.lower().endswith(ENDINGS)]
        got = f"{len(lying)} images that lie flat; {_SORT}" if lying else "none; unpack the archive there"
        raise DataError(f"{part} must have a folder for each class (such as n01440764), got {got}")
    return tuple(names)


def _files(folder: Path) -> Sequence[str]:
    return sorted(
        entry.name for entry in _visible(folder) if entry.name.lower().endswith(ENDINGS) and not entry.is_dir()
    )


def _visible(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(f"cannot list the folder {folder}: {error.strerror}") from error


def _found(folder: Path) -> str:
    if not folder.is_dir():
        return "a file" if folder.exists() else "nothing there"
    archives = sorted(path.name for path in folder.glob("ILSVRC2012_*.tar"))
    return f"{archives[0]}, which is not unpacked; unpack it" if archives else "a folder without them"
