"""Sorts planes into volumes: by series, then along the normal; what does not belong together is refused."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from recon.clinical.dicom.headers import Header
from recon.clinical.dicom.planes import Plane, planes_of
from recon.errors import DataError

UNEVEN = 0.05  # of a step between slices: positions are stored rounded, and a missing slice makes a step twice as long
_SAME_PLACE = 1e-3  # mm
_SAME_DIRECTION = 1e-3
_SHARED = (
    *("Modality", "SOPClassUID", "StudyInstanceUID", "PatientID", "FrameOfReferenceUID"),
    *("Rows", "Columns", "PixelRepresentation", "BitsAllocated", "BitsStored", "PhotometricInterpretation"),
)
_APART = (  # what tells images at one place apart, in the order in which it is tried
    *(
        "EchoNumbers",
        "TemporalPositionIdentifier",
        "TemporalPositionIndex",
        "AcquisitionNumber",
        "EchoTime",
        "EffectiveEchoTime",
        "DiffusionBValue",
        "TriggerTime",
    ),
    *("InversionTime", "ImageType", "AcquisitionTime"),
)


def volumes_of(headers: Sequence[Header], place: Path) -> list[list[Plane]]:
    """Give the volumes of files: each a series' planes from first to last along their normal.

    A series with several images at each place (echoes, times) is several volumes. `place` is what errors call it.
    """
    series: dict[str, list[Header]] = {}
    for header in headers:
        key = str(header.dataset.SeriesInstanceUID)
        key += f" {header.dataset.SOPInstanceUID}" if header.enhanced else ""  # one file is all of it
        series.setdefault(key, []).append(header)
    volumes = []
    for members in series.values():
        _require_one_kind(members, place)
        planes = [plane for header in members for plane in planes_of(header)]
        _require_one_orientation(planes, place)
        volumes += [ordered(volume, place) for volume in _apart(planes, place)]
    return volumes


def ordered(planes: Sequence[Plane], place: Path) -> list[Plane]:
    """Sort planes by their position along the normal, and refuse uneven steps."""
    normal = planes[0].normal
    found = sorted(planes, key=lambda plane: float(np.array(plane.position) @ normal))
    if len(found) > 2:
        steps = np.diff(np.array([plane.position for plane in found]), axis=0)
        usual = np.median(steps, axis=0)
        wrong = np.linalg.norm(steps - usual, axis=1) > UNEVEN * np.linalg.norm(usual)
        if wrong.any():
            first = int(wrong.argmax())
            raise DataError(
                f"{place} must hold slices at even distances, got {np.linalg.norm(steps[first]):.3g} mm between "
                f"{found[first].number} and {found[first + 1].number} where {np.linalg.norm(usual):.3g} mm are usual; "
                f"add the slice that is missing, or give the series in parts"
            )
    return found


def _require_one_kind(headers: Sequence[Header], place: Path) -> None:
    """Refuse a series whose files do not belong together."""
    if len({str(header.dataset.SOPInstanceUID) for header in headers}) < len(headers):
        raise DataError(
            f"{place} must hold each image once, got a file twice (one SOP Instance UID); remove the copies"
        )
    mixed = [name for name in _SHARED if len({str(header.dataset.get(name)) for header in headers}) > 1]
    if mixed:
        sizes = sorted({f"{header.dataset.Rows} x {header.dataset.Columns}" for header in headers})
        raise DataError(
            f"{place} must hold series of images that belong together, got a series with more than one "
            f"{', '.join(mixed)} (sizes {', '.join(sizes)}); give each part in a folder of its own"
        )


def _require_one_orientation(planes: Sequence[Plane], place: Path) -> None:
    first = planes[0]
    for plane in planes:
        turned = np.abs(np.subtract((*plane.along_row, *plane.along_column), (*first.along_row, *first.along_column)))
        if turned.max() > _SAME_DIRECTION:
            raise DataError(
                f"{place} must hold slices that are parallel, got {first.number} and {plane.number} in different "
                f"orientations (a localiser among the slices?); give each orientation in a folder of its own"
            )
        if not np.allclose(plane.spacing, first.spacing, rtol=1e-3):
            raise DataError(
                f"{place} must hold slices of one pixel spacing, got {first.spacing} and {plane.spacing} mm; give each "
                f"in a folder of its own"
            )


def _apart(planes: Sequence[Plane], place: Path) -> list[list[Plane]]:
    """Part planes that lie at the same place, by the first element that tells them apart."""
    if _places_differ(planes):
        return [list(planes)]
    alone: list[Callable[[Plane], str]] = [lambda plane, name=name: _word(plane, name) for name in _APART]  # type: ignore[misc]
    for key in (*alone, lambda plane: str([_word(plane, name) for name in _APART])):
        parts: dict[str, list[Plane]] = {}
        for plane in planes:
            parts.setdefault(key(plane), []).append(plane)
        if len(parts) > 1 and all(map(_places_differ, parts.values())):
            return list(parts.values())
    raise DataError(
        f"{place} must hold one image at each place, or images that an echo, time or acquisition number tells apart, "
        f"got several at one place; give each volume in a folder of its own"
    )


def _word(plane: Plane, name: str) -> str:
    """Give an element of a plane, also from the functional groups of its frame."""
    dataset = plane.header.dataset
    if not plane.header.enhanced:
        return str(dataset.get(name))
    frame = dataset.PerFrameFunctionalGroupsSequence[plane.frame]
    values = [str(element.value) for element in frame.iterall() if element.keyword == name]
    return str(values or dataset.get(name))


def _places_differ(planes: Sequence[Plane]) -> bool:
    normal = planes[0].normal
    along = np.sort(np.array([plane.position for plane in planes]) @ normal)
    return bool((np.diff(along) > _SAME_PLACE).all())
