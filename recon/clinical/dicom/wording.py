"""What a result says of the model that made it, in the fields that DICOM has for that, within their lengths."""

from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from recon.clinical.identity import Identity
from recon.clinical.words import MAKER, RESEARCH_ONLY

_LO, _ST, _LT = 64, 1024, 10240  # characters that a field of this kind can hold (PS3.5, 6.2)
_SCANNER = (
    *("Manufacturer", "ManufacturerModelName", "SoftwareVersions", "DeviceSerialNumber", "StationName"),
    *("InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "GantryID", "DeviceUID"),
    *("DateOfLastCalibration", "TimeOfLastCalibration"),
)
_OF_THE_SCANNER_ALONE = ("StationName", "GantryID", "DeviceUID", "DateOfLastCalibration", "TimeOfLastCalibration")


def describe(dataset: Dataset, identity: Identity, moment: datetime) -> None:
    """Say which software and weights made an image from which, and that it is for research only."""
    scanner = _scanner(dataset)
    title = _short(f"RESEARCH ONLY {MAKER} {identity.variant}", _LO)
    dataset.SeriesDescription = _followed(title, dataset.get("SeriesDescription"), _LO)
    dataset.ImageComments = _followed(f"{RESEARCH_ONLY} {_sentence(identity)}", dataset.get("ImageComments"), _LT)
    dataset.DerivationDescription = _short(f"{_sentence(identity)} {RESEARCH_ONLY}", _ST)
    dataset.DerivationCodeSequence = [derivation_code()]
    dataset.ContentQualification = "RESEARCH"
    dataset.ContributingEquipmentSequence = [
        *(dataset.get("ContributingEquipmentSequence") or ()),
        *([scanner] if scanner is not None else ()),
        _software(identity, moment),
    ]
    for name in _OF_THE_SCANNER_ALONE:
        if name in dataset:
            del dataset[name]
    _maker(dataset, identity)


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Give a code as an item of a sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def derivation_code() -> Dataset:
    """Say what was done. DICOM has no code for it (CID 7203), so it is one of recon's own."""
    return code("NETWORK", "99RECON", "Reconstruction by a neural network")


def purpose_code() -> Dataset:
    """Say what the source is to the result (CID 7202)."""
    return code("121322", "DCM", "Source image for image processing operation")


def processing_in(dataset: Dataset) -> str:
    """Give what a result says of how it was made, the third of its software's versions; empty where it does not."""
    versions = dataset.get("SoftwareVersions")
    return str(versions[2]) if isinstance(versions, MultiValue) and len(versions) > 2 else ""


def _sentence(identity: Identity) -> str:
    synthetic = ", trained on synthetic data" if identity.synthetic else ""
    sentence = (
        f"Reconstructed slice by slice by a neural network ({identity.network} {identity.variant}{synthetic}), "
        f"weights SHA-256 {identity.weights or 'unknown'}, {MAKER} {identity.recon}."
    )
    return _short(sentence, _ST - len(RESEARCH_ONLY) - 1)


def _maker(item: Dataset, identity: Identity) -> None:
    item.Manufacturer = MAKER
    item.ManufacturerModelName = _short(f"{MAKER} {identity.variant} (research use only)", _LO)
    versions = (f"{MAKER} {identity.recon}", identity.weights or "unknown", identity.processing)
    item.SoftwareVersions = [_short(version, _LO) for version in versions if version]
    item.DeviceSerialNumber = _short(identity.weights or "unknown", _LO)  # a SHA-256 just fits


def _software(identity: Identity, moment: datetime) -> Dataset:
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [code("109102", "DCM", "Processing Equipment")]
    _maker(item, identity)
    item.ContributionDateTime = moment.strftime("%Y%m%d%H%M%S")
    item.ContributionDescription = _short(f"{_sentence(identity)} {RESEARCH_ONLY}", _ST)
    return item


def _scanner(dataset: Dataset) -> Dataset | None:
    """Keep what the source says of the machine that made it."""
    if not dataset.get("Manufacturer"):
        return None
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [code("109101", "DCM", "Acquisition Equipment")]
    for name in _SCANNER:
        if dataset.get(name) not in (None, "", []):
            item.add(deepcopy(dataset[name]))
    return item


def _followed(text: str, was: object, length: int) -> str:
    """Put what the source said behind what is said now, as far as there is room."""
    return f"{text}; source: {was}"[:length].strip() if was else text[:length]


def _short(text: str, length: int) -> str:
    """Give plain text that a field can hold: ASCII, no backslash (it parts values), not too long."""
    plain: Sequence[str] = [letter if letter.isprintable() else " " for letter in text.replace("\\", "/")]
    return "".join(plain).encode("ascii", "replace").decode()[:length].strip()
