"""DICOM: a file, or a folder with one or more series of CT or MR images."""

import importlib
from pathlib import Path

from recon.clinical.dicom.finding import dicom_files
from recon.clinical.formats.files import MADE, LeftOutError
from recon.clinical.sources import Source
from recon.errors import ConfigError


def sources(path: Path) -> list[Source]:
    """Give the volumes of a DICOM file, or of those that lie directly in a folder; none where there is no such file."""
    if not path.exists() or not dicom_files(path):
        return []
    try:
        found = importlib.import_module("recon.clinical.dicom.source")
    except ModuleNotFoundError as error:
        raise ConfigError(f"DICOM needs pydicom, got: {error}; pip install '.[clinical]' in recon's folder") from error
    volumes: list[Source] = found.dicom_sources(path)
    measured = [volume for volume in volumes if not getattr(volume, "own", False)]
    if volumes and not measured:
        raise LeftOutError(MADE)
    return measured
