"""A result is a folder of files that is there whole or not at all, and takes no other's place."""

import shutil
from pathlib import Path

import pytest
import torch
from pydicom.dataset import Dataset

from recon.errors import DataError, ShapeError
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import identity, only, written


@pytest.mark.parametrize(("numbers", "names"), [([7, 6, 5, 4, 3], [3, 4, 5, 6, 7]), ([1, 1, 1, 1, 1], [1, 2, 3, 4, 5])])
def test_files_are_named_by_instance_number(numbers: list[int], names: list[int], tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "in", change=lambda d, number: setattr(d, "InstanceNumber", numbers[number]))
    files = written(only(tmp_path / "in"), tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [f"{name:05d}.dcm" for name in names]
    assert [int(dataset.InstanceNumber) for dataset in files] == names


def test_numbers_that_are_none_stop_nothing(tmp_path: Path) -> None:
    for file in phantoms.write_series(tmp_path / "in"):
        data = file.read_bytes()
        for tag in (b"\x20\x00\x11\x00IS\x02\x00", b"\x20\x00\x13\x00IS\x02\x00"):  # of the series, of the image
            place = data.index(tag) + len(tag)
            data = data[:place] + b"x " + data[place + 2 :]
        file.write_bytes(data)
    files = written(only(tmp_path / "in"), tmp_path / "out")
    assert [int(dataset.InstanceNumber) for dataset in files] == [1, 2, 3, 4, 5]
    assert {dataset.SeriesNumber for dataset in files} == {None}


def test_nothing_is_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phantoms.write_series(tmp_path / "in")
    source, saved = only(tmp_path / "in"), []

    def full(self: Dataset, *arguments: object, **words: object) -> None:
        saved.append(arguments)
        if len(saved) == 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Dataset, "save_as", full)
    with pytest.raises(DataError, match=r"cannot be written: No space left on device; choose another folder"):
        source.write(source.read(), identity(), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_series_that_is_there_is_replaced_and_anything_else_stays(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "in")
    source = only(tmp_path / "in")
    source.write(source.read(), identity(), tmp_path / "out")
    shutil.copy(tmp_path / "out" / "00001.dcm", tmp_path / "out" / "00009.dcm")
    source.write(source.read(), identity(), tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 5
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match=r"thesis\.txt"):
        source.write(source.read(), identity(), tmp_path / "out")
    assert (tmp_path / "out" / "thesis.txt").read_text() == "years of work"
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="new folder"):
        source.write(source.read(), identity(), tmp_path / "file")
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.parametrize("shape", [(4, 1, 24, 32), (5, 1, 32, 24), (5, 24, 32)])
def test_images_of_another_shape_are_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "in")
    with pytest.raises(ShapeError, match=r"\(5, 1, 24, 32\)"):
        only(tmp_path / "in").write(torch.zeros(shape), identity(), tmp_path / "out")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_images_that_are_not_finite_are_refused(value: float, tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "in")
    source = only(tmp_path / "in")
    images = source.read()
    images[0, 0, 0, 0] = value
    with pytest.raises(DataError, match="finite"):
        source.write(images, identity(), tmp_path / "out")
    assert not (tmp_path / "out").exists()
