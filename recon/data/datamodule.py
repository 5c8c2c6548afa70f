"""What all of Lightning's data modules share: where the data lie, how they are batched, in one process or many."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence, Sized
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from pytorch_lightning import LightningDataModule
from pytorch_lightning.utilities import rank_zero_info

from recon.data.batches import Draw, EvaluationBatches, TrainingBatches
from recon.data.embedded import ensure_embedded
from recon.data.loaders import DrawLoader
from recon.data.prepared import cache_folder
from recon.data.sets import SetName
from recon.errors import ConfigError, require_at_least
from recon.records import Word

Stage = Literal["train", "validation", "test"]
STAGES: tuple[Stage, ...] = ("train", "validation", "test")


class Grouped(Sized, Protocol):
    """A data set that is asked for draws, whose samples belong to groups that one process evaluates together."""

    @property
    def groups(self) -> Sequence[range]:
        """The indices of the samples of each group."""

    def __getitem__(self, key: int | Draw, /) -> object:
        """Read a sample; a plain index stands for a draw of epoch 0."""


DatasetT = TypeVar("DatasetT", bound=Grouped)


class DataModule(LightningDataModule, ABC, Generic[DatasetT]):
    """Batches of a data set for training, validation and test, of which no sample is repeated or lost.

    All that is random about a sample follows from `seed`, the epoch and its index, whatever the number of workers and
    processes. In training, `batch_size` counts the samples of one process, and `shift_augmentation` is the furthest
    that an image is moved along each axis at random, circularly (0: not at all).
    """

    modality: SetName
    collate: Callable[[Sequence[Any]], Any]  # makes a batch of samples; a static method

    def __init__(
        self,
        data_dir: Path | None,
        *,
        batch_size: int,
        workers: int,
        seed: int,
        cache: Path | None,
        shift_augmentation: int,
    ) -> None:
        """Keep the settings; nothing is read yet."""
        super().__init__()
        self.batch_size = require_at_least(batch_size, 1, name="batch_size")
        self.workers = require_at_least(workers, 0, name="workers")
        self.seed = require_at_least(seed, 0, name="seed")
        self.cache = Path(cache) if cache else cache_folder()
        self.shift_augmentation = require_at_least(shift_augmentation, 0, name="shift_augmentation")
        self.given_folder = None if data_dir is None else Path(data_dir)
        self.datasets: dict[Stage, DatasetT] = {}

    @property
    def folder(self) -> Path:
        """The data folder, or that of the embedded data, which are made if they are not there."""
        if self.given_folder is None:
            return ensure_embedded(self.modality, cache=self.cache)
        return self.given_folder

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, Word]:
        """How inputs come about, as JSON can hold it: arguments with which other data are read alike."""

    @abstractmethod
    def dataset(self, stage: Stage) -> DatasetT:
        """Open the data set of a stage."""

    def training_dataset(self) -> DatasetT:
        """Open the data set of the training, with its augmentation."""
        return self.dataset("train")

    def prepare_data(self) -> None:
        """Make the embedded files; Lightning calls this in one process of each machine."""
        folder = self.folder
        if self.given_folder is None:
            rank_zero_info(
                f"no data folder is given: using the embedded synthetic {self.modality.upper()} data in {folder}"
            )

    def setup(self, stage: str | None = None) -> None:
        """Open the data sets; Lightning calls this in every process."""
        needed: Mapping[str | None, Sequence[Stage]] = {
            "fit": STAGES[:2],
            "validate": ["validation"],
            "test": ["test"],
            "predict": ["test"],
        }
        for one in needed.get(stage, STAGES):
            if one not in self.datasets:
                self.datasets[one] = self.training_dataset() if one == "train" else self.dataset(one)

    def train_dataloader(self) -> DrawLoader:
        """Give shuffled batches of the training data."""
        rank, world_size = self._place()
        dataset = self.datasets["train"]
        batches = TrainingBatches(
            len(dataset), batch_size=self.batch_size, seed=self.seed, rank=rank, world_size=world_size
        )
        return self._loader(dataset, batches)

    def val_dataloader(self) -> DrawLoader:
        """Give the validation data in order."""
        return self._in_order("validation")

    def test_dataloader(self) -> DrawLoader:
        """Give the test data in order."""
        return self._in_order("test")

    def predict_dataloader(self) -> DrawLoader:
        """Give the test data in order."""
        return self._in_order("test")

    def _in_order(self, stage: Stage) -> DrawLoader:
        rank, world_size = self._place()
        dataset = self.datasets[stage]
        batches = EvaluationBatches(dataset, batch_size=self.batch_size, rank=rank, world_size=world_size)
        return self._loader(dataset, batches)

    def _loader(self, dataset: DatasetT, batches: TrainingBatches | EvaluationBatches) -> DrawLoader:
        return DrawLoader(dataset, batches, collate=type(self).collate, workers=self.workers, seed=self.seed)

    def _place(self) -> tuple[int, int]:
        """Give this process's rank and the number of processes."""
        trainer = self.trainer
        if trainer is None or trainer.world_size == 1:
            return 0, 1
        if getattr(trainer._accelerator_connector, "use_distributed_sampler", False):
            raise ConfigError(
                "the trainer must leave the sharing of samples to the data, which repeats and loses none: pass "
                "use_distributed_sampler=False to it"
            )
        return trainer.global_rank, trainer.world_size
