"""Synthetic series that are not symmetric in anything, of a patient whose every word would be noticed elsewhere."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
)

TELLTALES = {  # no message may have any of these
    "PatientName": "Tellname^Telltale",
    "PatientID": "TELLID77",
    "PatientBirthDate": "19010203",
    "AccessionNumber": "TELLACC99",
    "StudyID": "TELLSTUDY",
    "ReferringPhysicianName": "Tellphysician^Tell",
    "InstitutionName": "Tellhospital",
    "StudyDescription": "Telldescription",
    "SeriesDescription": "Tellseries",
    "StationName": "TELLSTATION",
    "OperatorsName": "Telloperator",
}
ROOT = "1.2.826.0.1.3680043.8.498.777"
ROW = (0.8, 0.6, 0.0)  # column numbers grow along it
COLUMN = (-0.48, 0.64, -0.6)  # row numbers grow along it
NORMAL = (-0.36, 0.48, 0.8)
SPACING = (0.75, 0.5)  # between rows, between columns
STEP = 3.0
ORIGIN = (-40.5, 12.25, 7.0)
SIZE = (24, 32)
BRIGHT = (3, 5, 19)  # slice, row, column of the brightest voxel

Change = Callable[[Dataset, int], None]
Stored = npt.NDArray[np.int64]


def stored(slices: int = 5, size: tuple[int, int] = SIZE, *, seed: int = 0) -> Stored:
    """Give stored values without a symmetry, with one voxel that is brighter than all others."""
    generator = np.random.default_rng(seed)
    ramp = np.add.outer(np.arange(slices) * 40, np.add.outer(np.arange(size[0]) * 7, np.arange(size[1])))
    values = ramp + generator.integers(0, 50, (slices, *size)) + 300
    values[min(BRIGHT[0], slices - 1), BRIGHT[1], BRIGHT[2]] = 3000
    return values.astype(np.int64)


def position(number: int) -> list[float]:
    """Give where the first pixel of a slice lies; from the first slice to the last along the normal."""
    return [round(float(start + number * STEP * along), 6) for start, along in zip(ORIGIN, NORMAL, strict=True)]


def write_series(
    folder: Path,
    modality: str = "CT",
    *,
    values: Stored | None = None,
    change: Change = lambda dataset, number: None,
    series: str = "1",
    order: Sequence[int] | None = None,
) -> list[Path]:
    """Write a classic series; `change` alters slice by slice, `order` is that of the files' names."""
    values = stored() if values is None else values
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for place, number in enumerate(order if order is not None else range(len(values))):
        dataset = slice_of(values[number], number, modality, series=series)
        change(dataset, number)
        file = folder / f"{place:03d}.dcm"
        dataset.save_as(file, enforce_file_format=True)
        files.append(file)
    return files


def slice_of(values: npt.NDArray[np.int64], number: int, modality: str = "CT", *, series: str = "1") -> Dataset:
    """Give a slice as CT or MR Image Storage."""
    dataset = _common(CTImageStorage if modality == "CT" else MRImageStorage, modality, series, str(number + 1))
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if modality == "CT" else "M"]
    dataset.InstanceNumber = number + 1
    dataset.ImagePositionPatient = position(number)
    dataset.ImageOrientationPatient = [*ROW, *COLUMN]
    dataset.PixelSpacing = list(SPACING)
    dataset.SliceThickness = STEP
    dataset.AcquisitionNumber = 1
    if modality == "CT":
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = "1", "-1024", "HU"
        dataset.KVP = "120"
        dataset.WindowCenter, dataset.WindowWidth = "40", "400"
    else:
        dataset.ScanningSequence, dataset.SequenceVariant, dataset.ScanOptions = "SE", "NONE", ""
        dataset.MRAcquisitionType, dataset.RepetitionTime, dataset.EchoTime = "2D", "2000", "20"
        dataset.EchoTrainLength = 1
    _put_pixels(dataset, values)
    dataset.SmallestImagePixelValue, dataset.LargestImagePixelValue = int(values.min()), int(values.max())
    return dataset


def enhanced(values: Stored, modality: str = "CT", *, order: Sequence[int] | None = None) -> Dataset:
    """Give a volume as Enhanced CT or Enhanced MR Image Storage; `order` is that of the frames."""
    ct = modality == "CT"
    dataset = _common(EnhancedCTImageStorage if ct else EnhancedMRImageStorage, modality, "7", "1")
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if ct else "M", "NONE"]
    dataset.InstanceNumber, dataset.NumberOfFrames = 1, len(values)
    dataset.ManufacturerModelName, dataset.DeviceSerialNumber, dataset.SoftwareVersions = "Scanner", "S1", "V1"
    dataset.ContentQualification, dataset.PresentationLUTShape = "PRODUCT", "IDENTITY"
    dataset.BurnedInAnnotation, dataset.LossyImageCompression = "NO", "00"
    dataset.AcquisitionDateTime = "20200101120000"
    dataset.AcquisitionDuration = 1.0
    dataset.PixelPresentation, dataset.VolumetricProperties = "MONOCHROME", "VOLUME"
    dataset.VolumeBasedCalculationTechnique = "NONE"
    if ct:
        dataset.AcquisitionNumber = 1
    else:
        dataset.ResonantNucleus, dataset.MagneticFieldStrength, dataset.KSpaceFiltering = "1H", 1.5, "NONE"
        dataset.ComplexImageComponent, dataset.AcquisitionContrast = "MAGNITUDE", "T1"
        dataset.ApplicableSafetyStandardAgency = "IEC"
    _add_dimensions(dataset)
    order = list(order if order is not None else range(len(values)))
    dataset.SharedFunctionalGroupsSequence = [_shared(ct)]
    dataset.PerFrameFunctionalGroupsSequence = [_frame(number, place, ct) for place, number in enumerate(order)]
    _put_pixels(dataset, values[order])
    return dataset


def sequence(**words: object) -> list[Dataset]:
    """Give a sequence of one item."""
    item = Dataset()
    for name, value in words.items():
        setattr(item, name, value)
    return [item]


def _common(class_uid: UID, modality: str, series: str, number: str) -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID, dataset.SOPInstanceUID = class_uid, f"{ROOT}.3.{series}.{number}"
    for name, value in TELLTALES.items():
        setattr(dataset, name, value)
    dataset.PatientSex, dataset.Modality, dataset.Manufacturer = "O", modality, "Scanner maker"
    for name in ("Study", "Series", "Acquisition", "Content"):
        setattr(dataset, f"{name}Date", "20200101")
        setattr(dataset, f"{name}Time", "120000")
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{ROOT}.1", f"{ROOT}.2.{series}"
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = f"{ROOT}.4", ""
    dataset.SeriesNumber, dataset.PatientPosition, dataset.BodyPartExamined = 3, "HFS", "HEAD"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    block = dataset.private_block(0x0019, "TELL PRIVATE", create=True)
    block.add_new(0x01, "LO", "Tellprivate")
    return dataset


def _put_pixels(dataset: Dataset, values: npt.NDArray[np.int64]) -> None:
    dataset.Rows, dataset.Columns = values.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = values.astype("<u2").tobytes()


def _add_dimensions(dataset: Dataset) -> None:
    dataset.DimensionOrganizationSequence = sequence(DimensionOrganizationUID=f"{ROOT}.5")
    dataset.DimensionIndexSequence = sequence(
        DimensionOrganizationUID=f"{ROOT}.5", DimensionIndexPointer=0x00200032, FunctionalGroupPointer=0x00209113
    )


def _shared(ct: bool) -> Dataset:
    shared = Dataset()
    shared.PixelMeasuresSequence = sequence(PixelSpacing=list(SPACING), SliceThickness=STEP)
    shared.PlaneOrientationSequence = sequence(ImageOrientationPatient=[*ROW, *COLUMN])
    shared.FrameVOILUTSequence = sequence(WindowCenter="40", WindowWidth="400")
    kind: dict[str, object] = {
        "FrameType": ["ORIGINAL", "PRIMARY", "AXIAL" if ct else "M", "NONE"],
        "PixelPresentation": "MONOCHROME",
        "VolumetricProperties": "VOLUME",
        "VolumeBasedCalculationTechnique": "NONE",
    }
    if ct:
        shared.CTImageFrameTypeSequence = sequence(**kind)
        shared.PixelValueTransformationSequence = sequence(RescaleSlope="1", RescaleIntercept="-1024", RescaleType="HU")
    else:
        shared.MRImageFrameTypeSequence = sequence(**kind, ComplexImageComponent="MAGNITUDE", AcquisitionContrast="T1")
        shared.PixelValueTransformationSequence = sequence(RescaleSlope="0.5", RescaleIntercept="2", RescaleType="US")
    anatomy = sequence(CodeValue="69536005", CodingSchemeDesignator="SCT", CodeMeaning="Head")
    shared.FrameAnatomySequence = sequence(FrameLaterality="U", AnatomicRegionSequence=anatomy)
    return shared


def _frame(number: int, place: int, ct: bool) -> Dataset:
    frame = Dataset()
    frame.FrameContentSequence = sequence(
        FrameAcquisitionNumber=1,
        FrameReferenceDateTime="20200101120000",
        FrameAcquisitionDateTime="20200101120000",
        FrameAcquisitionDuration=1.0,
        DimensionIndexValues=number + 1,
    )
    frame.PlanePositionSequence = sequence(ImagePositionPatient=position(number))
    return frame
