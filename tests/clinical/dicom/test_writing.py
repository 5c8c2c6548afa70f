"""What is written is where the source was, and has the source's values where nothing was changed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from torch import Tensor

from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import REAL, WHEEL, model, only, slices_of, written

GEOMETRY = (
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "FrameOfReferenceUID"),
    *("Rows", "Columns", "PatientPosition", "PositionReferenceIndicator", "SliceLocation", "SpacingBetweenSlices"),
)


SUBJECT = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyID", "StudyDate"),
    *("AccessionNumber", "StudyDescription", "ReferringPhysicianName", "AcquisitionDate", "AcquisitionTime"),
)


DISPLAY = ("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept", "RescaleType")


def world(dataset: Dataset, row: int, column: int) -> np.ndarray:  # type: ignore[type-arg]
    """Give where a pixel's centre lies, by PS3.3, C.7.6.2.1.1."""
    axes = np.array(dataset.ImageOrientationPatient, float)
    between_rows, between_columns = map(float, dataset.PixelSpacing)
    start = np.array(dataset.ImagePositionPatient, float)
    return start + axes[:3] * between_columns * column + axes[3:] * between_rows * row


def brightest(files: list[pydicom.FileDataset]) -> np.ndarray:  # type: ignore[type-arg]
    """Give where the brightest voxel of a series lies."""
    found = max(files, key=lambda dataset: slices_of(dataset).max())
    row, column = np.unravel_index(slices_of(found).argmax(), (int(found.Rows), int(found.Columns)))
    return world(found, int(row), int(column))


def phantom_bright() -> np.ndarray:  # type: ignore[type-arg]
    """Give where the phantom's bright voxel lies, from what the phantom is made of."""
    number, row, column = phantoms.BRIGHT
    along = phantoms.STEP * number * np.array(phantoms.NORMAL)
    in_plane = 0.75 * row * np.array(phantoms.COLUMN) + 0.5 * column * np.array(phantoms.ROW)
    return np.array(phantoms.ORIGIN) + along + in_plane


@pytest.mark.parametrize("modality", ["CT", "MR"])
@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [3, 1, 4, 0, 2]])
@pytest.mark.parametrize("size", [(24, 32), (22, 30), (23, 29)])
def test_nothing_moves(modality: str, order: list[int], size: tuple[int, int], tmp_path: Path) -> None:
    values = phantoms.stored(5, size)
    phantoms.write_series(tmp_path / "in", modality, values=values, order=order)
    source = only(tmp_path / "in")
    images = model("ct" if modality == "CT" else "mri")(source.read())
    files = written(source, tmp_path / "out", images)
    assert np.array_equal(np.stack([dataset.pixel_array for dataset in files]), values)
    assert np.allclose(brightest(files), phantom_bright(), atol=1e-4)


WRONG: dict[str, Callable[[Tensor], Tensor]] = {
    "flipped rows": lambda images: images.flip(-2),
    "flipped columns": lambda images: images.flip(-1),
    "rotated": lambda images: images.rot90(2, (-2, -1)),
    "moved by a pixel": lambda images: images.roll(1, -1),
    "moved by half a pixel": lambda images: (images + images.roll(1, -2)) / 2,
    "slices turned round": lambda images: images.flip(0),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_model_that_moves_things_is_seen(wrong: str, tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "in")
    source = only(tmp_path / "in")
    files = written(source, tmp_path / "out", WRONG[wrong](source.read()))
    assert not np.array_equal(np.stack([dataset.pixel_array for dataset in files]), phantoms.stored())


@pytest.mark.parametrize("name", REAL)
def test_real_files_come_back_with_their_values(name: str, tmp_path: Path) -> None:
    before = pydicom.dcmread(WHEEL / f"{name}.dcm")
    source = only(WHEEL / f"{name}.dcm")
    assert source.modality is not None
    (after,) = written(source, tmp_path / "out", model(source.modality)(source.read()))
    assert np.array_equal(after.pixel_array, before.pixel_array)
    assert np.array_equal(slices_of(after), slices_of(before))
    assert after.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert after.SOPClassUID == after.file_meta.MediaStorageSOPClassUID == before.SOPClassUID
    for element in (*GEOMETRY, *SUBJECT, *DISPLAY, "InstanceNumber", "Modality", "KVP", "EchoTime"):
        assert after.get(element) == before.get(element), element


@pytest.mark.parametrize("name", ["CT_small", "MR_small", "examples_overlay"])
def test_numbers_of_the_geometry_are_the_same_text(name: str, tmp_path: Path) -> None:
    before = pydicom.dcmread(WHEEL / f"{name}.dcm")
    (after,) = written(only(WHEEL / f"{name}.dcm"), tmp_path / "out")
    for element in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        assert [str(number) for number in after[element].value] == [str(number) for number in before[element].value]


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [3, 1, 4, 0, 2]])
@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_frames_come_back_where_they_were(modality: str, order: list[int], tmp_path: Path) -> None:
    before = phantoms.enhanced(phantoms.stored(), modality, order=order)
    before.save_as(tmp_path / "all.dcm", enforce_file_format=True)
    (after,) = written(only(tmp_path / "all.dcm"), tmp_path / "out")
    assert after.SOPClassUID == before.SOPClassUID
    assert np.array_equal(after.pixel_array, phantoms.stored()[order])
    for old, new in zip(before.PerFrameFunctionalGroupsSequence, after.PerFrameFunctionalGroupsSequence, strict=True):
        assert new.PlanePositionSequence == old.PlanePositionSequence
        assert new.FrameContentSequence == old.FrameContentSequence
    shared = before.SharedFunctionalGroupsSequence[0], after.SharedFunctionalGroupsSequence[0]
    for name in ("PixelMeasures", "PlaneOrientation", "FrameVOILUT", "PixelValueTransformation"):
        assert shared[0][f"{name}Sequence"] == shared[1][f"{name}Sequence"]


def test_result_can_be_reconstructed_again(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "in")
    written(only(tmp_path / "in"), tmp_path / "once")
    again = written(only(tmp_path / "once"), tmp_path / "twice")
    assert np.array_equal(np.stack([dataset.pixel_array for dataset in again]), phantoms.stored())
    assert [len(dataset.ContributingEquipmentSequence) for dataset in again] == [4] * 5
