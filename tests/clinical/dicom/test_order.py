"""Slices are sorted along their normal, and what does not belong together becomes several volumes."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from pydicom.dataset import Dataset

from recon.clinical.formats.dicom import sources
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import DISK, expected, only

ORDERS = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]]


ORIENTATIONS = {  # the axes of rows and columns, and what is at a right angle to both
    "axial": ([1, 0, 0, 0, 1, 0], (0, 0, 1)),
    "axial, from above": ([1, 0, 0, 0, -1, 0], (0, 0, -1)),
    "coronal": ([1, 0, 0, 0, 0, -1], (0, 1, 0)),
    "sagittal": ([0, 1, 0, 0, 0, -1], (-1, 0, 0)),
}


@pytest.mark.parametrize("order", ORDERS)
def test_slices_are_sorted_along_their_normal_not_by_name(order: list[int], tmp_path: Path) -> None:
    phantoms.write_series(tmp_path, order=order)
    assert torch.equal(only(tmp_path).read(), expected(phantoms.stored(), 1, -1024))


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_slices_of_any_orientation_are_sorted(name: str, tmp_path: Path) -> None:
    axes, normal = ORIENTATIONS[name]

    def change(dataset: Dataset, number: int) -> None:
        dataset.ImageOrientationPatient = axes
        dataset.ImagePositionPatient = [5 + 2 * number * along for along in normal]

    phantoms.write_series(tmp_path, change=change, order=[3, 1, 4, 0, 2])
    assert torch.equal(only(tmp_path).read(), expected(phantoms.stored(), 1, -1024))


def test_instance_numbers_do_not_matter(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path, change=lambda dataset, number: setattr(dataset, "InstanceNumber", 9 - number))
    assert torch.equal(only(tmp_path).read(), expected(phantoms.stored(), 1, -1024))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("modality", "slope", "intercept"), [("CT", 1, -1024), ("MR", 0.5, 2)])
def test_frames_of_one_file_are_sorted(
    modality: str, slope: float, intercept: float, order: list[int], tmp_path: Path
) -> None:
    values = phantoms.stored()
    phantoms.enhanced(values, modality, order=order).save_as(tmp_path / "file", enforce_file_format=True)
    source = only(tmp_path / "file")
    assert torch.equal(source.read(), expected(values, slope, intercept))
    assert (source.modality, source.slices) == ("ct" if modality == "CT" else "mri", 5)


def test_several_series_of_a_folder_are_several_volumes(tmp_path: Path) -> None:
    first, second = phantoms.stored(), phantoms.stored(3, seed=1)
    phantoms.write_series(tmp_path, values=first)
    phantoms.write_series(tmp_path / "other", values=second, series="2")
    for file in (tmp_path / "other").iterdir():
        file.rename(tmp_path / f"other-{file.name}")
    (tmp_path / "other").rmdir()
    found = sources(tmp_path)
    assert [source.slices for source in found] == [5, 3]
    assert len({source.name for source in found}) == 2
    assert torch.equal(found[1].read(), expected(second, 1, -1024))


@pytest.mark.parametrize("name", ["EchoNumbers", "TemporalPositionIdentifier", "AcquisitionNumber"])
def test_images_at_one_place_are_parted_by_what_tells_them_apart(name: str, tmp_path: Path) -> None:
    for part in (1, 2):

        def change(dataset: Dataset, number: int, part: int = part) -> None:
            setattr(dataset, name, part)
            dataset.SOPInstanceUID += f".{part}"

        phantoms.write_series(tmp_path / str(part), "MR", values=phantoms.stored(seed=part), change=change)
        for file in (tmp_path / str(part)).iterdir():
            file.rename(tmp_path / f"{part}-{file.name}")
        (tmp_path / str(part)).rmdir()
    volumes = sources(tmp_path)
    assert [source.slices for source in volumes] == [5, 5]
    for part, source in enumerate(volumes, 1):
        assert torch.equal(source.read(), expected(phantoms.stored(seed=part), 1, 0))


def test_real_series_of_the_wheel_is_read() -> None:
    source = only(DISK / "98892001" / "CT5N")
    files = [pydicom.dcmread(file) for file in (DISK / "98892001" / "CT5N").iterdir()]
    files.sort(key=lambda dataset: dataset.ImagePositionPatient[2])
    values = np.stack([dataset.pixel_array for dataset in files]).astype(np.int64)
    assert source.slices == len(files) == 5
    assert torch.equal(source.read(), expected(values, 1, float(files[0].RescaleIntercept)))
