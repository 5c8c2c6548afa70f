"""Reads the header of a DICOM file, and says what it lacks; values of a patient's never reach a message."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.datadict import dictionary_description, dictionary_has_tag, dictionary_VM
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    ImplicitVRLittleEndian,
    MRImageStorage,
    UncompressedTransferSyntaxes,
)

from recon.clinical.dicom.quiet import quiet
from recon.clinical.identity import Modality
from recon.errors import DataError

CLASSES: dict[UID, Modality] = {
    CTImageStorage: "ct",
    EnhancedCTImageStorage: "ct",
    MRImageStorage: "mri",
    EnhancedMRImageStorage: "mri",
}
MOST_PIXELS = 1 << 30  # in all frames of a compressed file: a few bytes can say more than the memory holds
ENHANCED = (EnhancedCTImageStorage, EnhancedMRImageStorage)
_NEEDED = (
    *("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns", "SamplesPerPixel"),
    *("PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
)
_PLANE = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
_RESCALE = ("RescaleSlope", "RescaleIntercept")
_FRAMES = ("NumberOfFrames", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_ONE = ("IS", "UI", "US")  # kinds of which a list, where DICOM has one value, is as good as none
_NOT_MAGNITUDES = {"P", "R", "I", "PHASE", "PHASE MAP", "REAL", "IMAGINARY", "VELOCITY", "VELOCITY MAP"}


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of its image, without the pixels."""

    file: Path
    dataset: FileDataset
    modality: Modality

    @property
    def enhanced(self) -> bool:
        """Whether one file holds all frames."""
        return self.dataset.SOPClassUID in ENHANCED


def read_header(file: Path) -> Header:
    """Read what is before the pixels of a CT or MR image, and check that the image can be reconstructed."""
    dataset = read_file(file, pixels=False)
    uid = dataset.get("SOPClassUID")
    if uid not in CLASSES:
        raise DataError(
            f"{file} must be a CT or MR image (CT, MR, Enhanced CT or Enhanced MR Image Storage), got "
            f"{_class_name(uid)}; take it out of the folder"
        )
    header = Header(file, dataset, CLASSES[uid])
    require_tags(dataset, (*_NEEDED, *(_FRAMES if header.enhanced else _PLANE)), file)
    if not header.enhanced and header.modality == "ct":
        require_tags(dataset, _RESCALE, file)
    if not header.enhanced and int(dataset.get("NumberOfFrames") or 1) > 1:
        raise DataError(
            f"{file} must hold one frame (or be an Enhanced CT or MR image, which says where each frame lies), got "
            f"{int(dataset.NumberOfFrames)}; export the slices one by one"
        )
    _require_plain_pixels(dataset, file)
    _require_memory(dataset, file)
    _require_scan(dataset, file)
    return header


def series_of(file: Path) -> str | None:
    """Give the UID of the series that a file belongs to; None where it cannot be read or does not say."""
    try:
        return str(read_file(file, pixels=False).get("SeriesInstanceUID") or "") or None
    except DataError:
        return None


def read_file(file: Path, *, pixels: bool) -> FileDataset:
    """Read a DICOM file, with or without its pixels."""
    try:
        with quiet():
            dataset = pydicom.dcmread(file, force=True, stop_before_pixels=not pixels)
            if "TransferSyntaxUID" not in getattr(dataset, "file_meta", {}):
                dataset.file_meta.TransferSyntaxUID = _guessed_syntax(dataset)
            _decode(dataset)
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror}); check the file") from None
    except Exception as error:  # of many kinds, whose texts quote the file
        raise _broken(file, f"one that is truncated or broken ({type(error).__name__})") from None
    if "SOPClassUID" not in dataset:
        what = "an encrypted one" if "EncryptedAttributesSequence" in dataset else "something else, or an encrypted one"
        raise _broken(file, f"{what} (it does not say what it holds: no SOP Class UID)")
    return dataset


def require_tags(dataset: Dataset, names: Sequence[str], file: Path, *, where: str = "") -> None:
    """Refuse a dataset in which elements are missing or empty, and name them."""
    missing = [dictionary_description(name) for name in names if dataset.get(name) in (None, "", [])]
    if missing:
        raise DataError(
            f"{file} must have {', '.join(missing)}{where}, got none; export the series again from where it was made"
        )


def whole_number(dataset: Dataset, name: str) -> int | None:
    """Give a number that an element holds; None where it is missing, or holds none."""
    try:
        return int(dataset.get(name))
    except (TypeError, ValueError):
        return None


def _decode(dataset: Dataset) -> None:
    """Decode all elements now, where nothing is logged; those that hold what their kind cannot are dropped."""
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
        except Exception:  # of many kinds; if the element is needed, it is missed
            del dataset[tag]
            continue
        if element.VR in _ONE and element.VM > 1 and dictionary_has_tag(tag) and dictionary_VM(tag) == "1":
            del dataset[tag]
        if element.VR == "SQ":
            for item in element.value:
                _decode(item)


def _guessed_syntax(dataset: Dataset) -> UID:
    implicit, little = dataset.original_encoding
    if implicit or implicit is None:
        return ImplicitVRLittleEndian
    return pydicom.uid.ExplicitVRLittleEndian if little else pydicom.uid.ExplicitVRBigEndian


def _class_name(uid: UID | None) -> str:
    """Name a class of images that DICOM knows; what else is in that element is not repeated."""
    name = uid.name if isinstance(uid, UID) else ""  # making a UID of other text warns of it, and quotes it
    return name if name and name != uid else "a class that is not DICOM's"


def _broken(file: Path, got: str) -> DataError:
    return DataError(f"{file} must be a whole DICOM file, got {got}; copy or export it again")


def _require_plain_pixels(dataset: Dataset, file: Path) -> None:
    """Refuse pixels that are no intensities."""
    if dataset.SamplesPerPixel != 1 or dataset.PhotometricInterpretation != "MONOCHROME2":
        inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
        raise DataError(
            f"{file} must hold grey values whose largest is white (MONOCHROME2), got "
            f"{'inverted ones (MONOCHROME1)' if inverted else 'colours'}; give the images that were scanned"
        )
    bits = dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit
    if bits[0] not in (8, 16) or not 1 <= bits[1] <= bits[0] or bits[2] != bits[1] - 1:
        raise DataError(
            f"{file} must have 8 or 16 bits for a pixel (Bits Allocated), with High Bit one below Bits Stored, "
            f"got {bits[0]}, {bits[2]} and {bits[1]}; export it again"
        )
    if "ModalityLUTSequence" in dataset:
        raise DataError(f"{file} must have a rescale slope and intercept, got a modality LUT; export it without one")
    if str(dataset.get("BurnedInAnnotation", "")).upper() == "YES":
        raise DataError(
            f"{file} must hold an image alone, got one with text burned into its pixels (Burned In Annotation), which "
            f"would be reconstructed as if it were anatomy; give the images that were scanned"
        )


def _require_memory(dataset: Dataset, file: Path) -> None:
    """Refuse what would not fit when it is decoded; how long uncompressed pixels must be is looked at by pydicom."""
    frames, rows, columns = int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns)
    compressed = dataset.file_meta.TransferSyntaxUID not in UncompressedTransferSyntaxes
    if compressed and frames * rows * columns > MOST_PIXELS:
        raise DataError(
            f"{file} must hold at most {MOST_PIXELS} pixels, as it is compressed and takes 8 bytes for each when it is "
            f"decoded, got {frames} of {rows} x {columns}; export it in parts"
        )


def _require_scan(dataset: Dataset, file: Path) -> None:
    """Refuse localisers, and what is neither HU nor a magnitude."""
    told = dataset.get("ImageType") or ()
    kinds = {str(word).strip().upper() for word in ((told,) if isinstance(told, str) else told)}
    if "LOCALIZER" in kinds:
        raise DataError(
            f"{file} must be a slice, got a localiser (scout; Image Type LOCALIZER); move localisers out of the folder"
        )
    modality = CLASSES[dataset.SOPClassUID]
    complex_part = str(dataset.get("ComplexImageComponent", "MAGNITUDE") or "MAGNITUDE").upper()
    if modality == "mri" and (kinds & _NOT_MAGNITUDES or complex_part != "MAGNITUDE"):
        raise DataError(
            f"{file} must be a magnitude image, got a phase, real or imaginary part; give the magnitudes alone"
        )
    if modality == "ct" and str(dataset.get("RescaleType", "HU") or "HU").upper() not in ("HU", "US"):
        raise DataError(
            f"{file} must be in Hounsfield units (Rescale Type HU), got another quantity; give the CT images"
        )
