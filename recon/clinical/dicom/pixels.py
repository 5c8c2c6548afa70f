"""Stored values of a file, their padding, and how intensities are stored again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileDataset

from recon.clinical.dicom.headers import Header, read_file
from recon.clinical.dicom.quiet import quiet
from recon.errors import DataError

Integers: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]

_OUTSIDE = {"ct": -1000.0, "mri": 0.0}  # what padding is read as: air, and no signal


@dataclass(frozen=True, slots=True)
class Coding:
    """How values are stored: their bits and sign, and by which factor the steps are wider than the source's."""

    bits: int
    signed: bool
    coarser: int = 1

    @property
    def range(self) -> tuple[int, int]:
        """Give the least and the largest value that can be stored."""
        return (-(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1) if self.signed else (0, (1 << self.bits) - 1)

    def holds(self, least: int, most: int) -> bool:
        """Tell whether values fit."""
        low, high = self.range
        return low <= least and most <= high


def stored_values(header: Header) -> Integers:
    """Decode the stored values (frames, rows, columns) of a file."""
    dataset = read_file(header.file, pixels=True)
    if "PixelData" not in dataset:
        raise DataError(f"{header.file} must hold pixels (Pixel Data), got a header alone; export it again")
    try:
        with quiet():
            values = np.asarray(dataset.pixel_array)
    except Exception as error:  # of many kinds, by decoder, whose texts quote the file
        raise DataError(
            f"{header.file} must have pixels that can be decoded, got ones that are truncated, encrypted or in an "
            f"encoding without a decoder ({syntax_name(dataset)}: {type(error).__name__}); copy "
            f"it again, or decompress it first"
        ) from None
    values = values.reshape(-1, *values.shape[-2:]).astype(np.int64)
    wanted = (int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns))
    if values.shape != wanted:
        raise DataError(
            f"{header.file} must hold {wanted} pixels, as its header says, got {values.shape}; copy it again"
        )
    return values  # without what old files keep in the bits above: pydicom clears them


def syntax_name(dataset: FileDataset) -> str:
    """Name how pixels are encoded, if DICOM knows it; what else is in that element is not repeated."""
    uid = dataset.file_meta.TransferSyntaxUID
    return uid.name if uid.name != uid else "an unknown encoding"


def padding_range(dataset: Dataset) -> tuple[int, int] | None:
    """Give the least and the largest stored value that mean "no image here", or None."""
    first = dataset.get("PixelPaddingValue")
    if not isinstance(first, int):
        return None
    last = dataset.get("PixelPaddingRangeLimit")
    ends = [_signed(dataset, value) for value in (first, last if isinstance(last, int) else first)]
    return min(ends), max(ends)


def intensities_of(values: Integers, header: Header, slope: float, intercept: float) -> tuple[Floats, Mask]:
    """Give a plane's intensities, and where it is padding, which is read as air or as no signal."""
    intensities = slope * values.astype(np.float64) + intercept
    ends = padding_range(header.dataset)
    padding = np.zeros(values.shape, np.bool_) if ends is None else (values >= ends[0]) & (values <= ends[1])
    intensities[padding] = _OUTSIDE[header.modality]
    return intensities.astype(np.float32), padding


def coding_for(stored: Sequence[Integers], header: Header) -> Coding:
    """Choose how a volume is stored: as the source, else in 16 bits, else signed, else in coarser steps."""
    least, most = min(int(values.min()) for values in stored), max(int(values.max()) for values in stored)
    dataset = header.dataset
    signed = bool(dataset.PixelRepresentation)
    for coding in (Coding(int(dataset.BitsStored), signed), Coding(16, signed), Coding(16, not signed)):
        if coding.holds(least, most):
            return coding
    width = max(most, -least - 1)
    return Coding(16, True, coarser=-(-(width + 1) // (1 << 15)) + 1)  # one more: rounding must not leave the range


def steps(intensities: Doubles, slope: float, intercept: float) -> Integers:
    """Give the nearest stored values, without a bound."""
    return np.rint((intensities - intercept) / slope).astype(np.int64)


def with_padding(
    values: Integers,
    padding: Mask,
    source: Integers,
    ends: tuple[int, int],
) -> Integers:
    """Put the source's padding back where it was, and move what would be taken for padding next to it."""
    taken = ~padding & (values >= ends[0]) & (values <= ends[1])
    beside = ends[1] + 1
    return np.where(padding, source, np.where(taken, beside, values))


def _signed(dataset: Dataset, value: int) -> int:
    """Undo that a signed value was kept as an unsigned one, as many files do."""
    return value - (1 << 16) if dataset.PixelRepresentation and value >= 1 << 15 else value
