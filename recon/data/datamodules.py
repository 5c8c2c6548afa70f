"""Lightning's view of the data: batches for training, validation and test, in one process or many."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from pytorch_lightning import LightningDataModule
from pytorch_lightning.utilities import rank_zero_info

from recon.data.augmentation import ShiftedSlices
from recon.data.batches import EvaluationBatches, TrainingBatches
from recon.data.embedded import ensure_embedded
from recon.data.fastmri import CLAMP, FastMRISlices
from recon.data.inspection.kinds import Kind, require_kind
from recon.data.loaders import SliceLoader
from recon.data.lodopab import LoDoPaBSlices
from recon.data.masks import ColumnMask, MaskKind
from recon.data.preparation import preparation_of, prepare_all
from recon.data.prepared import cache_folder
from recon.data.samples import Slices
from recon.data.scanning import OnBadFile
from recon.data.synthetic.make import Modality
from recon.data.volumes import Acquisition, parts_of
from recon.errors import ConfigError, require_at_least
from recon.ops.filtered_back_projection import Filter
from recon.records import Word

Stage = Literal["train", "validation", "test"]
Numbers = TypeVar("Numbers", tuple[int, ...], tuple[int, int], tuple[float, ...])

STAGES: tuple[Stage, ...] = ("train", "validation", "test")


class SliceData(LightningDataModule, ABC):
    """What the modalities share: where the data lie, how they are batched, and that no sample is repeated or lost.

    All that is random about a sample follows from `seed`, the epoch and its index, whatever the number of workers and
    processes. In training, `batch_size` counts the slices of one process, and `shift_augmentation` is the furthest that
    a slice is moved along each axis at random, circularly (0: not at all).
    """

    def __init__(
        self,
        data_dir: Path | None,
        *,
        batch_size: int,
        workers: int,
        seed: int,
        cache: Path | None,
        prepared: bool,
        shift_augmentation: int,
        on_bad_file: OnBadFile,
    ) -> None:
        """Keep the settings; nothing is read yet."""
        super().__init__()
        self.batch_size = require_at_least(batch_size, 1, name="batch_size")
        self.workers = require_at_least(workers, 0, name="workers")
        self.seed = require_at_least(seed, 0, name="seed")
        self.cache = Path(cache) if cache else cache_folder()
        self.prepared = prepared
        self.shift_augmentation = require_at_least(shift_augmentation, 0, name="shift_augmentation")
        self.on_bad_file: OnBadFile = on_bad_file
        self.given_folder = None if data_dir is None else Path(data_dir)
        self.datasets: dict[Stage, Slices] = {}

    kind: Kind
    modality: Modality

    @property
    def folder(self) -> Path:
        """The data folder, or that of the embedded data."""
        if self.given_folder is None:
            return ensure_embedded(self.modality, cache=self.cache)
        return require_kind(self.given_folder, self.kind).path

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, Word]:
        """How inputs come about, as JSON can hold it: arguments with which other data are read alike."""

    @abstractmethod
    def dataset(self, stage: Stage) -> Slices:
        """Open the data set of a stage."""

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
                self.datasets[one] = self.dataset(one)
                if one == "train" and self.shift_augmentation:
                    moved = ShiftedSlices(self.datasets[one], furthest=self.shift_augmentation, seed=self.seed)
                    self.datasets[one] = moved

    def train_dataloader(self) -> SliceLoader:
        """Give shuffled batches of the training data."""
        rank, world_size = self._place()
        dataset = self.datasets["train"]
        batches = TrainingBatches(
            len(dataset), batch_size=self.batch_size, seed=self.seed, rank=rank, world_size=world_size
        )
        return self._loader(dataset, batches)

    def val_dataloader(self) -> SliceLoader:
        """Give the validation data in order."""
        return self._in_order("validation")

    def test_dataloader(self) -> SliceLoader:
        """Give the test data in order."""
        return self._in_order("test")

    def predict_dataloader(self) -> SliceLoader:
        """Give the test data in order."""
        return self._in_order("test")

    def _prepare(self, *, filter: Filter | None = None, frequency_scaling: float | None = None) -> None:
        folder = self.folder
        if self.given_folder is None:
            rank_zero_info(
                f"no data folder is given: using the embedded synthetic {self.modality.upper()} data in {folder}"
            )
        if self.prepared:
            preparation = preparation_of(
                folder, filter=filter, frequency_scaling=frequency_scaling, on_bad_file=self.on_bad_file
            )
            prepare_all(preparation, self.cache, on_bad_file=self.on_bad_file)

    def _in_order(self, stage: Stage) -> SliceLoader:
        rank, world_size = self._place()
        dataset = self.datasets[stage]
        batches = EvaluationBatches(dataset, batch_size=self.batch_size, rank=rank, world_size=world_size)
        return self._loader(dataset, batches)

    def _loader(self, dataset: Slices, batches: TrainingBatches | EvaluationBatches) -> SliceLoader:
        return SliceLoader(dataset, batches, workers=self.workers, seed=self.seed)

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


class MRIData(SliceData):
    """fastMRI's single-coil volumes, or the embedded synthetic knees where no folder is given.

    Trains on singlecoil_train and validates on singlecoil_val. It tests on singlecoil_val too, as the APS paper does:
    singlecoil_test has no targets.
    """

    kind = "fastmri"
    modality = "mri"

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        mask: MaskKind = "random",
        accelerations: tuple[int, ...] = (4,),
        center_fractions: tuple[float, ...] = (0.08,),
        acquisition: Acquisition | None = None,
        crop: tuple[int, int] | None = None,
        clamp: float | None = CLAMP,
        max_volumes: int | None = None,
        prepared: bool = False,
        batch_size: int = 16,
        workers: int = 2,
        seed: int = 0,
        cache: Path | None = None,
        shift_augmentation: int = 0,
        on_bad_file: OnBadFile = "error",
    ) -> None:
        """Keep the settings. `prepared` makes and reads the prepared files of `recon data prepare`."""
        super().__init__(
            data_dir,
            batch_size=batch_size,
            workers=workers,
            seed=seed,
            cache=cache,
            prepared=prepared,
            shift_augmentation=shift_augmentation,
            on_bad_file=on_bad_file,
        )
        self.mask = ColumnMask(mask, _as_tuple(accelerations), _as_tuple(center_fractions))
        self.acquisition, self.clamp = acquisition, clamp
        self.crop = None if crop is None else _as_tuple(crop)
        self.max_volumes = max_volumes

    @property
    def settings(self) -> Mapping[str, Word]:
        """How inputs come about."""
        mask = self.mask
        return {
            "mask": mask.kind,
            "accelerations": list(mask.accelerations),
            "center_fractions": list(mask.center_fractions),
            "acquisition": self.acquisition,
            "crop": None if self.crop is None else list(self.crop),
            "clamp": self.clamp,
        }

    def prepare_data(self) -> None:
        """Make the embedded and the prepared files; Lightning calls this in one process of each machine."""
        self._prepare()

    def dataset(self, stage: Stage) -> FastMRISlices:
        """Open the volumes of a stage."""
        part = "train" if stage == "train" else "val"
        return FastMRISlices(
            parts_of(self.folder)[part],
            mask=self.mask,
            training=stage == "train",
            seed=self.seed,
            acquisition=self.acquisition,
            crop=self.crop,
            clamp=self.clamp,
            max_volumes=self.max_volumes,
            cache=self.cache if self.prepared else None,
            on_bad_file=self.on_bad_file,
        )


class CTData(SliceData):
    """LoDoPaB-CT, or the embedded synthetic chests where no folder is given; inputs are filtered back-projections."""

    kind = "lodopab"
    modality = "ct"

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        filter: Filter = "hann",
        frequency_scaling: float = 1.0,
        crop: tuple[int, int] | None = None,
        max_slices: int | None = None,
        prepared: bool = True,
        batch_size: int = 8,
        workers: int = 2,
        seed: int = 0,
        cache: Path | None = None,
        shift_augmentation: int = 0,
        on_bad_file: OnBadFile = "error",
    ) -> None:
        """Keep the settings. `crop` of the APS paper is (352, 352); `prepared` computes the inputs once, before."""
        super().__init__(
            data_dir,
            batch_size=batch_size,
            workers=workers,
            seed=seed,
            cache=cache,
            prepared=prepared,
            shift_augmentation=shift_augmentation,
            on_bad_file=on_bad_file,
        )
        self.filter: Filter = filter
        self.frequency_scaling = frequency_scaling
        self.crop, self.max_slices = None if crop is None else _as_tuple(crop), max_slices

    @property
    def settings(self) -> Mapping[str, Word]:
        """How inputs come about."""
        return {
            "filter": self.filter,
            "frequency_scaling": self.frequency_scaling,
            "crop": None if self.crop is None else list(self.crop),
        }

    def prepare_data(self) -> None:
        """Make the embedded data and the back-projections; Lightning calls this in one process of each machine."""
        self._prepare(filter=self.filter, frequency_scaling=self.frequency_scaling)

    def dataset(self, stage: Stage) -> LoDoPaBSlices:
        """Open the pairs of a stage."""
        return LoDoPaBSlices(
            self.folder,
            stage,
            filter=self.filter,
            frequency_scaling=self.frequency_scaling,
            crop=self.crop,
            max_slices=self.max_slices,
            cache=self.cache if self.prepared else None,
            on_bad_file=self.on_bad_file,
        )


def _as_tuple(given: Numbers) -> Numbers:
    """Take a list for a tuple; anything else is refused where it is used."""
    return tuple(given) if isinstance(given, list) else given
