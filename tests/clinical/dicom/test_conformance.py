"""What is written conforms to DICOM: by what PS3.3 says, and by dciodvfy where it is installed."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import REAL, WHEEL, only, written
from tests.clinical.dicom.iod import faults

KINDS = ["CT", "MR", "Enhanced CT", "Enhanced MR"]
needs_dciodvfy = pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")


def phantom(kind: str, folder: Path) -> Path:
    """Write a phantom, and give its first file."""
    modality = kind.rpartition(" ")[2]
    if kind == modality:
        return phantoms.write_series(folder, modality)[0]
    folder.mkdir()
    phantoms.enhanced(phantoms.stored(), modality).save_as(folder / "all.dcm", enforce_file_format=True)
    return folder / "all.dcm"


def errors(file: Path) -> set[str]:
    """Give what dciodvfy calls errors."""
    done = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, timeout=60, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    assert any("Image" in line for line in lines)  # it knew the class
    return {line for line in lines if line.startswith("Error")}


@pytest.mark.parametrize("kind", KINDS)
def test_result_has_all_that_its_class_needs(kind: str, tmp_path: Path) -> None:
    phantom(kind, tmp_path / "in")
    for dataset in written(only(tmp_path / "in"), tmp_path / "out"):
        assert faults(dataset) == []


@pytest.mark.parametrize("name", REAL)
def test_result_of_a_real_file_lacks_nothing_that_the_source_has(name: str, tmp_path: Path) -> None:
    before = set(faults(pydicom.dcmread(WHEEL / f"{name}.dcm")))
    (after,) = written(only(WHEEL / f"{name}.dcm"), tmp_path / "out")
    assert set(faults(after)) <= {fault for fault in before if "derived" not in fault and "PixelData" not in fault}


@needs_dciodvfy
@pytest.mark.parametrize("kind", KINDS)
def test_dciodvfy_finds_no_error_that_the_phantom_has_not(kind: str, tmp_path: Path) -> None:
    before = errors(phantom(kind, tmp_path / "in"))
    written(only(tmp_path / "in"), tmp_path / "out")
    after = [errors(file) for file in (tmp_path / "out").iterdir()]
    assert all(found <= before for found in after)
    if "Enhanced" not in kind:
        assert not any(after)


@needs_dciodvfy
@pytest.mark.parametrize("name", REAL)
def test_dciodvfy_finds_no_error_that_the_real_file_has_not(name: str, tmp_path: Path) -> None:
    written(only(WHEEL / f"{name}.dcm"), tmp_path / "out")
    (file,) = (tmp_path / "out").iterdir()
    assert errors(file) <= errors(WHEEL / f"{name}.dcm")


BREAK: dict[str, tuple[Callable[[Dataset], object], str]] = {
    "missing element": (lambda d: delattr(d, "RescaleSlope"), "RescaleSlope is missing"),
    "empty element": (lambda d: setattr(d, "PixelSpacing", ""), "PixelSpacing is missing"),
    "missing empty one": (lambda d: delattr(d, "PatientName"), "PatientName is missing (type 2)"),
    "not derived": (lambda d: setattr(d, "ImageType", ["ORIGINAL", "PRIMARY"]), "ImageType"),
    "no source": (lambda d: delattr(d, "SourceImageSequence"), "SourceImageSequence"),
    "pixels": (lambda d: setattr(d, "PixelData", b"ab"), "PixelData"),
    "bits": (lambda d: setattr(d, "HighBit", 9), "HighBit"),
    "loss": (lambda d: setattr(d, "LossyImageCompression", "01"), "Lossy"),
    "code": (lambda d: delattr(d.DerivationCodeSequence[0], "CodeMeaning"), "CodeMeaning"),
    "maker": (lambda d: delattr(d.ContributingEquipmentSequence[0], "Manufacturer"), "Manufacturer"),
    "group length": (lambda d: d.add_new(0x00080000, "UL", 4), "(0008,0000)"),
    "too long": (lambda d: setattr(d, "SeriesDescription", "x" * 65), "SeriesDescription is longer"),
    "small letters": (lambda d: setattr(d, "BodyPartExamined", "head"), "BodyPartExamined is not"),
    "date": (lambda d: setattr(d, "ContentDate", "2020-1-1"), "ContentDate"),
    "uid": (lambda d: setattr(d, "SOPInstanceUID", "1.02"), "SOPInstanceUID"),
}


@pytest.mark.filterwarnings("ignore")  # of values that are wrong on purpose
@pytest.mark.parametrize("case", BREAK)
def test_fault_is_found(case: str, tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "in")
    dataset = written(only(tmp_path / "in"), tmp_path / "out")[0]
    spoil, words = BREAK[case]
    spoil(dataset)
    assert any(words in fault for fault in faults(dataset))
