"""A DICOM series as what is reconstructed."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from recon.clinical.dicom.derived import source_images
from recon.clinical.dicom.finding import dicom_files
from recon.clinical.dicom.headers import Header, read_file, read_header, series_of
from recon.clinical.dicom.pixels import Integers, intensities_of, stored_values
from recon.clinical.dicom.planes import Plane
from recon.clinical.dicom.series import volumes_of
from recon.clinical.dicom.wording import processing_in
from recon.clinical.dicom.writing import write_series
from recon.clinical.identity import Identity
from recon.clinical.sources import Made, Source
from recon.clinical.words import MAKER
from recon.errors import DataError


class DicomSource(Source):
    """A volume of a series: slices from first to last along their normal, in HU or as magnitudes."""

    format: ClassVar[str] = "dicom"
    suffix: ClassVar[str] = ""

    def __init__(self, path: Path, planes: Sequence[Plane], *, part: str = "") -> None:
        """Keep the planes; `part` tells volumes of one folder apart."""
        super().__init__(path, modality=planes[0].header.modality, slices=len(planes))
        self.planes, self.part = list(planes), part

    @property
    def name(self) -> str:
        """What messages call it: the file's or folder's name, and a number where that holds several volumes."""
        return f"{self.path.name}{self.part}"

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        dataset = self.planes[0].header.dataset
        return int(dataset.Rows), int(dataset.Columns)

    @property
    def own(self) -> bool:
        """Whether it is a result of recon."""
        return str(self.planes[0].header.dataset.get("Manufacturer")) == MAKER

    def made_with(self, target: Path) -> Made:
        """Read it in the first file of the series: a result's device is its network."""
        for file in dicom_files(target):
            dataset = read_file(file, pixels=False)
            if str(dataset.get("Manufacturer")) == MAKER:
                return Made(str(dataset.get("DeviceSerialNumber") or ""), processing_in(dataset))
        return Made()

    def is_source_of(self, target: Path) -> bool:
        """Compare the images that the result references: another series in the folder changes which has which name."""
        found = {uid for file in dicom_files(target) for uid in source_images(read_file(file, pixels=False))}
        return found == {str(plane.header.dataset.SOPInstanceUID) for plane in self.planes}

    def read(self) -> Tensor:
        """Read the slices (N, 1, H, W): stored value * slope + intercept; padding is air, or no signal."""
        held: dict[Path, Integers] = {}
        images = []
        for plane in self.planes:
            file = plane.header.file
            if file not in held:
                held = {file: stored_values(plane.header)}  # of one file at a time
            image, _ = intensities_of(held[file][plane.frame], plane.header, plane.slope, plane.intercept)
            images.append(image)
        return torch.from_numpy(np.stack(images))[:, None]

    def write(self, images: Tensor, identity: Identity, target: Path) -> None:
        """Write a derived series into a new folder, whole or not at all."""
        write_series(self.planes, images, identity, target)


class RefusedSeries(Source):
    """A series that lies beside good ones and cannot be reconstructed: reading it says why."""

    format: ClassVar[str] = "dicom"
    suffix: ClassVar[str] = ""

    def __init__(self, path: Path, reason: DataError) -> None:
        """Keep the reason."""
        super().__init__(path, modality=None, slices=0)
        self.reason = reason

    def read(self) -> Tensor:
        """Say why it is refused."""
        raise self.reason

    def write(self, images: Tensor, identity: Identity, target: Path) -> None:
        """There is nothing to write."""
        raise self.reason


def dicom_sources(path: Path) -> list[DicomSource | RefusedSeries]:
    """Give the volumes that a DICOM file is, or that the files directly in a folder are.

    A series that is refused does not take others with it. Where there is no other, and where it cannot be known to
    which series a broken file belongs, that is an error.
    """
    headers, refused = _read(path)
    series: dict[str, list[Header]] = {}
    for header in headers:
        series.setdefault(str(header.dataset.SeriesInstanceUID), []).append(header)
    volumes: list[list[Plane]] = []
    for uid, members in series.items():
        if uid in refused:
            continue
        try:
            volumes += volumes_of(members, path)
        except DataError as error:
            refused[uid] = error
    if refused and not volumes:
        raise next(iter(refused.values()))
    parts = [f"-{number}" for number in range(1, len(volumes) + 1)] if len(volumes) > 1 else [""]
    good = [DicomSource(path, planes, part=part) for planes, part in zip(volumes, parts, strict=True)]
    return [*good, *(RefusedSeries(path, reason) for reason in refused.values())]


def _read(path: Path) -> tuple[list[Header], dict[str, DataError]]:
    """Read all headers; and the first reason why a series is refused, by its UID."""
    headers, refused = [], dict[str, DataError]()
    for file in dicom_files(path):
        try:
            headers.append(read_header(file))
        except DataError as error:
            uid = series_of(file)
            if uid is None:
                raise
            refused.setdefault(uid, error)
    return headers, refused
