"""Lightning's view of labelled pictures."""

from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from recon.data import datamodule
from recon.data.labels.cifar import CIFAR10Images
from recon.data.labels.datamodules import CIFAR10Data, ImageNetData, LabelData, VOCData
from recon.data.labels.imagenet import ImageNetImages
from recon.data.labels.samples import Labelled, LabelledBatch
from recon.data.labels.voc import VOCImages
from recon.errors import ConfigError
from tests.data.labels.files import CIFAR_NAMES, SYNSETS, samples_of, write_cifar, write_imagenet, write_voc

MAKERS: dict[str, Callable[[Path, Path], LabelData]] = {
    "cifar10": lambda folder, cache: CIFAR10Data(write_cifar(folder), batch_size=8, workers=0, cache=cache),
    "imagenet": lambda folder, cache: ImageNetData(
        write_imagenet(folder), crop=24, resize=32, batch_size=2, workers=0, cache=cache, shift_augmentation=3
    ),
    "voc": lambda folder, cache: VOCData(
        write_voc(folder), crop=32, batch_size=2, workers=0, cache=cache, shift_augmentation=3
    ),
}


@pytest.fixture(params=MAKERS)
def data(request: pytest.FixtureRequest, tmp_path: Path) -> LabelData:
    """Make data modules of all data sets over small folders."""
    return MAKERS[request.param](tmp_path / "data", tmp_path / "cache")


def opened(data: LabelData, *, rank: int = 0, world_size: int = 1) -> LabelData:
    """Set a data module up as one of several processes would."""
    data.trainer = SimpleNamespace(  # type: ignore[assignment]
        global_rank=rank, world_size=world_size, _accelerator_connector=SimpleNamespace(use_distributed_sampler=False)
    )
    data.prepare_data()
    data.setup()
    return data


def places(loader: Iterable[LabelledBatch]) -> list[tuple[str, int]]:
    """List the files and places of the images that a loader gives."""
    return [(origin.file, origin.slice) for batch in loader for origin in batch.origins]


def test_every_image_is_given_once_an_epoch(data: LabelData) -> None:
    opened(data)
    loaders = (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())
    for loader, stage in zip(loaders, data.datasets, strict=True):
        found = places(loader)
        assert len(found) == len(set(found)) == len(data.datasets[stage])
    assert data.datasets.keys() == {"train", "validation", "test"}


def test_training_shares_no_image_with_validation_or_test(data: LabelData) -> None:
    opened(data)
    train = set(places(data.train_dataloader()))
    assert not train & set(places(data.val_dataloader()))
    assert not train & set(places(data.test_dataloader()))


def test_processes_share_the_images(data: LabelData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Labelled, "group_size", 2)
    monkeypatch.setattr(VOCImages, "group_size", 2)
    alone = places(opened(data).val_dataloader())
    shares = [places(opened(data, rank=rank, world_size=2).val_dataloader()) for rank in range(2)]
    assert min(map(len, shares)) > 0
    assert sorted(chain(*shares)) == sorted(alone)


def test_targets_are_classes(data: LabelData) -> None:
    batch = next(iter(opened(data).train_dataloader()))
    assert isinstance(batch, LabelledBatch)
    assert batch.input.dtype == torch.float32
    assert batch.target.dtype == torch.int64
    assert batch.target.shape == (len(batch), *((32, 32) if data.task == "segmentation" else ()))
    judged = batch.target[batch.target != 255]
    assert 0 <= int(judged.min()) <= int(judged.max()) < len(data.classes)


def test_workers_change_nothing(tmp_path: Path) -> None:
    data = opened(MAKERS["imagenet"](tmp_path / "data", tmp_path))
    alone = list(data.train_dataloader())
    data.workers = 2
    worked = list(data.train_dataloader())
    assert [batch.origins for batch in alone] == [batch.origins for batch in worked]
    assert all(a.input.equal(b.input) and a.target.equal(b.target) for a, b in zip(alone, worked, strict=True))


def test_training_images_vary_by_epoch_and_others_do_not(data: LabelData) -> None:
    opened(data)
    train, validation = data.train_dataloader(), data.val_dataloader()
    images = []
    for epoch in range(2):
        train.batches.set_epoch(epoch)  # type: ignore[union-attr]
        images.append(
            {(o.file, o.slice): x for batch in train for o, x in zip(batch.origins, batch.input, strict=True)}
        )
    assert any(not images[0][place].equal(images[1][place]) for place in images[0])
    pairs = zip(list(validation), list(validation), strict=True)
    assert all(a.input.equal(b.input) for a, b in pairs)


def test_the_training_images_are_there_as_they_are_tested(data: LabelData) -> None:
    plain = data.dataset("train")
    assert isinstance(plain, CIFAR10Images | ImageNetImages | VOCImages)
    assert plain.augmentation is None
    training = data.training_dataset()
    assert isinstance(training, CIFAR10Images | ImageNetImages | VOCImages)
    assert training.augmentation is not None
    assert (training.augmentation.seed, training.augmentation.furthest) == (data.seed, data.shift_augmentation)
    assert len(plain) == len(training)


def test_classes_are_those_of_the_folder(tmp_path: Path) -> None:
    found = {name: make(tmp_path / name, tmp_path).classes for name, make in MAKERS.items()}
    assert list(found["cifar10"]) == list(CIFAR_NAMES)
    assert list(found["imagenet"]) == list(SYNSETS)
    assert len(found["voc"]) == 21


def test_settings_make_modules_that_read_alike(data: LabelData) -> None:
    again = type(data)(data.given_folder, workers=0, **data.settings)  # type: ignore[arg-type]
    for a, b in zip(samples_of(data.dataset("test")), samples_of(again.dataset("test")), strict=True):
        assert a.input.equal(b.input)
    assert again.settings == data.settings


def test_fewer_images_are_taken_of_each_part(tmp_path: Path) -> None:
    data = opened(CIFAR10Data(write_cifar(tmp_path / "cifar10"), workers=0, max_images=10, cache=tmp_path))
    for dataset in data.datasets.values():
        assert sorted(int(sample.target) for sample in samples_of(dataset)) == list(range(10))
    folder = write_imagenet(tmp_path / "imagenet")
    assert len(ImageNetData(folder, max_images=4, cache=tmp_path).dataset("test")) == 4
    assert len(VOCData(write_voc(tmp_path / "voc"), max_images=2, cache=tmp_path).dataset("train")) == 2


def test_a_share_of_cifars_training_images_is_held_out(tmp_path: Path) -> None:
    folder = write_cifar(tmp_path)
    data = opened(CIFAR10Data(folder, validation_share=0.2, workers=0, cache=tmp_path))
    counts = {stage: np.bincount([int(s.target) for s in samples_of(d)]).tolist() for stage, d in data.datasets.items()}
    assert counts == {"train": [8] * 10, "validation": [2] * 10, "test": [2] * 10}
    held = places(data.val_dataloader())
    other = opened(CIFAR10Data(folder, validation_share=0.2, workers=0, cache=tmp_path, seed=1))
    assert set(places(other.val_dataloader())) != set(held)
    assert set(places(other.test_dataloader())) == set(places(data.test_dataloader()))


def test_without_a_share_cifars_validation_is_its_test(tmp_path: Path) -> None:
    data = opened(CIFAR10Data(write_cifar(tmp_path), validation_share=0, workers=0, cache=tmp_path))
    assert len(data.datasets["train"]) == 100
    assert places(data.val_dataloader()) == places(data.test_dataloader())


@pytest.mark.parametrize("share", [-0.1, 1, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match="validation_share must be at least 0 and less than 1"):
        CIFAR10Data(validation_share=share)


def test_words_that_are_none_are_refused() -> None:
    with pytest.raises(ConfigError, match="on_bad_file must be one of error, skip"):
        VOCData(on_bad_file="ignore")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="max_images must be a whole number of at least 1"):
        ImageNetData(max_images=0)


def test_a_file_that_cannot_be_read_is_left_out_and_told(tmp_path: Path) -> None:
    folder = write_imagenet(tmp_path / "data")
    path = next((folder / "val" / SYNSETS[0]).iterdir())
    path.write_bytes(b"")
    data = opened(ImageNetData(folder, crop=24, resize=32, workers=0, on_bad_file="skip", cache=tmp_path))
    (batch,) = data.val_dataloader()
    assert len(batch) == 5
    assert "the file is empty" in batch.skipped[0] or "not a JPEG" in batch.skipped[0]


@pytest.mark.parametrize(("kind", "name"), [(CIFAR10Data, "cifar10"), (ImageNetData, "imagenet"), (VOCData, "voc")])
def test_without_a_folder_the_embedded_data_are_used(
    kind: type[LabelData], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    MAKERS[name](tmp_path / "data", tmp_path)
    asked: list[tuple[str, Path]] = []

    def ensure(name: str, *, cache: Path) -> Path:
        asked.append((name, cache))
        return tmp_path / "data"

    monkeypatch.setattr(datamodule, "ensure_embedded", ensure)
    data = kind(cache=tmp_path / "cache", workers=0)  # type: ignore[call-arg]
    data.prepare_data()
    data.setup("fit")
    assert set(asked) == {(name, tmp_path / "cache")}
    assert data.modality == name
    assert len(data.datasets["train"]) > 0
