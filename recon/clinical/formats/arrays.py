"""NumPy's .npy files: one image or many, as they are."""

import io
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recon.clinical.formats.files import FileSource, leave_out_made, made_by, made_from, require_finite
from recon.clinical.identity import Identity
from recon.clinical.sources import Made
from recon.errors import DataError
from recon.files import reason_of, written_whole

_SHAPES = "(H, W), (N, H, W) or (N, 1, H, W)"


class ArraySource(FileSource):
    """The images of an array of intensities: magnitudes, or HU."""

    format = "npy"
    suffix = ".npy"

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        super().__init__(path, modality=None, slices=1 if len(shape) == 2 else shape[0])
        self.shape, self.size = shape, (shape[-2], shape[-1])

    def read(self) -> Tensor:
        """Read them as (N, 1, H, W)."""
        with np.errstate(over="ignore"):  # what float32 has no room for is infinite, and refused as that
            values = np.array(_opened(self.path), dtype=np.float32)  # a copy, in this machine's byte order
        if values.shape != self.shape:
            raise DataError(f"{self.path} must stay as it was, got another size; start again")
        images = torch.from_numpy(values).reshape(self.slices, 1, *self.shape[-2:])
        return require_finite(images, self.path)

    def write(self, images: Tensor, identity: Identity, target: Path) -> None:
        """Write an array of the source's shape, and beside it a file of JSON that says which model made it."""
        (_, told) = self.files_of(target)
        values = images.float().numpy().reshape(self.shape)
        with written_whole(told) as beside, written_whole(target) as partial:
            beside.write_text(json.dumps(made_by(identity), indent=2) + "\n", encoding="utf-8")
            packed = io.BytesIO()  # writing from memory tells of a full disk in the usual words
            np.save(packed, values, allow_pickle=False)
            partial.write_bytes(packed.getbuffer())

    def files_of(self, target: Path) -> list[Path]:
        """Give the array, and what says how it was made."""
        return [target, target.with_name(f"{target.name}.json")]

    def made_with(self, target: Path) -> Made:
        """Read it in the file beside."""
        try:
            return made_from(json.loads(self.files_of(target)[1].read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return Made()


def sources(path: Path) -> list[ArraySource]:
    """Give the images of an array, or of those that lie directly in a folder."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [_source(file) for file in files if file.suffix.lower() == ".npy" and not file.name.startswith(".")]


def _source(path: Path) -> ArraySource:
    source = ArraySource(path, _opened(path).shape)
    leave_out_made(source.made_with(path))
    return source


def _opened(path: Path) -> NDArray[np.generic]:
    """Open an array without reading its values, and refuse what is not one of images."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except PermissionError as error:
        raise DataError(f"{path} cannot be read ({reason_of(error)}); see its owner and mode") from None
    except (OSError, ValueError, EOFError, SyntaxError, MemoryError, OverflowError) as error:
        pickled = "Python objects" in str(error) or "allow_pickle" in str(error)
        reason = "Python objects, or no array" if pickled else " ".join(str(error).split())
        raise DataError(
            f"{path} must be a whole .npy file of numbers, got one that cannot be read ({reason}); write it again with "
            f"np.save"
        ) from None
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path} must be one array, got an archive of several; save each by np.save")
    if array.dtype.kind not in "iuf":
        advice = "give the magnitude, np.abs" if array.dtype.kind == "c" else "give intensities as numbers"
        raise DataError(f"{path} must hold real numbers, got the type {array.dtype}; {advice}")
    if array.ndim not in (2, 3, 4) or 0 in array.shape or (array.ndim == 4 and array.shape[1] != 1):
        raise DataError(f"{path} must have the shape {_SHAPES}, got {array.shape}; reshape it")
    return array
