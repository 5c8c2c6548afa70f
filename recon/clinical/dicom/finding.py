"""Finds DICOM files by what is in them. Needs no library, so that other formats' folders cost nothing."""

import re
from pathlib import Path

from recon.errors import DataError

_SUFFIXES = (".dcm", ".dicom", ".ima")
_PREAMBLE = 128
_ENVELOPED = bytes.fromhex("2a864886f70d0107")  # PKCS #7, in which PS3.15 wraps a file that is encrypted
_DIRECTORY = re.compile(rb"1\.2\.840\.10008\.1\.3\.10(?![\d.])")  # a DICOMDIR lists the files of a disk


def dicom_files(path: Path) -> list[Path]:
    """Give a file if it is a DICOM file, or those that lie directly in a folder, in the order of their names.

    What is called .dcm and does not begin as a DICOM file is left to who reads it, as old files have no preamble.
    """
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file for file in files if file.is_file() and not file.name.startswith(".") and _is_dicom(file)]


def _is_dicom(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            start = opened.read(1024)
    except OSError as error:
        if file.suffix.lower() in _SUFFIXES:
            raise DataError(f"{file} cannot be read ({error.strerror}); check its permissions") from None
        return False
    named = file.suffix.lower() in _SUFFIXES
    if start[_PREAMBLE : _PREAMBLE + 4] == b"DICM":
        return _DIRECTORY.search(start) is None
    if named and _ENVELOPED in start[:64]:
        raise DataError(f"{file} must be a DICOM file that can be read, got an encrypted one; decrypt it first")
    if named and not start:
        raise DataError(f"{file} must be a DICOM file, got an empty one; copy it again")
    return named
