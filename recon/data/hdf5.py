"""HDF5 files opened with clear words when they cannot be, and kept open in each process."""

import os
import re
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from recon.errors import DataError

_KEPT_OPEN = 64  # files a process; a data set of a thousand volumes stays below the usual limit of 1024
_OPEN: OrderedDict[Path, tuple[tuple[int, ...], h5py.File]] = OrderedDict()  # and what each looked like


def open_hdf5(path: Path) -> h5py.File:
    """Give an HDF5 file open for reading; it stays open, and is opened anew in another process or if it changed."""
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    state = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
    if path in _OPEN:
        _OPEN.move_to_end(path)
        before, file = _OPEN[path]
        if before == state and file:
            return file
        _arrays.cache_clear()
        file.close()  # or HDF5 would go on with what it knows of the file as it was
    try:
        # Data often lie on file systems that cannot be locked, and nobody writes to them.
        file = h5py.File(path, "r", locking="best-effort")
    except OSError as error:
        _OPEN.pop(path, None)
        raise _unreadable(path, error) from error
    _OPEN[path] = (state, file)
    if len(_OPEN) > _KEPT_OPEN:
        _OPEN.popitem(last=False)
    return file


def require_array(file: h5py.File, key: str, *, axes: Sequence[str], kind: type[np.generic]) -> h5py.Dataset:
    """Give the file's array of that key if it has the axes and the kind (np.floating, np.complexfloating) as said."""
    found = file.get(key)
    name = f"{_name(file)}: {key}"
    if found is None:
        keys = ", ".join(sorted(file)) or "nothing"
        raise DataError(f"{name} must be there, got a file with {keys}")
    if not isinstance(found, h5py.Dataset):
        raise DataError(f"{name} must be an array, got a group")
    if found.ndim != len(axes) or 0 in found.shape:
        raise DataError(f"{name} must have the shape ({', '.join(axes)}), got {found.shape}")
    if not np.issubdtype(found.dtype, kind):
        words = "complex" if kind is np.complexfloating else "floating-point"
        raise DataError(f"{name} must be of a {words} type, got {found.dtype}")
    return found


def number_attribute(file: h5py.File, name: str) -> float:
    """Give a number among the file's attributes; NaN if it is not there."""
    stored = file.attrs.get(name, np.nan)
    try:
        return float(np.asarray(stored).item())
    except (TypeError, ValueError) as error:
        raise DataError(f"{_name(file)}: the attribute {name} must be a number, got {stored!r}") from error


def read_slice(file: h5py.File, key: str, index: int) -> NDArray[np.generic]:
    """Read one slice of an array of the file."""
    try:
        values = _arrays(file, key)[index]
        return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise DataError(f"{_name(file)}: slice {index} of {key} cannot be read: {_reason(error)}") from error


def _forget() -> None:
    """Let go of everything: a worker must not share its parent's places in files."""
    _arrays.cache_clear()
    _OPEN.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@lru_cache(maxsize=2 * _KEPT_OPEN)
def _arrays(file: h5py.File, key: str) -> h5py.Dataset:
    """Find an array in a file: looking it up takes as long as reading a slice."""
    return file[key]


def _unreadable(path: Path, error: OSError) -> DataError:
    if path.is_dir():
        return DataError(f"{path} must be an HDF5 file, got a folder")
    return DataError(f"{path} cannot be read: {_reason(error)}")


def _reason(error: Exception) -> str:
    """Say in plain words what HDF5 means."""
    words = str(error)
    if isinstance(error, FileNotFoundError) or "No such file" in words:
        return "it is not there"
    if isinstance(error, PermissionError) or "Permission denied" in words:
        return "you lack the permission; see its owner and mode"
    if sizes := re.search(r"truncated file: eof = (\d+).*?stored_eof = (\d+)", words):
        return f"it is truncated ({sizes[1]} of {sizes[2]} bytes); copy or download it again"
    if "file signature not found" in words:
        return "it is not an HDF5 file (or its beginning is lost); copy or download it again"
    return f"it may be corrupt ({' '.join(words.split())}); copy or download it again"


def _name(file: h5py.File) -> str:
    return str(file.filename)
