"""What PS3.3 demands of CT and MR images, checked here: elements that must be there, and what their values may be.

It covers the modules of the four classes that recon writes, as far as their elements do not depend on what was scanned;
dciodvfy checks more, where it is installed.
"""

import re
from collections.abc import Iterator

from pydicom.dataset import Dataset

_PATIENT_AND_STUDY = {
    1: ("StudyInstanceUID", "SeriesInstanceUID", "Modality", "SOPClassUID", "SOPInstanceUID"),
    2: (
        *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"),
        *("AccessionNumber", "ReferringPhysicianName", "SeriesNumber", "InstanceNumber", "Manufacturer"),
        *("PositionReferenceIndicator",),
    ),
}
_PIXELS = (
    *("SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "PixelData", "ImageType", "FrameOfReferenceUID"),
)
_PLANE = ("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient")
_ENHANCED = (
    *("ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions", "ContentDate", "ContentTime"),
    *("NumberOfFrames", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("DimensionOrganizationSequence", "DimensionIndexSequence", "ContentQualification", "BurnedInAnnotation"),
    *("PresentationLUTShape", "LossyImageCompression", "PixelPresentation", "VolumetricProperties"),
    *("VolumeBasedCalculationTechnique", "SourceImageEvidenceSequence"),
)
_OF_CLASS = {
    "CT Image Storage": {
        1: (*_PLANE, "RescaleSlope", "RescaleIntercept"),
        2: ("SliceThickness", "KVP", "AcquisitionNumber"),
    },
    "MR Image Storage": {
        1: (*_PLANE, "ScanningSequence", "SequenceVariant"),
        2: ("SliceThickness", "ScanOptions", "MRAcquisitionType", "RepetitionTime", "EchoTime", "EchoTrainLength"),
    },
    "Enhanced CT Image Storage": {1: _ENHANCED, 2: ()},
    "Enhanced MR Image Storage": {1: (*_ENHANCED, "ComplexImageComponent", "AcquisitionContrast"), 2: ()},
}
_LENGTHS = {"AE": 16, "CS": 16, "DS": 16, "IS": 12, "LO": 64, "SH": 16, "ST": 1024, "LT": 10240, "UI": 64}
_FORMS = {
    "CS": r"[A-Z0-9 _]*",
    "DA": r"(\d{8})?",
    "TM": r"(\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?)? *",
    "DT": r"\d{4,14}(\.\d{1,6})?([+-]\d{4})?|",
    "UI": r"((0|[1-9]\d*)(\.(0|[1-9]\d*))*)?",
    "LO": r"[^\\\x00-\x1f]*",
    "SH": r"[^\\\x00-\x1f]*",
}


def faults(dataset: Dataset) -> list[str]:
    """Give all that is wrong with an image of one of the four classes."""
    return [*_missing(dataset), *_bad_values(dataset), *_untrue(dataset)]


def _missing(dataset: Dataset) -> Iterator[str]:
    of_class = _OF_CLASS[dataset.SOPClassUID.name]
    for name in (*_PATIENT_AND_STUDY[1], *_PIXELS, *of_class[1]):
        if name not in dataset or dataset[name].is_empty:
            yield f"{name} is missing or empty (type 1)"
    for name in (*_PATIENT_AND_STUDY[2], *of_class[2]):
        if name not in dataset:
            yield f"{name} is missing (type 2)"
    for element in dataset.iterall():
        if element.VR != "SQ":
            continue
        for item in element.value:
            if element.keyword.endswith("CodeSequence"):
                wanted: tuple[str, ...] = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
            elif element.keyword in ("SourceImageSequence", "ReferencedSOPSequence"):
                wanted = ("ReferencedSOPClassUID", "ReferencedSOPInstanceUID")
            elif element.keyword == "ContributingEquipmentSequence":
                wanted = ("PurposeOfReferenceCodeSequence", "Manufacturer")
            else:
                wanted = ()
            yield from (f"{name} is missing in {element.keyword}" for name in wanted if not item.get(name))


def _bad_values(dataset: Dataset) -> Iterator[str]:
    for element in dataset.iterall():
        values = element.value if element.VM > 1 else [element.value]
        for value in values if element.VR in _LENGTHS | _FORMS else ():
            text = "" if value is None else str(value)
            if len(text) > _LENGTHS.get(element.VR, len(text)):
                yield f"{element.keyword} is longer than {element.VR} can be"
            if not re.fullmatch(_FORMS.get(element.VR, r"(?s:.*)"), text):
                yield f"{element.keyword} is not written as {element.VR}"
        if element.tag.element == 0 or (element.tag.group < 8 and element.tag.group != 2):
            yield f"{element.tag} may not be in a dataset"


def _untrue(dataset: Dataset) -> Iterator[str]:
    enhanced = dataset.SOPClassUID.name.startswith("Enhanced")
    count = int(dataset.get("NumberOfFrames") or 1)
    size = int(dataset.Rows) * int(dataset.Columns) * count * int(dataset.BitsAllocated) // 8
    if len(dataset.PixelData) != size + size % 2:
        yield "PixelData has another length than its description"
    if dataset.HighBit != dataset.BitsStored - 1 or dataset.BitsStored > dataset.BitsAllocated:
        yield "HighBit and BitsStored do not fit"
    if dataset.ImageType[0] != "DERIVED" or (enhanced and dataset.ImageType[1] != "PRIMARY"):
        yield "ImageType is not that of a derived image"
    if not enhanced and "SourceImageSequence" not in dataset:
        yield "SourceImageSequence is missing in a derived image"
    if enhanced and len(dataset.PerFrameFunctionalGroupsSequence) != count:
        yield "frames are not all described"
    lossy = dataset.get("LossyImageCompression")
    if lossy not in (None, "00", "01") or (lossy == "01") != ("LossyImageCompressionRatio" in dataset):
        yield "LossyImageCompression and its ratio do not fit"
    meta = dataset.file_meta
    if (meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID) != (dataset.SOPClassUID, dataset.SOPInstanceUID):
        yield "the file's header names another image"
