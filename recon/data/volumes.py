"""fastMRI's single-coil files: where they lie, and what each says of itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import h5py
import numpy as np

from recon.data.hdf5 import number_attribute, open_hdf5, require_array
from recon.errors import DataError

PARTS = ("train", "val", "test")
ACQUISITIONS = {"CORPD_FBK": "PD", "CORPDFS_FBK": "PDFS"}
KSPACE_AXES = ("slices", "rows", "columns")
_MATRIX = "{*}encoding/{*}reconSpace/{*}matrixSize/{*}"

Acquisition = Literal["PD", "PDFS"]


@dataclass(frozen=True, slots=True)
class Volume:
    """What a volume's file says of itself, read once."""

    path: Path
    shape: tuple[int, int, int]
    crop: tuple[int, int]
    has_target: bool
    mask: tuple[bool, ...] | None
    acquisition: str
    maximum: float
    synthetic: bool

    @property
    def n_slices(self) -> int:
        """Count the slices."""
        return self.shape[0]


def parts_of(folder: Path) -> dict[str, Path]:
    """Give the folders of the parts train, val and test of a fastMRI folder; a part may be missing until it is used.

    One of the three folders stands for the data set that it is in.
    """
    if folder.name in (f"singlecoil_{part}" for part in PARTS) and folder.is_dir():
        folder = folder.parent
    parts = {part: folder / f"singlecoil_{part}" for part in PARTS}
    if not any(path.is_dir() for path in parts.values()):
        names = ", ".join(path.name for path in parts.values())
        raise DataError(f"{folder} must be a fastMRI folder with {names}, got none of them; see data/README.md")
    return parts


def volume_files(folder: Path) -> list[Path]:
    """List the files of volumes in a folder, in the order of their names."""
    if not folder.is_dir():
        raise DataError(
            f"{folder} must be a folder of fastMRI volumes (*.h5), got {'a file' if folder.exists() else 'nothing'}"
        )
    files = sorted(path for path in folder.iterdir() if path.suffix == ".h5" and not path.name.startswith("."))
    if not files:
        raise DataError(f"{folder} must hold fastMRI volumes (*.h5), got none; see data/README.md for the tree")
    return files


def read_volume(path: Path) -> Volume:
    """Read what a volume's file says of itself, or raise an error that says what is wrong with it."""
    file = open_hdf5(path)
    if getattr(file.get("kspace"), "ndim", 3) == 4:
        raise DataError(f"{path}: kspace must be of a single coil, (slices, rows, columns), got multi-coil data")
    shape = require_array(file, "kspace", axes=KSPACE_AXES, kind=np.complexfloating).shape
    has_target = "reconstruction_esc" in file
    if has_target:
        target = require_array(file, "reconstruction_esc", axes=KSPACE_AXES, kind=np.floating).shape
        if target[0] != shape[0]:
            raise DataError(
                f"{path}: kspace and reconstruction_esc must have as many slices, got {shape[0]} and {target[0]}"
            )
        crop = target[1:]
    else:
        crop = _reconstructed_size(file, path)
    if shape[2] < crop[1]:
        crop = (shape[2], shape[2])  # as fastMRI does with its few narrow volumes
    if shape[1] < crop[0]:
        raise DataError(f"{path}: kspace must have at least the {crop[0]} rows of its target, got {shape[1]}")
    return Volume(
        path,
        shape,
        crop,
        has_target,
        _stored_mask(file, path, shape[2]),
        _acquisition(file),
        number_attribute(file, "max"),
        bool(file.attrs.get("synthetic", False)),
    )


def _reconstructed_size(file: h5py.File, path: Path) -> tuple[int, int]:
    """Read the size of the image that belongs to a k-space without a target from the file's header."""
    header = file.get("ismrmrd_header")
    if header is None:
        raise DataError(f"{path}: a file without reconstruction_esc must have an ismrmrd_header, which tells the size")
    try:
        root = ElementTree.fromstring(header[()])
    except (ElementTree.ParseError, TypeError, ValueError) as error:
        raise DataError(f"{path}: ismrmrd_header must be XML: {error}") from error
    sizes = [root.findtext(_MATRIX + axis) for axis in "xy"]
    if not all(size and size.isdigit() and int(size) for size in sizes):
        raise DataError(f"{path}: ismrmrd_header must tell the matrixSize of its reconSpace, got {sizes}")
    return int(sizes[0] or 0), int(sizes[1] or 0)


def _stored_mask(file: h5py.File, path: Path, width: int) -> tuple[bool, ...] | None:
    if "mask" not in file:
        return None
    stored = file["mask"]
    if not isinstance(stored, h5py.Dataset) or stored.dtype.kind not in "biuf":
        raise DataError(f"{path}: mask must be an array of numbers, got {getattr(stored, 'dtype', 'a group')}")
    mask = np.asarray(stored).reshape(-1)
    if mask.shape != (width,):
        raise DataError(f"{path}: mask must have one value for each of the {width} columns of kspace, got {mask.shape}")
    return tuple((mask > 0).tolist())


def _acquisition(file: h5py.File) -> str:
    stored = file.attrs.get("acquisition", "")
    name = stored.decode() if isinstance(stored, bytes) else str(stored)
    return ACQUISITIONS.get(name, name)
