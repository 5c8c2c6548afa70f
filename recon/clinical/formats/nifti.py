"""NIfTI files, packed or not: slices as a radiologist sees them in, the same grid and header out."""

import gzip
import importlib
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recon import __version__
from recon.clinical.formats.files import FileSource, Reading, leave_out_made, made_by, made_from, require_finite
from recon.clinical.identity import Identity
from recon.clinical.sources import Made
from recon.clinical.words import MAKER
from recon.errors import ConfigError, DataError
from recon.files import reason_of, written_whole

SUFFIXES = (".nii.gz", ".nii")
_DESCRIPTION = 79  # characters that a header has room for
_RESEARCH = "research use only"


@dataclass(frozen=True, slots=True)
class Layout:
    """How an array (X, Y, Z, volumes) becomes slices, and back.

    Args:
        shape: of the file's array, without the axes of one that it leaves out at the end.
        axes: which axis counts the slices, which the rows, which the columns.
        flips: whether rows and columns run backwards in the array.
    """

    shape: tuple[int, ...]
    axes: tuple[int, int, int]
    flips: tuple[bool, bool]

    @property
    def full_shape(self) -> tuple[int, ...]:
        """The shape with four axes."""
        return (*self.shape, *[1] * (4 - len(self.shape)))

    @property
    def slices(self) -> int:
        """Count the slices of all volumes."""
        return self.full_shape[3] * self.full_shape[self.axes[0]]

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.full_shape[self.axes[1]], self.full_shape[self.axes[2]]

    def images(self, array: NDArray[np.float32]) -> Tensor:
        """Give the slices (N, 1, H, W), volume after volume."""
        moved = array.reshape(self.full_shape).transpose(3, *self.axes)[self._steps]
        return torch.from_numpy(np.ascontiguousarray(moved)).flatten(0, 1)[:, None]

    def array(self, images: Tensor) -> NDArray[np.float32]:
        """Undo `images`."""
        order = (3, *self.axes)
        moved = images.float().numpy().reshape([self.full_shape[axis] for axis in order])[self._steps]
        return moved.transpose(np.argsort(order)).reshape(self.shape)

    @property
    def _steps(self) -> tuple[slice, ...]:
        return (slice(None), slice(None), *(slice(None, None, -1 if flip else 1) for flip in self.flips))


class NiftiSource(FileSource):
    """The slices of all volumes of an unpacked file.

    Rows and columns are as they are shown, and as a DICOM series has them: rows to the back or the feet, columns to the
    patient's left or back, by the axes that the header's affine comes nearest to.
    """

    format: ClassVar[str] = "nifti"
    suffix: ClassVar[str] = ".nii"
    options = ("slice_axis",)

    def __init__(self, path: Path, layout: Layout) -> None:
        super().__init__(path, modality=None, slices=layout.slices)
        self.layout, self.size = layout, layout.size
        self.read_as = f"slices along {layout.axes[0]}"

    def adapted(self, identity: Identity, reading: Reading) -> "NiftiSource":
        """Take the slices along the axis that is wanted."""
        if reading.slice_axis is None:
            return self
        return type(self)(self.path, _layout(_opened(self.path), self.path, reading.slice_axis))

    def read(self) -> Tensor:
        """Read stored values * slope + intercept."""
        image = _opened(self.path)
        if image.shape != self.layout.shape:
            raise DataError(f"{self.path} must stay as it was, got another size; start again")
        try:
            with np.errstate(over="ignore"):  # what float32 has no room for is infinite, and refused as that
                values = image.get_fdata(dtype=np.float32, caching="unchanged")
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise _broken(self.path, error) from error
        return require_finite(self.layout.images(values), self.path)

    def write(self, images: Tensor, identity: Identity, target: Path) -> None:
        """Write the array in float32 with the source's header, and say which model made it.

        The description says it in short; a comment beside the header in full, with the description that was there.
        """
        source = _opened(self.path)
        header = source.header.copy()
        words = made_by(identity) | {"description": bytes(header["descrip"]).rstrip(b"\0").decode("latin-1")}
        header.set_data_dtype(np.float32)
        header.set_slope_inter(1, 0)
        header["descrip"] = _description(identity)
        comment = importlib.import_module("nibabel.nifti1").Nifti1Extension("comment", _comment(words))
        header.extensions.append(comment)
        content = type(source)(self.layout.array(images), None, header).to_bytes()
        if target.suffix == ".gz":
            content = gzip.compress(content, compresslevel=1, mtime=0)
        with written_whole(target) as partial:
            partial.write_bytes(content)

    def made_with(self, target: Path) -> Made:
        """Read it in the comment."""
        told = (_told(extension) for extension in _opened(target).header.extensions)
        return next((made for made in told if made.weights), Made())


class PackedNiftiSource(NiftiSource):
    """The same of a file packed by gzip."""

    suffix: ClassVar[str] = ".nii.gz"


def sources(path: Path) -> list[NiftiSource]:
    """Give the volumes of a file, or of those that lie directly in a folder."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [_source(file) for file in files if file.name.lower().endswith(SUFFIXES) and not file.name.startswith(".")]


def _source(path: Path) -> NiftiSource:
    kind = PackedNiftiSource if path.name.lower().endswith(".gz") else NiftiSource
    source = kind(path, _layout(_opened(path), path))
    leave_out_made(source.made_with(path))
    return source


def _opened(path: Path) -> Any:  # noqa: ANN401  # nibabel has no types
    """Read a file's header, and refuse what is not one of images."""
    nibabel = _nibabel()
    try:
        image = nibabel.load(path)
    except (OSError, EOFError, ValueError, zlib.error, nibabel.filebasedimages.ImageFileError) as error:
        raise _broken(path, error) from error
    except nibabel.spatialimages.HeaderDataError as error:
        raise _broken(path, error) from error
    if not isinstance(image, nibabel.Nifti1Image):
        raise DataError(f"{path} must be a NIfTI file of one part, got {type(image).__name__}")
    kind = image.get_data_dtype()
    if kind.kind not in "iuf":
        raise DataError(f"{path} must hold real numbers, got the type {kind}; give magnitudes, or HU")
    if not 2 <= len(image.shape) <= 4 or 0 in image.shape:
        raise DataError(f"{path} must have two axes, three, or four with the last of volumes, got {image.shape}")
    return image


def _layout(image: Any, path: Path, slice_axis: int | None = None) -> Layout:  # noqa: ANN401
    """Choose the axes: slices as wanted, as the header says, or the last; rows and columns as they are shown."""
    if slice_axis is None:
        told = image.header.get_dim_info()[2]
        slice_axis = 2 if told is None else int(told)
    finite = bool(np.isfinite(image.affine).all())
    nearest = _nibabel().io_orientation(image.affine) if finite else np.full((3, 2), np.nan)
    if not np.isfinite(nearest).all():
        raise DataError(f"{path}: the affine must tell three directions, got one that does not; mend the header")
    inside = sorted({0, 1, 2} - {slice_axis}, key=lambda axis: -nearest[axis, 0])  # rows go down the body
    rows, columns = inside
    flips = (bool(nearest[rows, 1] > 0), bool(nearest[columns, 1] > 0))  # an affine counts to right, front and head
    return Layout(tuple(image.shape), (slice_axis, rows, columns), flips)


def _description(identity: Identity) -> bytes:
    """Say in the few characters of a header what made it."""
    start, end = f"{MAKER} {__version__} {identity.variant}"[:40], f"{identity.weights[:12]}; {_RESEARCH}"
    return f"{start} {end}".encode("ascii", "replace")[:_DESCRIPTION]


def _comment(words: dict[str, str]) -> bytes:
    return json.dumps({MAKER: words}).encode()


def _told(extension: Any) -> Made:  # noqa: ANN401
    content = extension.get_content()
    try:
        return made_from(json.loads(content)[MAKER])
    except (ValueError, KeyError, TypeError):
        return Made()


def _broken(path: Path, error: Exception) -> DataError:
    if isinstance(error, PermissionError):
        return DataError(f"{path} cannot be read ({reason_of(error)}); see its owner and mode")
    reason = reason_of(error) or type(error).__name__
    return DataError(f"{path} must be a whole NIfTI file, got one that cannot be read ({reason}); copy it again")


def _nibabel() -> Any:  # noqa: ANN401
    try:
        return importlib.import_module("nibabel")
    except ModuleNotFoundError as error:
        raise ConfigError(f"NIfTI needs nibabel, got: {error}; pip install '.[clinical]' in recon's folder") from error
