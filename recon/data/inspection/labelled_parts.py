"""The files of labelled data sets by part, as far as they can be found; what is wrong with them is not said here."""

import os
from collections.abc import Iterator
from pathlib import Path

from recon.data.images import ENDINGS
from recon.data.labels.cifar_files import FORMATS, TEST, TRAIN
from recon.data.labels.class_folders import PARTS
from recon.data.labels.voc_files import MASKS, MORE_MASKS, PICTURES

Parts = dict[str, tuple[Path, ...]]

VOC_PLACES = (Path("VOCdevkit", "VOC2012"), Path("VOC2012"), Path())
LISTS = Path("ImageSets", "Segmentation")
VOC_LISTS = {"train": MASKS, "val": MASKS, "train_aug": MORE_MASKS, "trainaug": MORE_MASKS}  # with the masks' folders


def cifar10_parts(folder: Path) -> Parts | None:
    """Give the batches for training and the test, where the reader looks for them; None if there are none."""
    for place, ending in (*FORMATS.items(), *(("", ending) for ending in FORMATS.values())):
        found = {
            part: tuple(path for name in names if (path := folder / place / f"{name}{ending}").is_file())
            for part, names in (("train", TRAIN), ("test", TEST))
        }
        if any(found.values()):
            return {part: files for part, files in found.items() if files}
    return None


def imagenet_parts(folder: Path) -> Parts | None:
    """Give the images in the class folders of `train` and `val`, class after class; None if there are none."""
    found = {part: tuple(_in_class_folders(folder / part)) for part in PARTS}
    return {part: files for part, files in found.items() if files} if any(found.values()) else None


def voc_parts(folder: Path) -> Parts | None:
    """Give the pictures that the lists name, each with its mask after it; None if there is no such tree."""
    place = voc_place(folder)
    if place is None:
        return None
    found = {part: _listed(place, part) for part in VOC_LISTS}
    return {part: files for part, files in found.items() if files} or {"": ()}


def is_labelled(folder: Path) -> bool:
    """Tell whether a folder is a labelled data set, without listing all of it."""
    some = (path for part in PARTS for path in _in_class_folders(folder / part))
    return cifar10_parts(folder) is not None or voc_place(folder) is not None or any(some)


def voc_place(folder: Path) -> Path | None:
    """Find the folder with the pictures and the masks, which is VOC2012, in a folder; None if there is none."""
    places = (folder / place for place in VOC_PLACES)
    return next((place for place in places if (place / PICTURES).is_dir() and _has_masks(place)), None)


def _in_class_folders(part: Path) -> Iterator[Path]:
    folders = sorted(entry.name for entry in _visible(part) if entry.is_dir()) if part.is_dir() else []
    for folder in folders:
        names = sorted(entry.name for entry in _visible(part / folder) if entry.name.lower().endswith(ENDINGS))
        yield from (part / folder / name for name in names)


def _has_masks(place: Path) -> bool:
    return (place / MASKS).is_dir() or (place / LISTS).is_dir()


def _listed(place: Path, part: str) -> tuple[Path, ...]:
    """Read a list of names, or of paths whose stems are the names, as far as it goes."""
    path, masks = place / LISTS / f"{part}.txt", VOC_LISTS[part]
    if not path.is_file() or (masks == MORE_MASKS and not (place / masks).is_dir()):
        return ()
    words = (line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    names = dict.fromkeys(Path(line[0]).stem for line in words if line)
    return tuple(path for name in names for path in (place / PICTURES / f"{name}.jpg", place / masks / f"{name}.png"))


def _visible(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return [entry for entry in entries if not entry.name.startswith(".")]
