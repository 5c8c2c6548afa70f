"""Makes the header of a result from that of its source: what stays true is kept, what is not is replaced or removed."""

import re
from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, ExplicitVRLittleEndian

from recon.clinical.dicom.headers import Header, whole_number
from recon.clinical.dicom.planes import Plane
from recon.clinical.dicom.wording import derivation_code, describe, purpose_code
from recon.clinical.identity import Identity

_UNTRUE = (  # of the pixels that were, or of the file that was
    *("SmallestImagePixelValue", "LargestImagePixelValue", "SmallestPixelValueInSeries", "LargestPixelValueInSeries"),
    *("SmallestImagePixelValueInPlane", "LargestImagePixelValueInPlane", "PixelDataProviderURL", "IconImageSequence"),
    *("PixelData", "FloatPixelData", "DoubleFloatPixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
    *("InstanceCreatorUID", "DigitalSignaturesSequence", "MACParametersSequence", "EncryptedAttributesSequence"),
    *("DataSetTrailingPadding", "StorageMediaFileSetUID", "StorageMediaFileSetID"),
    *("ConcatenationUID", "InConcatenationNumber", "InConcatenationTotalNumber", "ConcatenationFrameOffsetNumber"),
    *("SOPInstanceUIDOfConcatenationSource", "SourceImageSequence", "ConversionSourceAttributesSequence"),
)
_LOSSY = {  # transfer syntaxes that lose something, and DICOM's words for how
    **dict.fromkeys(("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"), "ISO_10918_1"),
    "1.2.840.10008.1.2.4.81": "ISO_14495_1",
    "1.2.840.10008.1.2.4.91": "ISO_15444_1",
    "1.2.840.10008.1.2.4.203": "ISO_15444_15",
}
_MAY_BE_LOSSLESS = ("1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.203")  # where the header must be believed
_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)")


def derived(header: Header, planes: Sequence[Plane], identity: Identity, *, uid: UID, series: UID) -> Dataset:
    """Give the header of a result: of a file's image, or of those of its frames that are given."""
    dataset = _copied(header)
    moment = _now(dataset)
    describe(dataset, identity, moment)
    dataset.SOPInstanceUID, dataset.SeriesInstanceUID = uid, series
    number = whole_number(dataset, "SeriesNumber")
    dataset.SeriesNumber = number * 100 + 1 if number is not None and 0 <= number < 10**7 else None
    dataset.ImageType = _kinds(dataset.get("ImageType"), header)
    for name, value in (("Date", moment.strftime("%Y%m%d")), ("Time", moment.strftime("%H%M%S"))):
        for what in ("InstanceCreation", "Series", "Content"):
            setattr(dataset, what + name, value)
    _keep_losses(dataset, header)
    if header.enhanced:
        _reference_frames(dataset, header, planes)
    else:
        dataset.SourceImageSequence = [_source(header, None)]
    _add_file_meta(dataset)
    return dataset


def source_images(dataset: Dataset) -> set[str]:
    """Give the UIDs of the images that a result was derived from, as it says them: for the file, or frame by frame."""
    groups = dataset.get("PerFrameFunctionalGroupsSequence") or ()
    places = [dataset, *(item for group in groups for item in group.get("DerivationImageSequence") or ())]
    items = [item for place in places for item in place.get("SourceImageSequence") or ()]
    return {str(item.get("ReferencedSOPInstanceUID")) for item in items}


def _copied(header: Header) -> Dataset:
    """Copy what stays: standard elements that do not describe the old pixels. What private ones mean, nobody knows."""
    kept = _without_private(header.dataset, swap=header.dataset.original_encoding[1] is False)
    for element in list(kept):
        group = element.tag.group
        if element.keyword in _UNTRUE or 0x5000 <= group < 0x5020 or 0x6000 <= group < 0x6020:  # curves, overlays
            del kept[element.tag]
    return kept


def _without_private(dataset: Dataset, *, swap: bool) -> Dataset:
    """Copy a dataset without private elements; words of two bytes become little-endian."""
    kept = Dataset()
    for element in dataset:
        if element.tag.is_private:
            continue
        if element.VR == "SQ":
            items = [_without_private(item, swap=swap) for item in element.value]
            kept.add(DataElement(element.tag, "SQ", Items(items)))
        else:
            copied = deepcopy(element)
            if swap and element.VR == "OW" and isinstance(element.value, bytes):
                copied.value = np.frombuffer(element.value, ">u2").astype("<u2").tobytes()
            kept.add(copied)
    return kept


def _kinds(words: object, header: Header) -> list[str]:
    """Give Image Type or Frame Type of a result: the first two words are new, the others stay."""
    rest = [str(word) for word in words][2:] if isinstance(words, Sequence) and not isinstance(words, str) else []
    second = "PRIMARY" if header.enhanced else "SECONDARY"  # all that enhanced images may say (PS3.3, C.8.16.1.2)
    return ["DERIVED", second, *(rest or ["AXIAL" if header.modality == "ct" else "OTHER"])]


def _keep_losses(dataset: Dataset, header: Header) -> None:
    """Say that something was lost where the source was compressed with loss; once lost, it stays so."""
    syntax, told = header.dataset.file_meta.TransferSyntaxUID, dataset.get("LossyImageCompression")
    if syntax not in _LOSSY or told == "01" or (told == "00" and syntax in _MAY_BE_LOSSLESS):
        return
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionMethod = _LOSSY[syntax]
    plain = int(dataset.Rows) * int(dataset.Columns) * int(dataset.BitsAllocated) // 8
    size = plain * int(dataset.get("NumberOfFrames") or 1)
    dataset.LossyImageCompressionRatio = f"{max(size / max(header.file.stat().st_size, 1), 1):.2f}"  # with the header


def _reference_frames(dataset: Dataset, header: Header, planes: Sequence[Plane]) -> None:
    """Keep the frames that are given, and say from which frame of the source each was derived."""
    per_frame = dataset.PerFrameFunctionalGroupsSequence
    dataset.PerFrameFunctionalGroupsSequence = Items([per_frame[plane.frame] for plane in planes])
    dataset.NumberOfFrames = len(planes)
    name = "CTImageFrameTypeSequence" if header.modality == "ct" else "MRImageFrameTypeSequence"
    for shared in dataset.SharedFunctionalGroupsSequence:
        if "DerivationImageSequence" in shared:
            del shared.DerivationImageSequence
    for group in (*dataset.SharedFunctionalGroupsSequence, *dataset.PerFrameFunctionalGroupsSequence):
        for item in group.get(name) or ():
            item.FrameType = _kinds(item.get("FrameType"), header)
    for plane, group in zip(planes, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        item = Dataset()
        item.DerivationDescription = dataset.DerivationDescription
        item.DerivationCodeSequence = [derivation_code()]
        item.SourceImageSequence = [_source(header, plane.frame + 1)]
        group.DerivationImageSequence = [item]
    del dataset.DerivationCodeSequence, dataset.DerivationDescription  # each frame has them
    dataset.SourceImageEvidenceSequence = [_evidence(header)]


def _reference(header: Header) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = header.dataset.SOPClassUID
    item.ReferencedSOPInstanceUID = header.dataset.SOPInstanceUID
    return item


def _source(header: Header, frame: int | None) -> Dataset:
    item = _reference(header)
    if frame is not None:
        item.ReferencedFrameNumber = frame
    item.PurposeOfReferenceCodeSequence = [purpose_code()]
    item.SpatialLocationsPreserved = "YES"
    return item


def _evidence(header: Header) -> Dataset:
    series, study = Dataset(), Dataset()
    series.SeriesInstanceUID = header.dataset.SeriesInstanceUID
    series.ReferencedSOPSequence = [_reference(header)]
    study.StudyInstanceUID = header.dataset.StudyInstanceUID
    study.ReferencedSeriesSequence = [series]
    return study


def _add_file_meta(dataset: Dataset) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta


def _now(dataset: Dataset) -> datetime:
    """Give the time, in the zone that the dataset's times are in."""
    told = _OFFSET.fullmatch(str(dataset.get("TimezoneOffsetFromUTC") or ""))
    now = datetime.now(UTC)
    if told is None:
        return now.astimezone()
    offset = timedelta(hours=int(told[2]), minutes=int(told[3]))
    return now.astimezone(timezone(-offset if told[1] == "-" else offset))
