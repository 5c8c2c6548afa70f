"""Turns reconstructed intensities into stored values, in the source's own steps as far as they fit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.valuerep import format_number_as_ds
from torch import Tensor

from recon.clinical.dicom.headers import Header
from recon.clinical.dicom.pixels import (
    Coding,
    Integers,
    Mask,
    coding_for,
    padding_range,
    steps,
    stored_values,
    with_padding,
)
from recon.clinical.dicom.planes import Plane


@dataclass(frozen=True, slots=True)
class CodedFile:
    """What becomes one file: its planes, in the order of its frames, and their stored values."""

    planes: list[Plane]
    values: Integers

    @property
    def header(self) -> Header:
        """That of the file that it was made from."""
        return self.planes[0].header


def coded(planes: Sequence[Plane], images: Tensor) -> tuple[Coding, list[CodedFile]]:
    """Give how images (N, 1, H, W) are stored, and the files that they become: one for each file of the source.

    Padding stays padding: what lay outside the image is not the network's to fill.
    """
    files: dict[object, list[tuple[Plane, Integers]]] = {}
    for plane, image in zip(planes, images, strict=True):
        values = steps(image[0].double().numpy(), plane.slope, plane.intercept)
        files.setdefault(plane.header.file, []).append((plane, values))
    parts = [sorted(members, key=lambda member: member[0].frame) for members in files.values()]
    plain = [CodedFile([plane for plane, _ in part], np.stack([values for _, values in part])) for part in parts]
    padded = [_with_padding(file) for file in plain]
    coding = coding_for([file.values for file in padded], planes[0].header)
    if coding.coarser == 1:
        return coding, padded
    return coding, [CodedFile(file.planes, np.rint(file.values / coding.coarser).astype(np.int64)) for file in plain]


def put_pixels(dataset: Dataset, file: CodedFile, coding: Coding) -> None:
    """Put stored values into a header, with what says how they are stored."""
    narrow = coding.bits <= 8 and file.header.dataset.BitsAllocated == 8
    kind = f"{'i' if coding.signed else 'u'}{1 if narrow else 2}"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 if narrow else 16, coding.bits, coding.bits - 1
    dataset.PixelRepresentation = int(coding.signed)
    _put_padding(dataset, file.header, coding)
    if coding.coarser > 1:
        _put_slopes(dataset, file, coding)
    values = file.values.astype(f"<{kind}").tobytes()
    dataset.add(DataElement(0x7FE00010, "OB" if narrow else "OW", values + b"\0" * (len(values) % 2)))


def _with_padding(file: CodedFile) -> CodedFile:
    ends = padding_range(file.header.dataset)
    if ends is None:
        return file
    frames = [plane.frame for plane in file.planes]
    source = stored_values(file.header)[frames]
    padding: Mask = (source >= ends[0]) & (source <= ends[1])
    return CodedFile(file.planes, with_padding(file.values, padding, source, ends))


def _put_padding(dataset: Dataset, header: Header, coding: Coding) -> None:
    """Keep the padding's value where it still is one; its kind of number follows that of the pixels."""
    ends = padding_range(header.dataset)
    names = ("PixelPaddingValue", "PixelPaddingRangeLimit")
    found = {name: header.dataset.get(name) for name in names if isinstance(header.dataset.get(name), int)}
    for name in names:
        if name in dataset:
            del dataset[name]
    if ends is None or coding.coarser > 1 or not coding.holds(*ends):
        return
    for name, value in found.items():
        signed = value - (1 << 16) if header.dataset.PixelRepresentation and value >= 1 << 15 else value
        dataset.add(DataElement(name, "SS" if coding.signed else "US", signed))


def _put_slopes(dataset: Dataset, file: CodedFile, coding: Coding) -> None:
    """Write the slopes of wider steps; what mapped the old stored values to other quantities goes."""
    holders: list[tuple[Dataset, Plane]] = [(dataset, file.planes[0])]
    if file.header.enhanced:
        shared = dataset.SharedFunctionalGroupsSequence[0]
        for name in ("PixelValueTransformationSequence", "RealWorldValueMappingSequence"):
            if name in shared:
                del shared[name]
        holders = list(zip([Dataset() for _ in file.planes], file.planes, strict=True))
        for (item, _), frame in zip(holders, dataset.PerFrameFunctionalGroupsSequence, strict=True):
            frame.PixelValueTransformationSequence = [item]
            if "RealWorldValueMappingSequence" in frame:
                del frame["RealWorldValueMappingSequence"]
    elif "RealWorldValueMappingSequence" in dataset:
        del dataset["RealWorldValueMappingSequence"]
    for item, plane in holders:
        item.RescaleSlope = format_number_as_ds(plane.slope * coding.coarser)
        item.RescaleIntercept = format_number_as_ds(plane.intercept)
        item.RescaleType = "HU" if file.header.modality == "ct" else "US"
