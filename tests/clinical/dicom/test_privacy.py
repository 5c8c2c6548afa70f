"""`recon reconstruct` names no patient, whether a series goes well or not."""

import logging
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from recon.cli import main
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.test_refused import NAMES


def mixed(dataset: Dataset, number: int) -> None:
    dataset.PatientID = f"TELLOTHER{number}"


def malformed(dataset: Dataset, number: int) -> None:
    dataset.PatientBirthDate = "Tellname was born then"
    dataset.StudyDate = "TELLDATE"


def broken(dataset: Dataset, number: int) -> None:
    dataset.PixelData = dataset.PixelData[:99]


def uneven(dataset: Dataset, number: int) -> None:
    dataset.ImagePositionPatient = phantoms.position(number * number)


CASES = {"good": None, "mixed": mixed, "malformed": malformed, "broken": broken, "uneven": uneven}


@pytest.mark.filterwarnings("ignore")  # while the phantoms are made
@pytest.mark.parametrize("case", CASES)
def test_command_names_no_patient(
    case: str, ct_model_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    change = CASES[case]
    phantoms.write_series(tmp_path / "in", change=change or (lambda dataset, number: None))
    caplog.clear()
    capfd.readouterr()
    with caplog.at_level(logging.DEBUG):
        status = main(["reconstruct", str(ct_model_file), str(tmp_path / "in"), "-o", str(tmp_path / "out")])
    printed = capfd.readouterr()
    shown = f"{printed.out}{printed.err}{caplog.text}".replace(str(tmp_path), "")
    assert shown
    assert [name for name in NAMES if name in shown] == []
    assert (status == 0) == (case in ("good", "malformed"))
    assert (tmp_path / "out").exists() == (status == 0)
    assert [path.name for path in tmp_path.rglob("*") if "Tell" in path.name or "TELL" in path.name] == []
