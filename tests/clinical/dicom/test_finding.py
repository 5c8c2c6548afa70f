"""DICOM files are found by what is in them, and other files are left alone."""

import sys
from pathlib import Path

import pytest

from recon.clinical.formats.dicom import sources
from recon.errors import ConfigError
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import DISK, only


def test_one_slice_is_a_volume(tmp_path: Path) -> None:
    (file,) = phantoms.write_series(tmp_path, values=phantoms.stored(1))
    assert only(file).read().shape == (1, 1, *phantoms.SIZE)
    assert only(file).name == "000.dcm"


def test_files_need_no_suffix_and_others_are_left_alone(tmp_path: Path) -> None:
    for file in phantoms.write_series(tmp_path):
        file.rename(file.with_suffix(""))
    (tmp_path / "notes.txt").write_text("a note")
    (tmp_path / ".hidden.dcm").write_bytes(b"x")
    assert only(tmp_path).slices == 5


def test_what_is_no_dicom_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "volume.npy").write_bytes(b"\x93NUMPY")
    assert sources(tmp_path) == []
    assert sources(tmp_path / "volume.npy") == []
    assert sources(tmp_path / "none") == []


def test_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phantoms.write_series(tmp_path)
    monkeypatch.setitem(sys.modules, "recon.clinical.dicom.source", None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[clinical\]'"):
        sources(tmp_path)


def test_directory_of_a_disk_is_passed_over(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path)
    (tmp_path / "DICOMDIR").write_bytes((DISK / "DICOMDIR").read_bytes())
    assert only(tmp_path).slices == 5
