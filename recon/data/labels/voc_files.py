"""PASCAL VOC 2012's tree: pictures, masks of their classes, and lists of which are for what."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recon.data.labels.manifest import is_synthetic, named_classes
from recon.data.labels.names import VOC_CLASSES
from recon.errors import DataError

PICTURES, MASKS, MORE_MASKS = "JPEGImages", "SegmentationClass", "SegmentationClassAug"
_LISTS = Path("ImageSets", "Segmentation")
_MORE = ("train_aug.txt", "trainaug.txt")  # the lists of the augmented training set, as people call them
_PLACES = (Path("VOCdevkit", "VOC2012"), Path("VOC2012"), Path())


@dataclass(frozen=True, slots=True)
class VOCFolder:
    """Where the tree is (`VOC2012`), the names of the classes, and whether the pictures were generated."""

    path: Path
    classes: tuple[str, ...]
    synthetic: bool


@dataclass(frozen=True, slots=True)
class VOCPart:
    """Pictures by their names, and the folder with their masks."""

    folder: VOCFolder
    names: tuple[str, ...]
    masks: str

    def picture(self, name: str) -> Path:
        """Give the path of a picture."""
        return self.folder.path / PICTURES / f"{name}.jpg"

    def mask(self, name: str) -> Path:
        """Give the path of its mask."""
        return self.folder.path / self.masks / f"{name}.png"


def voc_folder(folder: Path) -> VOCFolder:
    """Find the tree: in a folder with `VOCdevkit`, in that one, or in `VOC2012` itself."""
    for place in _PLACES:
        path = folder / place
        if (path / PICTURES).is_dir() and (path / _LISTS).is_dir():
            roots = [path, *path.absolute().parents[:2]]  # up to the folder with VOCdevkit
            named = next((names for root in roots if (names := named_classes(root)) is not None), None)
            return VOCFolder(path, named or VOC_CLASSES, is_synthetic(*roots))
    archives = [folder] if folder.is_file() else sorted(folder.glob("VOCtrainval*.tar"))
    if archives:
        got = f"the archive {archives[0].name}, which is not unpacked; run `tar -xf {archives[0].name}` where it lies"
    else:
        got = "a folder without it" if folder.is_dir() else "nothing there"
    raise DataError(f"{folder} must have VOCdevkit/VOC2012 with {PICTURES}, {MASKS} and {_LISTS.as_posix()}, got {got}")


def voc_part(folder: VOCFolder, part: str) -> VOCPart:
    """List the pictures of `train` or `val`; for training, those of the augmented set where it is there."""
    if part == "train":
        for more in _MORE:
            if (folder.path / MORE_MASKS).is_dir() and (folder.path / _LISTS / more).is_file():
                return VOCPart(folder, _names(folder.path / _LISTS / more), MORE_MASKS)
    return VOCPart(folder, _names(folder.path / _LISTS / f"{part}.txt"), MASKS)


def _names(path: Path) -> tuple[str, ...]:
    """Read a list of names, one a line; some lists have the paths of a picture and its mask instead."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise DataError(f"cannot read {path}: {reason}; unpack the archive again") from error
    names = [_name(line.split(), path) for line in lines if line.strip()]
    if not names:
        raise DataError(f"{path} must have the name of a picture in each line, got none; unpack the archive again")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{path} must name each picture once, got {twice} again; unpack the archive again")
    return tuple(names)


def _name(words: Sequence[str], path: Path) -> str:
    stems = {Path(word).stem for word in words}
    if len(stems) != 1:
        raise DataError(f"{path} must have the name of a picture in each line, got {' '.join(words)!r}")
    return stems.pop()
