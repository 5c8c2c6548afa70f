"""What is written is where the source was, says what it is, and has the source's values where nothing was changed."""

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from torch import Tensor

from recon.clinical.formats.dicom import sources
from recon.clinical.words import RESEARCH_ONLY
from recon.errors import DataError, ShapeError
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import REAL, WEIGHTS, WHEEL, identity, model, only, slices_of, written

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


def test_each_frame_names_its_source(tmp_path: Path) -> None:
    before = phantoms.enhanced(phantoms.stored(), order=[2, 0, 1, 4, 3])
    before.save_as(tmp_path / "all.dcm", enforce_file_format=True)
    (after,) = written(only(tmp_path / "all.dcm"), tmp_path / "out")
    for number, frame in enumerate(after.PerFrameFunctionalGroupsSequence, 1):
        (item,) = frame.DerivationImageSequence
        (source,) = item.SourceImageSequence
        assert (source.ReferencedSOPInstanceUID, source.ReferencedFrameNumber) == (before.SOPInstanceUID, number)
        assert WEIGHTS in item.DerivationDescription
    evidence = after.SourceImageEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert evidence.SeriesInstanceUID == before.SeriesInstanceUID
    assert after.ImageType[:2] == ["DERIVED", "PRIMARY"]
    assert after.SharedFunctionalGroupsSequence[0].CTImageFrameTypeSequence[0].FrameType[:2] == ["DERIVED", "PRIMARY"]


def test_result_says_what_made_it_from_what(tmp_path: Path) -> None:
    before = [pydicom.dcmread(file) for file in phantoms.write_series(tmp_path / "in")]
    for old, new in zip(before, written(only(tmp_path / "in"), tmp_path / "out"), strict=True):
        assert new.ImageType == ["DERIVED", "SECONDARY", "AXIAL"]
        (source,) = new.SourceImageSequence
        assert source.ReferencedSOPInstanceUID == old.SOPInstanceUID
        assert source.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
        assert source.SpatialLocationsPreserved == "YES"
        for text in (new.DerivationDescription, new.ImageComments, new.ContributingEquipmentSequence[-1]):
            assert WEIGHTS in str(text)
            assert "trained on synthetic data" in str(text)
            assert RESEARCH_ONLY in str(text)
        assert new.SeriesDescription.startswith("RESEARCH ONLY recon aps-tri-3")
        assert (new.Manufacturer, new.DeviceSerialNumber) == ("recon", WEIGHTS)
        assert list(new.SoftwareVersions) == ["recon 0.1.0", WEIGHTS]
        assert "research use only" in new.ManufacturerModelName
        assert new.ContentQualification == "RESEARCH"
        assert new.SeriesNumber == 301


def test_scanner_is_still_named(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "in", change=lambda dataset, number: setattr(dataset, "SoftwareVersions", "V7"))
    after = written(only(tmp_path / "in"), tmp_path / "out")[0]
    scanner, software = after.ContributingEquipmentSequence
    assert (scanner.Manufacturer, scanner.SoftwareVersions, scanner.StationName) == (
        "Scanner maker",
        "V7",
        "TELLSTATION",
    )
    assert scanner.PurposeOfReferenceCodeSequence[0].CodeMeaning == "Acquisition Equipment"
    assert software.PurposeOfReferenceCodeSequence[0].CodeMeaning == "Processing Equipment"
    assert "StationName" not in after


def test_long_names_are_cut_to_what_a_field_holds(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "in")
    source = only(tmp_path / "in")
    source.write(source.read(), identity(variant="a\\n\u00fc" * 700, version="1" * 99), tmp_path / "out")
    after = pydicom.dcmread(tmp_path / "out" / "00001.dcm")
    for name, length in (("SeriesDescription", 64), ("ManufacturerModelName", 64), ("DerivationDescription", 1024)):
        assert 0 < len(after[name].value) <= length
        assert "\\" not in after[name].value
    assert RESEARCH_ONLY in after.DerivationDescription


def test_uids_are_new_and_the_same_only_for_the_same_result(tmp_path: Path) -> None:
    files = phantoms.write_series(tmp_path / "in")
    source = only(tmp_path / "in")
    images = source.read()
    other = images.clone()
    other[2, 0, 5, 5] += 1
    runs = {
        "first": (images, identity()),
        "again": (images, identity()),
        "other image": (other, identity()),
        "other version": (images, identity(version="0.2.0")),
    }
    uids: dict[str, list[str]] = {}
    for name, (result, told) in runs.items():
        source.write(result, told, tmp_path / name)
        found = [pydicom.dcmread(file) for file in sorted((tmp_path / name).iterdir())]
        assert len({dataset.SeriesInstanceUID for dataset in found}) == 1
        assert all(dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID for dataset in found)
        uids[name] = [str(found[0].SeriesInstanceUID), *[str(dataset.SOPInstanceUID) for dataset in found]]
        assert all(pydicom.uid.UID(uid).is_valid for uid in uids[name])
        assert {uuid.UUID(int=int(uid.removeprefix("2.25."))).version for uid in uids[name]} == {5}
    assert uids["first"] == uids["again"]
    same = [a == b for a, b in zip(uids["first"], uids["other image"], strict=True)]
    assert same == [False, True, True, False, True, True]
    assert not set(uids["first"]) & set(uids["other version"])
    old = {str(pydicom.dcmread(file).SOPInstanceUID) for file in files} | {f"{phantoms.ROOT}.2.1"}
    assert not old & {uid for found in uids.values() for uid in found}


def test_blank_volumes_of_one_file_have_uids_of_their_own(tmp_path: Path) -> None:
    dataset = phantoms.enhanced(np.zeros((6, *phantoms.SIZE), np.int64), "MR")
    for number, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        frame.FrameContentSequence[0].TemporalPositionIndex = number % 2 + 1
        frame.PlanePositionSequence[0].ImagePositionPatient = phantoms.position(number // 2)
        frame.TemporalPositionSequence = phantoms.sequence(TemporalPositionTimeOffset=1.0 * (number % 2))
        frame.FrameContentSequence[0].FrameAcquisitionNumber = 1
        frame.MREchoSequence = phantoms.sequence(EffectiveEchoTime=1.0)
        frame.FrameContentSequence[0].TemporalPositionIndex = number % 2 + 1
    dataset.save_as(tmp_path / "all.dcm", enforce_file_format=True)
    volumes = sources(tmp_path / "all.dcm")
    assert [source.slices for source in volumes] == [3, 3]
    for number, source in enumerate(volumes):
        source.write(source.read(), identity("mri"), tmp_path / str(number))
    found = [pydicom.dcmread(tmp_path / str(number) / "00001.dcm") for number in (0, 1)]
    assert [int(dataset.NumberOfFrames) for dataset in found] == [3, 3]
    assert len({uid for dataset in found for uid in (dataset.SOPInstanceUID, dataset.SeriesInstanceUID)}) == 4
    frames = [
        item.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber
        for dataset in found
        for item in dataset.PerFrameFunctionalGroupsSequence
    ]
    assert frames == [1, 3, 5, 2, 4, 6]


def test_text_in_any_character_set_is_kept(tmp_path: Path) -> None:
    def change(dataset: Dataset, number: int) -> None:
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.PatientName, dataset.SeriesDescription = "\u5c71\u7530^\u592a\u90ce", "Kn\u00e4ckebr\u00f6d" * 9

    phantoms.write_series(tmp_path / "in", change=change)
    after = written(only(tmp_path / "in"), tmp_path / "out")[0]
    assert after.PatientName == "\u5c71\u7530^\u592a\u90ce"
    assert after.SeriesDescription.startswith("RESEARCH ONLY recon aps-tri-3; source: Kn\u00e4ckebr\u00f6d")
    assert len(after.SeriesDescription) == 64


def test_text_that_its_character_set_does_not_have_stops_nothing(tmp_path: Path) -> None:
    (file,) = phantoms.write_series(tmp_path / "in", values=phantoms.stored(1))
    data = (
        file.read_bytes()
        .replace(b"Tellname^Telltale", b"Tell\xffame^\xe4elltale")
        .replace(b"ISO_IR 100", b"ISO_IR 192")
    )
    file.write_bytes(data)
    (after,) = written(only(file), tmp_path / "out")
    assert np.array_equal(after.pixel_array, phantoms.stored(1)[0])


def test_what_described_the_old_pixels_is_gone(tmp_path: Path) -> None:
    def change(dataset: Dataset, number: int) -> None:
        dataset.add_new((0x6000, 0x0010), "US", 24)
        dataset.add_new((0x6000, 0x3000), "OW", bytes(96))
        dataset.IconImageSequence = phantoms.sequence(Rows=1)
        dataset.DigitalSignaturesSequence = phantoms.sequence(MACIDNumber=1)
        dataset.EncryptedAttributesSequence = phantoms.sequence(EncryptedContent=b"\0\0")
        dataset.ReferencedImageSequence = phantoms.sequence(ReferencedSOPInstanceUID="1.2.3")
        dataset.ReferencedImageSequence[0].private_block(0x0019, "TELL PRIVATE", create=True).add_new(1, "LO", "x")

    phantoms.write_series(tmp_path / "in", change=change)
    for dataset in written(only(tmp_path / "in"), tmp_path / "out"):
        assert not [element for element in dataset.iterall() if element.tag.is_private]
        assert not [element for element in dataset if 0x6000 <= element.tag.group < 0x6020]
        gone = ("SmallestImagePixelValue", "LargestImagePixelValue", "IconImageSequence", "DigitalSignaturesSequence")
        assert [name for name in (*gone, "EncryptedAttributesSequence") if name in dataset] == []
        assert dataset.ReferencedImageSequence[0].ReferencedSOPInstanceUID == "1.2.3"


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


def test_times_are_in_the_zone_that_the_source_names(tmp_path: Path) -> None:
    for name, zone in (("east", "+1300"), ("west", "-1100")):

        def change(dataset: Dataset, number: int, zone: str = zone) -> None:
            dataset.TimezoneOffsetFromUTC = zone

        phantoms.write_series(tmp_path / name, change=change)
    east, west = (written(only(tmp_path / name), tmp_path / f"{name}-out")[0] for name in ("east", "west"))
    moments = [np.datetime64(f"{d.ContentDate[:4]}-{d.ContentDate[4:6]}-{d.ContentDate[6:]}") for d in (east, west)]
    assert moments[0] - moments[1] == np.timedelta64(1, "D")


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


def test_result_can_be_reconstructed_again(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "in")
    written(only(tmp_path / "in"), tmp_path / "once")
    again = written(only(tmp_path / "once"), tmp_path / "twice")
    assert np.array_equal(np.stack([dataset.pixel_array for dataset in again]), phantoms.stored())
    assert [len(dataset.ContributingEquipmentSequence) for dataset in again] == [4] * 5
