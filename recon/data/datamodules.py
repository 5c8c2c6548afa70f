"""Lightning's view of the data: slices of MRI and CT."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from recon.data.augmentation import ShiftedSlices
from recon.data.datamodule import DataModule, Stage
from recon.data.fastmri import CLAMP, FastMRISlices
from recon.data.inspection.kinds import Kind, require_kind
from recon.data.lodopab import LoDoPaBSlices
from recon.data.masks import ColumnMask, MaskKind
from recon.data.preparation import preparation_of, prepare_all
from recon.data.samples import Slices, collate
from recon.data.scanning import OnBadFile
from recon.data.volumes import Acquisition, parts_of
from recon.ops.filtered_back_projection import Filter
from recon.records import Word

Numbers = TypeVar("Numbers", tuple[int, ...], tuple[int, int], tuple[float, ...])


class SliceData(DataModule[Slices]):
    """What the modalities share: prepared files, and what is done about a file that cannot be read."""

    kind: Kind
    collate = staticmethod(collate)

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
        super().__init__(
            data_dir,
            batch_size=batch_size,
            workers=workers,
            seed=seed,
            cache=cache,
            shift_augmentation=shift_augmentation,
        )
        self.prepared = prepared
        self.on_bad_file: OnBadFile = on_bad_file

    @property
    def folder(self) -> Path:
        """The data folder, checked to be of this kind, or that of the embedded data."""
        return super().folder if self.given_folder is None else require_kind(self.given_folder, self.kind).path

    def training_dataset(self) -> Slices:
        """Open the training slices, moved at random where that is asked for."""
        slices = self.dataset("train")
        if not self.shift_augmentation:
            return slices
        return ShiftedSlices(slices, furthest=self.shift_augmentation, seed=self.seed)

    def _prepare(self, *, filter: Filter | None = None, frequency_scaling: float | None = None) -> None:
        super().prepare_data()
        if self.prepared:
            preparation = preparation_of(
                self.folder, filter=filter, frequency_scaling=frequency_scaling, on_bad_file=self.on_bad_file
            )
            prepare_all(preparation, self.cache, on_bad_file=self.on_bad_file)


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
