"""Models that are known to the pixel, and files of pydicom's wheel."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import torch
from pydicom.data import get_testdata_file
from torch import Tensor

from recon.clinical.dicom.source import DicomSource, dicom_sources
from recon.clinical.identity import Identity, scaling_of
from recon.clinical.models import ClinicalModel, Opening, Pad

WEIGHTS = "0123456789abcdef" * 4
WHEEL = Path(str(get_testdata_file("CT_small.dcm"))).parent
DISK = WHEEL / "dicomdirtests"  # real series, of 16 x 16 pixels
REAL = (  # the CT and MR files of pydicom's wheel that are whole
    *("CT_small", "693_J2KI", "J2K_pixelrep_mismatch", "examples_overlay", "MR_small", "MR_small_RLE"),
    *("MR_small_bigendian", "MR_small_expb", "MR_small_implicit", "MR_small_jp2klossless"),
    *("MR_small_jpeg_ls_lossless", "MR_small_padded"),
)


def identity(modality: str = "ct", *, variant: str = "aps-tri-3", version: str = "0.1.0") -> Identity:
    """Give what a model says of itself that was trained on synthetic data."""
    return Identity(
        network="UNet",
        variant=variant,
        modality=modality,  # type: ignore[arg-type]
        weights=WEIGHTS,
        multiple=4,
        scaling=scaling_of(modality, {}),
        training={"data": {"synthetic": True}},
        recon=version,
    )


def model(
    modality: str = "ct", function: Callable[[Tensor], Tensor] = lambda images: images, *, pad: Pad = "reflect"
) -> ClinicalModel:
    """Give a model that does what a function does to scaled images; nothing, if it is not told."""
    return ClinicalModel(
        identity(modality), function, file=None, runtime="Python", module=None, opening=Opening(pad=pad)
    )


def expected(values: npt.NDArray[np.int64], slope: float, intercept: float) -> Tensor:
    """Give what a volume of stored values is read as."""
    return torch.from_numpy(values * slope + intercept).float()[:, None]


def only(path: Path) -> DicomSource:
    """Give the only volume of a file or folder."""
    (found,) = dicom_sources(path)
    assert isinstance(found, DicomSource)
    return found


def written(source: DicomSource, target: Path, images: Tensor | None = None) -> list[pydicom.FileDataset]:
    """Write a volume, as it was read if no images are given, and read what was written, by instance number."""
    assert source.modality is not None
    source.write(source.read() if images is None else images, identity(source.modality), target)
    found = [pydicom.dcmread(file) for file in sorted(target.iterdir())]
    return sorted(found, key=lambda dataset: int(dataset.InstanceNumber))


def slices_of(dataset: pydicom.Dataset) -> npt.NDArray[np.float64]:
    """Give stored values * slope + intercept, computed here from the elements alone."""
    values = dataset.pixel_array.astype(np.float64)
    return values * float(dataset.get("RescaleSlope", 1)) + float(dataset.get("RescaleIntercept", 0))
