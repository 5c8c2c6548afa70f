"""The same result has the same UIDs, and any other has others."""

import uuid
from pathlib import Path

import numpy as np
import pydicom

from recon.clinical.formats.dicom import sources
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import identity, only, written


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
    for name in ("other image", "other version"):
        assert not set(uids["first"]) & set(uids[name])  # of all images: one that looks the same is in another series
    old = {str(pydicom.dcmread(file).SOPInstanceUID) for file in files} | {f"{phantoms.ROOT}.2.1"}
    assert not old & {uid for found in uids.values() for uid in found}


def test_image_that_is_sent_again_alone_is_another_one(tmp_path: Path) -> None:
    file = phantoms.write_series(tmp_path / "in")[2]
    uids = {str(dataset.SOPInstanceUID) for dataset in written(only(tmp_path / "in"), tmp_path / "all")}
    (alone,) = written(only(file), tmp_path / "one")
    assert str(alone.SOPInstanceUID) not in uids


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
