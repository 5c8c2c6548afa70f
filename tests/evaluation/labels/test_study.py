"""Studies of labelled images: which images, and what tells one study from another."""

from pathlib import Path
from shutil import copytree

import pytest

from recon.data.labels.datamodules import CIFAR10Data, ImageNetData, LabelData, VOCData
from recon.errors import ConfigError, DataError
from recon.evaluation.labels.study import LabelStudy, label_study_of
from recon.evaluation.studies import fingerprint_of
from tests.evaluation.labels.small import images_of, study_of_images


@pytest.mark.parametrize("limit", [None, 1, 7, 30, 99])
@pytest.mark.parametrize("size", [1, 8, 256])
def test_images_are_as_many_as_asked_for_each_once_and_spread(limit: int | None, size: int) -> None:
    units = study_of_images(30, (2, 2), limit=limit).images(size=size)
    found = [index for unit in units for index in unit.indices]
    assert len(found) == min(limit or 30, 30)
    assert found == sorted({*found})
    assert all(len(unit.indices) == size for unit in units[:-1])
    assert len({unit.name for unit in units}) == len(units)
    if limit == 7:
        assert found == [2, 6, 10, 15, 19, 23, 27]


def test_a_limit_goes_before_what_a_protocol_takes() -> None:
    assert sum(len(unit.indices) for unit in study_of_images(30, (2, 2)).images(most=4)) == 4
    assert sum(len(unit.indices) for unit in study_of_images(30, (2, 2), limit=9).images(most=4)) == 9


def test_units_of_segmentation_are_small() -> None:
    assert [len(unit.indices) for unit in study_of_images(20, (2, 2), task="segmentation").images()] == [16, 4]


@pytest.mark.parametrize("size", [1, 3, 16])
def test_batches_hold_the_images_of_a_unit(size: int) -> None:
    study, images = study_of_images(10, (2, 2)), images_of(10, (2, 2))
    (unit,) = study.images()
    batches = list(study.batches(unit, size))
    assert [len(batch) for batch in batches] == [
        len(range(start, min(start + size, 10))) for start in range(0, 10, size)
    ]
    found = [image for batch in batches for image in batch.input]
    assert all(one.equal(other) for one, other in zip(found, images, strict=True))


def test_a_study_says_what_its_data_are(cifar10: Path, imagenet: Path, voc: Path) -> None:
    studies = [
        label_study_of(data)
        for data in (
            CIFAR10Data(cifar10, workers=0),
            ImageNetData(imagenet, crop=32, resize=40, workers=0),
            VOCData(voc, crop=64, workers=0),
        )
    ]
    assert [study.task for study in studies] == ["classification", "classification", "segmentation"]
    assert [study.shape for study in studies] == [(3, 32, 32), (3, 32, 32), (3, 64, 64)]
    assert [study.wide_size for study in studies] == [None, (40, 40), None]
    assert [study.source.name for study in studies] == [
        "pictures in CIFAR-10's files (synthetic)",
        "pictures in ImageNet's files (synthetic)",
        "pictures in PASCAL VOC's files (synthetic)",
    ]
    assert all(study.source.synthetic for study in studies)
    assert [study.modality for study in studies] == ["cifar10", "imagenet", "voc"]
    assert studies[1].source.settings == {"crop": 32, "resize": 40}


def test_real_data_are_called_by_their_name(cifar10: Path, tmp_path: Path) -> None:
    copytree(cifar10, tmp_path / "real")
    (tmp_path / "real" / "synthetic.json").unlink()
    source = label_study_of(CIFAR10Data(tmp_path / "real", workers=0)).source
    assert (source.name, source.synthetic) == ("CIFAR-10", False)


def test_other_data_settings_and_seeds_have_other_fingerprints(cifar10: Path, voc: Path, tmp_path: Path) -> None:
    copytree(cifar10, tmp_path / "moved")
    copytree(cifar10, tmp_path / "changed")
    path = tmp_path / "changed" / "cifar-10-batches-py" / "test_batch"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    def key(data: LabelData, seed: int = 0, limit: int | None = None) -> str:
        return label_study_of(data, seed=seed, limit=limit).fingerprint

    first = key(CIFAR10Data(cifar10, workers=0))
    assert key(CIFAR10Data(tmp_path / "moved", workers=0)) == first
    assert key(CIFAR10Data(cifar10, workers=0), limit=3) == first
    found = {
        first,
        key(CIFAR10Data(cifar10, workers=0), seed=1),
        key(CIFAR10Data(cifar10, workers=0, max_images=5)),
        key(CIFAR10Data(tmp_path / "changed", workers=0)),
        key(VOCData(voc, crop=64, workers=0)),
        key(VOCData(voc, crop=48, workers=0)),
    }
    assert len(found) == 6


def test_of_very_many_files_some_are_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [tmp_path / f"{number}.jpg" for number in range(9)]
    for file in files:
        file.write_bytes(b"0")

    def keys() -> tuple[str, str]:
        monkeypatch.setattr("recon.evaluation.studies._PEEKS", 100)
        every = fingerprint_of(files, "")
        monkeypatch.setattr("recon.evaluation.studies._PEEKS", 3)
        return every, fingerprint_of(files, "")

    before = keys()
    files[4].write_bytes(b"1")  # one of three
    middle = keys()
    files[5].write_bytes(b"1")
    after = keys()
    assert len({before[0], middle[0], after[0]}) == 3
    assert before[1] != middle[1] == after[1]
    files[5].write_bytes(b"11")
    assert keys()[1] != after[1]


def test_numbers_are_checked_and_nothing_readable_is_refused() -> None:
    with pytest.raises(ConfigError, match="limit must be a whole number of at least 1, got 0"):
        study_of_images(limit=0)
    with pytest.raises(DataError, match="must have something that can be read, got nothing"):
        _ = study_of_images(2, broken=[0, 1]).shape
    assert isinstance(study_of_images(), LabelStudy)
    assert study_of_images(3, broken=[0], margin=2).wide_size == (10, 10)
