"""Writes a volume that was reconstructed as a new series, in a folder that appears when it is whole."""

from collections.abc import Sequence
from pathlib import Path

from pydicom.uid import UID
from torch import Tensor

from recon.clinical.dicom.coded import CodedFile, coded, put_pixels
from recon.clinical.dicom.derived import derived
from recon.clinical.dicom.headers import whole_number
from recon.clinical.dicom.pixels import Coding
from recon.clinical.dicom.planes import Plane
from recon.clinical.dicom.quiet import quiet
from recon.clinical.dicom.uids import uid_of
from recon.clinical.identity import Identity
from recon.errors import DataError, ShapeError
from recon.files import folder_written_whole


def write_series(planes: Sequence[Plane], images: Tensor, identity: Identity, target: Path) -> None:
    """Write intensities (N, 1, H, W), one for each plane, as a series of the source's class into a new folder."""
    header = planes[0].header
    wanted = (len(planes), 1, int(header.dataset.Rows), int(header.dataset.Columns))
    if tuple(images.shape) != wanted:
        raise ShapeError(
            f"images must be {wanted}, as the series is, got {tuple(images.shape)}; give one for each slice"
        )
    if not bool(images.isfinite().all()):
        raise DataError("images must be finite to be stored in DICOM, got NaN or infinity; look at the model")
    coding, files = coded(planes, images)
    marks = [_mark(file, coding, identity) for file in files]
    series = uid_of("series", str(header.dataset.SeriesInstanceUID), *marks)
    uids = [uid_of("image", series, mark) for mark in marks]  # an image is in one series, whatever it looks like
    _require_replaceable(target)
    with folder_written_whole(target) as folder, quiet():
        for file, uid, number in zip(files, uids, _numbers(files), strict=True):
            try:
                dataset = derived(file.header, file.planes, identity, uid=uid, series=series)
                put_pixels(dataset, file, coding)
                dataset.InstanceNumber = number
                dataset.save_as(folder / f"{number:05d}.dcm", enforce_file_format=True)
            except (ValueError, TypeError, AttributeError, KeyError, NotImplementedError) as error:
                raise DataError(
                    f"{file.header.file} must have a header that can be written again, got one with values that DICOM "
                    f"does not have ({type(error).__name__}); export it again"
                ) from None  # whose text quotes the value


def _mark(file: CodedFile, coding: Coding, identity: Identity) -> UID:
    """Give what tells one file's result from all others: it follows from the source, the model and stored values."""
    source, frames = str(file.header.dataset.SOPInstanceUID), [plane.frame for plane in file.planes]
    return uid_of("image", source, identity.text, f"{coding} {frames}", file.values.tobytes())


def _require_replaceable(target: Path) -> None:
    """Refuse a place that holds anything but a DICOM series, which is replaced."""
    if target.is_dir():
        others = [file.name for file in target.iterdir() if file.suffix != ".dcm" or not file.is_file()]
    else:
        others = [target.name] if target.exists() else []
    if others:
        raise DataError(
            f"{target} must be a new folder, or one that holds a DICOM series alone, got one with {others[0]}; choose "
            f"another"
        )


def _numbers(files: Sequence[CodedFile]) -> list[int]:
    """Give each file's instance number: the source's where those are whole, else the order along the normal."""
    found = [whole_number(file.header.dataset, "InstanceNumber") for file in files]
    numbers = [number for number in found if number is not None and number >= 0]
    return numbers if len(set(numbers)) == len(files) else [*range(1, len(files) + 1)]
