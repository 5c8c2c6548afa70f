"""Which data networks are evaluated on: those asked for, or those of their training, read as the networks know them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from recon.data.datamodules import CTData, MRIData
from recon.data.inspection.kinds import data_folder
from recon.data.labels.datamodules import CIFAR10Data, ImageNetData, LabelData, VOCData
from recon.data.samples import Slices
from recon.errors import ConfigError, DataError
from recon.evaluation.loading import Found
from recon.evaluation.modalities import IMAGES, KNOWN, LABELS, TITLES
from recon.evaluation.wishes import Wishes
from recon.records import Word

DATA: dict[str, type[MRIData | CTData]] = {"mri": MRIData, "ct": CTData}
LABEL_DATA: dict[str, type[LabelData]] = {"cifar10": CIFAR10Data, "imagenet": ImageNetData, "voc": VOCData}
_KINDS = {"fastmri": "mri", "lodopab": "ct", **{name: name for name in LABELS}}

DataT = TypeVar("DataT")


def modalities_of(found: Sequence[Found], wishes: Wishes) -> list[str]:
    """Find which modalities are to be evaluated: those asked for, or those that the networks were trained on."""
    trained = list(dict.fromkeys(one.modalities[0] for one in found if len(one.modalities) == 1))
    asked = wishes.modality if wishes.data is None else _modality_of_folder(wishes.data, wishes.modality, trained)
    if asked is not None:
        unfit = [one.model.name for one in found if asked not in one.modalities]
        if len(unfit) == len(found):
            raise ConfigError(f"{unfit[0]} must be for {TITLES[asked]} data, got a network for another modality")
        return [asked]
    if not trained:
        raise ConfigError(
            f"nothing says which data to evaluate on; give --data FOLDER, or --modality {', '.join(KNOWN[:-1])} or "
            f"{KNOWN[-1]}"
        )
    unclear = [one.model.name for one in found if set(one.modalities) == set(KNOWN)]
    if unclear and {*trained} & {*IMAGES} and {*trained} & {*LABELS}:
        raise ConfigError(
            f"{unclear[0]} must be for images or for labels, and the other networks are for both; evaluate them apart, "
            f"with --modality"
        )
    return trained


def data_of(modality: str, members: Sequence[Found], wishes: Wishes, kinds: Mapping[str, type[DataT]]) -> DataT:
    """Build the data module: the folder asked for, or that of the training; inputs as the networks know them."""
    trained = [(one.model.name, one.data) for one in members if one.data is not None]
    settings = _same(trained, "settings")
    folder = wishes.data if wishes.data is not None else _same(trained, "folder")
    if isinstance(folder, str) and not Path(folder).exists():
        raise DataError(f"the data that the networks were trained on are not at {folder}; say where with --data")
    given = dict(settings) if isinstance(settings, Mapping) else {}
    arguments: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
    }  # the data module checks them itself
    chosen = None if folder is None else Path(str(folder))
    try:
        return kinds[modality](chosen, workers=0, seed=wishes.seed, **arguments)  # type: ignore[call-arg]
    except TypeError as error:
        raise DataError(
            f"the settings of {trained[0][0]}'s data cannot be understood: {error}; update recon"
        ) from error


def other_slices(modality: str, folder: Path | None) -> Slices | None:
    """Open the test slices of the other modality's data, if a folder of them is given."""
    if folder is None:
        return None
    kind = _KINDS.get(data_folder(folder).kind)
    if kind not in IMAGES or kind == modality:
        raise DataError(f"{folder} must hold {'CT' if modality == 'mri' else 'MRI'} data, got {kind or 'others'}")
    return (
        CTData(folder, prepared=False).dataset("test") if kind == "ct" else MRIData(folder, clamp=None).dataset("test")
    )


def _modality_of_folder(folder: Path, asked: str | None, trained: Sequence[str]) -> str:
    """Tell the modality of a folder; where it must be labelled, it is not looked through: ImageNet has many files."""
    labelled = [asked] if asked is not None else list(trained)
    if labelled and all(one in LABELS for one in labelled):
        if len(labelled) > 1:
            raise ConfigError(
                f"{folder} must be of one data set, got networks for {' and '.join(labelled)}; choose one"
            )
        return str(labelled[0])  # whose data module looks whether it is that
    kind = data_folder(folder).kind
    of_data = _KINDS.get(kind)
    if of_data is None:
        raise DataError(f"{folder} must be of one of {', '.join(TITLES.values())}, got {kind}; give another folder")
    if asked is not None and asked != of_data:
        raise ConfigError(f"{folder} holds {TITLES[of_data]} data, but --modality {asked} was asked for")
    return of_data


def _same(trained: Sequence[tuple[str, Mapping[str, Word]]], key: str) -> Word:
    """Give what all networks agree on."""
    if not trained:
        return None
    first, wanted = trained[0][0], trained[0][1].get(key)
    for name, data in trained:
        if data.get(key) != wanted:
            raise ConfigError(
                f"networks that are evaluated together must share their data, got {first} with {key} {wanted} and "
                f"{name} with {data.get(key)}; evaluate them one by one, into folders of their own"
            )
    return wanted
