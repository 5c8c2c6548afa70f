"""Folders of JPEG and PNG images, such as ImageNet's validation images, as grey images of one size."""

import os
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from recon.errors import ConfigError, DataError, ShapeError, require_at_least

ENDINGS = (".jpeg", ".jpg", ".png")
FORMATS = ("JPEG", "PNG")  # by content: ImageNet has PNG files with the ending .JPEG
REC_601 = np.array([299, 587, 114], dtype=np.float32)  # thousandths


@dataclass(frozen=True, slots=True, eq=False)
class GreyImage:
    """A grey image (H, W), as float32 in [0, 1], and where it came from.

    Args:
        values: the image.
        file: the file's path inside its folder, with forward slashes, or the photograph's name.
        slice: 0, or the number of the patch in its photograph.
    """

    values: NDArray[np.float32]
    file: str
    slice: int = 0

    def __post_init__(self) -> None:
        """Check the array's form; its values were checked where it was made."""
        if self.values.ndim != 2 or self.values.dtype != np.float32:
            raise ShapeError(
                f"values must be a float32 array (H, W), got {self.values.dtype} of shape {self.values.shape}"
            )


class ImageFolder(Sequence[GreyImage]):
    """The first images of a folder in the order of their file names, as grey images of one size, read when asked for.

    The images may lie flat or in class folders; both give the same images (see `image_files`).

    Args:
        folder: the folder, for instance ImageNet's validation images.
        size: height and width of every image, or (height, width).
        count: at most so many images; None takes all. Default: the first 1000, as the tests outside the training
            distribution of the APS reconstruction paper.
    """

    def __init__(self, folder: Path, *, size: int | tuple[int, int], count: int | None = 1000) -> None:
        self.folder = Path(folder)
        self.size = _height_and_width(size)
        self.files: Sequence[Path] = tuple(image_files(self.folder, count=count))

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, index: int) -> GreyImage: ...
    @overload
    def __getitem__(self, index: slice) -> "ImageFolder": ...
    def __getitem__(self, index: int | slice) -> "GreyImage | ImageFolder":
        """Read one image, or give a part of the sequence without reading."""
        if isinstance(index, slice):
            part = copy(self)
            part.files = self.files[index]
            return part
        path = self.files[index]
        return GreyImage(fit_square(read_grey(path), self.size), path.relative_to(self.folder).as_posix())


def image_files(folder: Path, *, count: int | None = None) -> list[Path]:
    """Give the JPEG and PNG files of a folder and of the folders in it, the first `count` of them by file name.

    The order is that of the files' own names, character by character, so a flat folder and one with class folders give
    the same files in the same order; equal names are ordered by their paths. Endings count in any letter case. Hidden
    files and folders (those with a leading dot, such as macOS leaves) are passed over.
    """
    folder = Path(folder)
    if count is not None:
        require_at_least(count, 1, name="count")
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(f"folder must be a folder of images, got {folder}, which {what}")
    found = []
    for entry in _visible(folder):
        files = _visible(Path(entry)) if entry.is_dir() else [entry]
        found += [Path(file) for file in files if file.name.lower().endswith(ENDINGS) and not file.is_dir()]
    if not found:
        raise DataError(
            f"folder must hold images ({', '.join(ENDINGS)}), flat or in class folders one level down, got {folder}, "
            f"which has none"
        )
    return sorted(found, key=lambda path: (path.name, path.relative_to(folder).as_posix()))[:count]


def read_grey(path: Path) -> NDArray[np.float32]:
    """Read a JPEG or PNG file as a grey image (H, W) in [0, 1].

    Colour becomes Rec. 601 luma, Y = 0.299 R + 0.587 G + 0.114 B, as in PIL's mode "L" but not rounded to 8 bits; a
    grey image stored in colour gives exactly its grey values. The values are those of the file, gamma and all: colour
    profiles are not applied. Transparent parts lie over black. 16-bit grey keeps its depth. The EXIF orientation is
    honoured, and taken as upright where it cannot be read.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            image.load()
            grey = _upright(_grey(image), orientation_of(image))
    except Exception as error:  # broken bytes make the decoders fail in many ways
        raise unreadable(path, error) from error
    return np.ascontiguousarray(grey)


def orientation_of(image: Image.Image) -> int:
    """Give the EXIF orientation, from 1 (upright) to 8; 1 if the image does not say."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # such as SyntaxError and struct.error from PNG files; the pixels are good all the same
        return 1


def unreadable(path: Path, error: Exception) -> DataError:
    """Give the error that says in words why a file could not be read."""
    if isinstance(error, UnidentifiedImageError):
        empty = path.stat().st_size == 0
        reason = "the file is empty" if empty else "it is not a JPEG or PNG image, or its beginning is broken"
    elif isinstance(error, OSError) and error.strerror:
        reason = error.strerror
    else:
        reason = str(error) or type(error).__name__
    return DataError(f"cannot read the image {path}: {reason}; replace the file or take it away")


def fit_square(image: ArrayLike, size: int | tuple[int, int]) -> NDArray[np.float32]:
    """Resize a grey image (H, W) until it just covers `size`, and crop the centre: (size, size) or (height, width).

    For a square the short side becomes `size` and the long side is rounded to whole pixels. Where an odd number of
    rows or columns is left over, one more goes at the bottom or on the right. The filter is PIL's antialiased
    BICUBIC in floating point; its overshoot is clipped to the range of the image, so a constant stays constant, and
    an image that needs no resizing keeps its values.
    """
    values = np.asarray(image, dtype=np.float32)
    height, width = _height_and_width(size)
    if values.ndim != 2 or values.size == 0:
        raise ShapeError(f"image must have the shape (H, W) with at least one pixel, got {values.shape}")
    if not np.isfinite(values).all():
        raise DataError("image must be finite, got values that are NaN or infinite; replace or mask them first")
    rows, columns = values.shape
    scale = max(height / rows, width / columns)
    all_rows, all_columns = max(height, round(rows * scale)), max(width, round(columns * scale))
    top, left = (all_rows - height) // 2, (all_columns - width) // 2
    # Only the crop is computed, in the coordinates of the image: a long strip would fill the memory when enlarged.
    box = (
        *(left * columns / all_columns, top * rows / all_rows),
        *((left + width) * columns / all_columns, (top + height) * rows / all_rows),
    )
    whole = Image.fromarray(np.ascontiguousarray(values))
    fitted = np.array(whole.resize((width, height), Image.Resampling.BICUBIC, box=box), dtype=np.float32)
    return fitted.clip(values.min(), values.max())


def _visible(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Give the entries of a folder that are not hidden; unlike Path.iterdir, they know without asking what they are."""
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        raise DataError(f"cannot list the folder {folder}: {error.strerror}") from error


def _height_and_width(size: int | tuple[int, int]) -> tuple[int, int]:
    """Give the (height, width) that a size stands for."""
    pair = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(pair) != 2:
        raise ConfigError(f"size must be one whole number or (height, width), got {size!r}")
    height, width = (require_at_least(n, 1, name="size") for n in pair)
    return height, width


def _grey(image: Image.Image) -> NDArray[np.float32]:
    """Give a loaded image of any mode as grey values (H, W) in [0, 1]."""
    if image.mode.startswith("I"):  # 16-bit PNG: "I;16", or "I" in older versions of PIL
        return np.asarray(image, dtype=np.float32) / 65535
    if image.has_transparency_data:
        coloured = np.asarray(image.convert("RGBA"), dtype=np.float32)
        return _luma(coloured[..., :3]) * (coloured[..., 3] / 255)
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"), dtype=np.float32) / 255
    return _luma(np.asarray(image.convert("RGB"), dtype=np.float32))


def _luma(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the luma of 8-bit colours (H, W, 3); the sum of whole numbers is exact, so there is only one rounding."""
    return (rgb @ REC_601) / 255_000


def _upright(stored: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    """Turn and mirror a stored image as its EXIF orientation asks (EXIF 2.3, tag 0x0112)."""
    if orientation in (5, 6, 7, 8):  # the first stored row is the left or right side
        stored = stored.T
    if orientation in (3, 4, 7, 8):
        stored = stored[::-1]
    if orientation in (2, 3, 6, 7):
        stored = stored[:, ::-1]
    return stored
