"""The planes that files hold: where each lies in the patient, and how its stored values become intensities."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from recon.clinical.dicom.headers import Header, require_tags
from recon.errors import DataError

_HU = ("HU", "US", "")  # rescale types of CT that mean Hounsfield units; US is "unspecified"
_Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Plane:
    """One slice: a file's image, or a frame of it.

    Args:
        header: of its file.
        frame: its number in the file, from 0.
        position: of the centre of the first pixel, in mm in the patient's system.
        along_row: the direction in which column numbers grow.
        along_column: the direction in which row numbers grow.
        spacing: between rows, and between columns, in mm.
        slope: intensity = slope * stored value + intercept.
        intercept: see slope.
    """

    header: Header
    frame: int
    position: _Vector
    along_row: _Vector
    along_column: _Vector
    spacing: tuple[float, float]
    slope: float
    intercept: float

    @property
    def normal(self) -> npt.NDArray[np.float64]:
        """Give the direction in which slices are sorted."""
        return np.cross(np.array(self.along_row), np.array(self.along_column))

    @property
    def number(self) -> str:
        """What messages call it."""
        return f"frame {self.frame + 1}" if self.header.enhanced else self.header.file.name


def planes_of(header: Header) -> list[Plane]:
    """Give the planes of a file: one, or as many as it has frames."""
    if not header.enhanced:
        return [_plane(header, 0, header.dataset, header.dataset, header.dataset, header.dataset)]
    per_frame = header.dataset.PerFrameFunctionalGroupsSequence
    if len(per_frame) != int(header.dataset.NumberOfFrames):
        raise DataError(
            f"{header.file} must describe each of its {int(header.dataset.NumberOfFrames)} frames, got "
            f"{len(per_frame)} descriptions; export it again"
        )
    return [_frame(header, number) for number in range(len(per_frame))]


def functional_group(header: Header, frame: int, name: str) -> Dataset | None:
    """Give a frame's functional group: its own, or the one that all frames share."""
    return next((group[0] for group in groups(header.dataset, name, [frame])), None)


def groups(dataset: Dataset, name: str, frames: list[int]) -> Iterator[list[Dataset]]:
    """Give the sequences of one functional group of the frames, and the shared one last."""
    holders = [dataset.PerFrameFunctionalGroupsSequence[frame] for frame in frames]
    holders += list(dataset.SharedFunctionalGroupsSequence)
    yield from (holder[name].value for holder in holders if holder.get(name))


def _frame(header: Header, frame: int) -> Plane:
    where = f" (frame {frame + 1})"
    found = {
        name: functional_group(header, frame, name) or Dataset()
        for name in (
            "PlanePositionSequence",
            "PlaneOrientationSequence",
            "PixelMeasuresSequence",
            "PixelValueTransformationSequence",
        )
    }
    position, orientation, measures, values = found.values()
    require_tags(position, ("ImagePositionPatient",), header.file, where=where)
    require_tags(orientation, ("ImageOrientationPatient",), header.file, where=where)
    require_tags(measures, ("PixelSpacing",), header.file, where=where)
    if header.modality == "ct":
        require_tags(values, ("RescaleSlope", "RescaleIntercept"), header.file, where=where)
    return _plane(header, frame, position, orientation, measures, values)


def _plane(
    header: Header, frame: int, position: Dataset, orientation: Dataset, measures: Dataset, values: Dataset
) -> Plane:
    place = _numbers(header, position, "ImagePositionPatient", 3)
    axes = _numbers(header, orientation, "ImageOrientationPatient", 6)
    spacing = _numbers(header, measures, "PixelSpacing", 2)
    slope, intercept = (
        _numbers(header, values, name, 1)[0] if values.get(name) not in (None, "") else default
        for name, default in (("RescaleSlope", 1.0), ("RescaleIntercept", 0.0))
    )
    if slope == 0 or min(spacing) <= 0:
        raise DataError(
            f"{header.file} must have a rescale slope that is not 0 and a pixel spacing above 0, got "
            f"{slope:g} and {spacing[0]:g}, {spacing[1]:g}; export it again"
        )
    along_row, along_column = np.array(axes[:3]), np.array(axes[3:])
    lengths = np.linalg.norm(along_row), np.linalg.norm(along_column)
    if not np.allclose(lengths, 1, atol=1e-2) or abs(along_row @ along_column) > 1e-2:
        raise DataError(
            f"{header.file} must have two unit vectors at a right angle as Image Orientation (Patient), got others; "
            f"export it again"
        )
    if header.modality == "ct" and str(values.get("RescaleType") or "").upper() not in _HU:
        raise DataError(
            f"{header.file} must be in Hounsfield units (Rescale Type HU), got another quantity; give CT images"
        )
    return Plane(
        header,
        frame,
        position=(place[0], place[1], place[2]),
        along_row=(axes[0], axes[1], axes[2]),
        along_column=(axes[3], axes[4], axes[5]),
        spacing=(spacing[0], spacing[1]),
        slope=slope,
        intercept=intercept,
    )


def _numbers(header: Header, dataset: Dataset, name: str, count: int) -> list[float]:
    try:
        value = dataset[name].value
        numbers = [float(number) for number in ([value] if count == 1 else value)]
    except (TypeError, ValueError, OverflowError):
        numbers = []
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise DataError(
            f"{header.file} must have {count} finite number{'s' if count > 1 else ''} as {name}, got something else; "
            f"export it again"
        )
    return numbers
