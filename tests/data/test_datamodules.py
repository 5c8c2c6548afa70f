"""Lightning's view of the data."""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor

from recon.data import datamodule
from recon.data.augmentation import ShiftedSlices
from recon.data.batches import Draw
from recon.data.datamodules import CTData, MRIData, SliceData
from recon.data.fastmri import FastMRISlices
from recon.data.lodopab import LoDoPaBSlices
from recon.data.samples import Batch, Sample
from recon.errors import ConfigError, DataError
from tests.data.files import write_fastmri_folder, write_lodopab_folder, write_lodopab_pair


@pytest.fixture(params=["mri", "ct"])
def data(request: pytest.FixtureRequest, tmp_path: Path) -> SliceData:
    """Make data modules of both modalities over small folders."""
    cache = tmp_path / "cache"
    if request.param == "mri":
        return MRIData(write_fastmri_folder(tmp_path / "knee"), batch_size=2, workers=0, prepared=True, cache=cache)
    folder = write_lodopab_folder(tmp_path / "chest")
    write_lodopab_pair(folder, "train", 1, slices=6)
    return CTData(folder, batch_size=2, workers=0, cache=cache)


class Counting(LightningModule):
    """A network of one weight that notes what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))
        self.seen: list[tuple[str, int]] = []

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Note the batch's origins."""
        assert batch.target is not None
        self.seen += [(origin.file, origin.slice) for origin in batch.origins]
        return (self.weight * batch.input - batch.target).square().mean()

    def validation_step(self, batch: Batch, index: int) -> None:
        """Take a batch."""

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Give an optimiser."""
        return torch.optim.SGD(self.parameters(), lr=0.1)


def slices(loader: Iterable[Batch]) -> list[tuple[str, int]]:
    """List the files and slices that a loader gives."""
    return [(origin.file, origin.slice) for batch in loader for origin in batch.origins]


def opened(data: SliceData, *, rank: int = 0, world_size: int = 1) -> SliceData:
    """Set a data module up as one of several processes would."""
    data.trainer = SimpleNamespace(  # type: ignore[assignment]
        global_rank=rank, world_size=world_size, _accelerator_connector=SimpleNamespace(use_distributed_sampler=False)
    )
    data.prepare_data()
    data.setup()
    return data


def test_lightning_trains_on_every_sample_once_an_epoch(data: SliceData, tmp_path: Path) -> None:
    network = Counting()
    options: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    Trainer(max_epochs=2, accelerator="cpu", default_root_dir=tmp_path, enable_model_summary=False, **options).fit(
        network, data
    )
    count = len(data.datasets["train"])
    first, second = network.seen[:count], network.seen[count:]
    assert len(set(first)) == count
    assert set(first) == set(second)
    assert first != second  # each epoch has its own order; Lightning has set the epoch


@pytest.mark.parametrize("world_size", [2, 3])
def test_processes_share_the_samples(data: SliceData, world_size: int) -> None:
    alone = slices(opened(data).val_dataloader())
    shares = [slices(opened(data, rank=rank, world_size=world_size).val_dataloader()) for rank in range(world_size)]
    assert sorted(chain(*shares)) == sorted(alone)
    assert len(set(alone)) == len(alone)


def test_workers_change_nothing(data: SliceData) -> None:
    alone = list(opened(data).train_dataloader())
    data.workers = 2
    worked = list(data.train_dataloader())
    assert [batch.origins for batch in alone] == [batch.origins for batch in worked]
    assert all(a.input.equal(b.input) for a, b in zip(alone, worked, strict=True))


def test_a_trainer_that_shares_out_itself_is_refused(data: SliceData) -> None:
    opened(data, world_size=2)
    data.trainer._accelerator_connector.use_distributed_sampler = True  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match="pass use_distributed_sampler=False"):
        data.val_dataloader()


def test_options_reach_the_data_sets(tmp_path: Path) -> None:
    folder = write_fastmri_folder(tmp_path / "knee")
    data = opened(MRIData(folder, workers=0, seed=5, clamp=1.0, cache=tmp_path))
    train, validation = data.datasets["train"], data.datasets["validation"]
    assert isinstance(train, FastMRISlices)
    assert isinstance(validation, FastMRISlices)
    assert (train.training, train.seed, train.clamp) == (True, 5, 1.0)
    assert (validation.training, validation.clamp) == (False, 1.0)
    first, second = train[Draw(0, 0)], train[Draw(0, 1)]
    assert isinstance(first, Sample)
    assert isinstance(second, Sample)
    assert not first.input.equal(second.input)
    chests = opened(CTData(write_lodopab_folder(tmp_path / "chest"), workers=0, frequency_scaling=0.5, cache=tmp_path))
    opened_part = chests.datasets["train"]
    assert isinstance(opened_part, LoDoPaBSlices)
    assert opened_part.frequency_scaling == 0.5


def test_a_folder_of_the_other_modality_is_refused(tmp_path: Path) -> None:
    folder = write_lodopab_folder(tmp_path / "chest")
    with pytest.raises(DataError, match="must be a folder of fastMRI single-coil volumes, got LoDoPaB-CT"):
        MRIData(folder, cache=tmp_path).setup()


def test_shifts_move_training_slices_alone(tmp_path: Path) -> None:
    folder = write_fastmri_folder(tmp_path / "knee")
    moved = opened(MRIData(folder, workers=0, shift_augmentation=3, cache=tmp_path)).datasets
    still = opened(MRIData(folder, workers=0, cache=tmp_path)).datasets
    assert isinstance(moved["train"], ShiftedSlices)
    assert not isinstance(moved["validation"], ShiftedSlices)
    assert len(moved["train"]) == len(still["train"])


def test_lightning_may_set_up_one_stage_alone(data: SliceData) -> None:
    data.prepare_data()
    data.setup("test")
    assert list(data.datasets) == ["test"]
    assert len(data.test_dataloader()) > 0


@pytest.mark.parametrize(("kind", "modality"), [(MRIData, "mri"), (CTData, "ct")])
def test_without_a_folder_the_embedded_data_are_used(
    kind: type[SliceData], modality: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_fastmri_folder(tmp_path) if modality == "mri" else write_lodopab_folder(tmp_path)
    asked: list[tuple[str, Path]] = []
    told: list[str] = []

    def ensure(modality: str, *, cache: Path) -> Path:
        asked.append((modality, cache))
        return folder

    monkeypatch.setattr(datamodule, "ensure_embedded", ensure)
    monkeypatch.setattr(datamodule, "rank_zero_info", told.append)
    data = kind(cache=tmp_path / "cache", workers=0)  # type: ignore[call-arg]
    data.prepare_data()
    data.setup("fit")
    assert set(asked) == {(modality, tmp_path / "cache")}
    assert "embedded synthetic" in told[0]
    assert len(data.datasets["train"]) > 0
