"""The formats of what is reconstructed: each module finds the volumes that a file or folder holds."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recon.clinical.dicom.finding import dicom_files
from recon.clinical.formats.files import HDF5_SUFFIXES, LeftOutError
from recon.clinical.formats.walking import folders_of
from recon.clinical.nearby import hint_for_missing
from recon.clinical.sources import Source
from recon.data.hdf5 import open_hdf5
from recon.errors import DataError, require_known

FORMATS = {  # and the module of each; a file is asked in this order
    "fastmri": "fastmri",
    "lodopab": "lodopab",
    "mrd": "mrd",
    "dicom": "dicom",
    "nifti": "nifti",
    "npy": "arrays",
}
OF_FOLDERS = "dicom"  # whose volumes are made of many files
_WORDS = "fastMRI (.h5), LoDoPaB-CT (.hdf5), MRD (.h5, .mrd), DICOM, NIfTI (.nii, .nii.gz) and NumPy (.npy)"
_SHOWN = 5  # names that a message lists


@dataclass(slots=True)
class Found:
    """What a search found: volumes; files that are broken, or that are known and are none; and how many are unknown."""

    sources: list[Source] = field(default_factory=list)
    broken: list[tuple[Path, str]] = field(default_factory=list)
    left_out: list[tuple[Path, str]] = field(default_factory=list)
    unknown: list[Path] = field(default_factory=list)


def find_sources(path: Path, format: str | None = None, *, leave_out: Path | None = None) -> Found:
    """Find the volumes of a file, or of a folder with all that are in it, in every format or in one.

    A file that is broken does not hide the others. `leave_out` is a folder that is passed over: that of the results.
    """
    formats = list(FORMATS) if format is None else [require_known(format, FORMATS, name="format")]
    found = Found()
    if path.is_dir():
        for folder in folders_of(path, leave_out, found.broken):
            _look_into(folder, formats, found)
        return found
    if not path.is_file():
        raise DataError(f"{path} must be a file or a folder, {hint_for_missing(path)}")
    _look_at(path, formats, found, alone=True)
    return found


def find_all(paths: Sequence[Path], format: str | None = None, *, leave_out: Path | None = None) -> Found:
    """Find the volumes of several files and folders, or raise an error where there is none."""
    whole = Found()
    for path in paths:
        found = find_sources(path, format, leave_out=leave_out)
        whole.sources += found.sources
        whole.broken += found.broken
        whole.left_out += found.left_out
        whole.unknown += found.unknown
    if not whole.sources:
        raise _nothing(paths, format, whole)
    return whole


def _look_into(folder: Path, formats: Sequence[str], found: Found) -> None:
    """Look at what lies directly in a folder."""
    visible = sorted(file for file in folder.iterdir() if not file.name.startswith("."))
    found.broken += [(file, f"{file} {hint_for_missing(file)}") for file in visible if not file.exists()]
    files = [file for file in visible if file.is_file()]
    of_series = [file for file in files if OF_FOLDERS in formats and _is_of_series(file)]
    if of_series:
        _ask(OF_FOLDERS, folder, found)
    for file in files:
        if file not in of_series:
            _look_at(file, [name for name in formats if name != OF_FOLDERS], found)


def _look_at(file: Path, formats: Sequence[str], found: Found, *, alone: bool = False) -> None:
    """Ask one format after the other whether a file is one of its own; a file that is given `alone` must be one."""
    asked = Found()
    for name in formats:
        _ask(name, file, asked)
        if asked.sources:
            found.sources += asked.sources
            return
    if asked.left_out and alone:
        found.broken.append((file, f"{file} holds {asked.left_out[0][1]}"))
    elif asked.left_out:
        found.left_out += asked.left_out[:1]
    elif asked.broken:
        found.broken += asked.broken[:1]
    elif alone:
        wanted = f"{formats[0]}, which was asked for" if len(formats) == 1 else _WORDS
        found.broken.append((file, f"{file} must be of a format that is read: {wanted}; got {_contents(file)}"))
    else:
        found.unknown.append(file)


def _ask(name: str, path: Path, found: Found) -> None:
    """Ask one format."""
    module = importlib.import_module(f"{__name__}.{FORMATS[name]}")
    try:
        found.sources += module.sources(path)
    except LeftOutError as error:
        found.left_out.append((path, str(error)))
    except DataError as error:
        found.broken.append((path, str(error)))


def _is_of_series(file: Path) -> bool:
    try:
        return bool(dicom_files(file))
    except DataError:
        return True  # a broken one, of which the folder is asked


def _nothing(paths: Sequence[Path], format: str | None, found: Found) -> DataError:
    """Say why there is nothing to reconstruct."""
    reasons = [reason for _, reason in found.broken]
    reasons += [f"{path} holds {reason}" for path, reason in found.left_out]
    if reasons:
        more = f" ({len(reasons)} files cannot be reconstructed)" if len(reasons) > 1 else ""
        return DataError(f"{reasons[0]}{more}")
    names = ", ".join(file.name for file in found.unknown[:_SHOWN])
    got = f"{len(found.unknown)} other files ({names})" if found.unknown else "no files"
    wanted = f"the format {format}" if format else f"one of the formats {_WORDS}"
    return DataError(f"{', '.join(map(str, paths))} must hold files of {wanted}, got {got}")


def _contents(file: Path) -> str:
    """Say what a file is that no format knows."""
    if file.name.startswith("."):
        return "a hidden file, whose name begins with a dot; rename it"
    if file.name.upper() == "DICOMDIR":
        return "the list of a disk's DICOM files; give the folder that it lies in"
    if file.suffix.lower() not in HDF5_SUFFIXES:
        return f"a file that ends in {file.suffix}" if file.suffix else "a file without an ending"
    return f"an HDF5 file with {', '.join(sorted(open_hdf5(file))[:_SHOWN]) or 'nothing in it'}"
