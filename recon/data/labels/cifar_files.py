"""CIFAR-10's files, in both of its formats: Python's pickles, which are never loaded, and plain bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recon.data.labels.manifest import is_synthetic
from recon.data.labels.names import CIFAR10_CLASSES
from recon.data.labels.pickled import read_pickle
from recon.errors import DataError

FORMATS = {"cifar-10-batches-py": "", "cifar-10-batches-bin": ".bin"}  # the ending of the names of their files
TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST = ("test_batch",)
SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32
_EXPECTED = "cifar-10-batches-py or cifar-10-batches-bin, with data_batch_1 to data_batch_5 and test_batch"


@dataclass(frozen=True, slots=True, eq=False)
class CIFARBatch:
    """One file of images (N, 3, 32, 32) and their classes (N,)."""

    path: Path
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CIFARFolder:
    """A folder of batches: where it is, the ending of the files' names, the classes, whether they were generated."""

    path: Path
    ending: str
    classes: tuple[str, ...]
    synthetic: bool

    def file(self, name: str) -> Path:
        """Give the path of a batch."""
        return self.path / f"{name}{self.ending}"

    def read(self, name: str) -> CIFARBatch:
        """Read a batch, or raise an error that says what is wrong with it."""
        path = self.file(name)
        if not path.is_file():
            raise DataError(f"{path} must be there, as {_EXPECTED} are, got nothing; unpack the whole archive again")
        pixels, labels = _from_bytes(path) if self.ending else _from_pickle(path)
        if not len(labels):
            raise DataError(f"{path} must hold images, got none; unpack the archive again")
        low, high = min(labels), max(labels)
        if low < 0 or high >= len(self.classes):
            wrong = low if low < 0 else high
            raise DataError(
                f"{path} must have classes from 0 to {len(self.classes) - 1}, as batches.meta says, got {wrong}; "
                f"unpack the archive again"
            )
        return CIFARBatch(path, pixels.reshape(-1, *SHAPE), np.array(labels, dtype=np.int64))


def cifar_folder(folder: Path) -> CIFARFolder:
    """Find the batches in a folder, or in it as such: pickles where there are both."""
    candidates = [(folder / name, ending) for name, ending in FORMATS.items()]
    candidates += [(folder, ending) for ending in FORMATS.values()]
    for path, ending in candidates:
        if any((path / f"{name}{ending}").is_file() for name in (*TRAIN, *TEST)):
            return CIFARFolder(path, ending, _classes(path, ending), is_synthetic(path, path.absolute().parent))
    archives = [folder] if folder.is_file() else sorted(folder.glob("cifar-10-*.tar.gz"))
    if archives:
        raise DataError(
            f"{folder} must be a folder with {_EXPECTED}, got the archive {archives[0].name}, which is not unpacked; "
            f"run `tar -xzf {archives[0].name}` where it lies"
        )
    got = "a folder without them" if folder.is_dir() else "nothing there"
    raise DataError(f"{folder} must be a folder with {_EXPECTED}, got {got}; unpack cifar-10-python.tar.gz there")


def _from_pickle(path: Path) -> tuple[NDArray[np.uint8], Sequence[int]]:
    fields = _fields(path)
    pixels, labels = fields.get("data"), fields.get("labels")
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (_PIXELS,):
        got = f"{pixels.dtype} of shape {pixels.shape}" if isinstance(pixels, np.ndarray) else _kind(pixels)
        raise DataError(f"{path} must have data of bytes (N, {_PIXELS}), got {got}; unpack the archive again")
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise DataError(f"{path} must have labels, a list of whole numbers, got {_kind(labels)}; unpack it again")
    if len(labels) != len(pixels):
        raise DataError(
            f"{path} must have as many labels as images, got {len(labels)} and {len(pixels)}; unpack the archive again"
        )
    return pixels, labels


def _from_bytes(path: Path) -> tuple[NDArray[np.uint8], Sequence[int]]:
    content = _content(path)
    if rest := len(content) % (1 + _PIXELS):
        raise DataError(
            f"{path} must have {1 + _PIXELS} bytes an image, got {len(content)}, of which {rest} are left over; unpack "
            f"the archive again"
        )
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + _PIXELS)
    return rows[:, 1:], rows[:, 0].tolist()


def _classes(folder: Path, ending: str) -> tuple[str, ...]:
    """Read the names of the classes; where nothing tells them, they are CIFAR-10's."""
    path = folder / ("batches.meta.txt" if ending else "batches.meta")
    if not path.is_file():
        return CIFAR10_CLASSES
    if ending:
        names = [line.strip() for line in _content(path).decode("utf-8", "replace").splitlines() if line.strip()]
    else:
        found = _fields(path).get("label_names")
        names = [_text(name) for name in found if isinstance(name, str | bytes)] if isinstance(found, list) else []
    if not names:
        raise DataError(f"{path} must tell the names of the classes, got none; unpack the archive again")
    return tuple(names)


def _fields(path: Path) -> Mapping[str, object]:
    held = read_pickle(path)
    if not isinstance(held, dict):
        raise DataError(f"{path} must hold a dictionary, got {_kind(held)}; unpack the archive again")
    return {_text(name): value for name, value in held.items() if isinstance(name, str | bytes)}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error


def _text(word: str | bytes) -> str:
    return word if isinstance(word, str) else word.decode("utf-8", "replace")


def _kind(value: object) -> str:
    return "none" if value is None else f"one of another kind ({type(value).__name__})"
