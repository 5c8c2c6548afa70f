"""One evaluation from words: which networks, which data, which protocols; the data of each network found for it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from recon.data.datamodules import CTData, MRIData, SliceData
from recon.data.inspection.kinds import data_folder
from recon.data.progress import Counter
from recon.data.samples import Slices
from recon.errors import ConfigError, DataError, require_known
from recon.evaluation.loading import Found, Place, find_models
from recon.evaluation.models import Model
from recon.evaluation.protocol import Protocol
from recon.evaluation.protocols import PROTOCOLS
from recon.evaluation.running import Counting, evaluate, unfit_protocols
from recon.evaluation.study import Study, study_of
from recon.evaluation.worst import WorstProtocol
from recon.nn.unet import UNet
from recon.records import Record, Word

DATA: dict[str, type[MRIData | CTData]] = {"mri": MRIData, "ct": CTData}
_KINDS = {"fastmri": "mri", "lodopab": "ct"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for: see `recon evaluate --help`."""

    specs: Sequence[str]
    out: Path
    protocols: Sequence[str] = tuple(PROTOCOLS)
    data: Path | None = None
    modality: str | None = None
    ood: Path | None = None
    other: Path | None = None
    limit: int | None = None
    seed: int = 0
    every_shift: bool = False
    ten_shifts: bool = False
    place: Place = field(default_factory=Place)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: the records, and which protocols were left out for which network and why."""

    records: list[Record]
    left_out: Mapping[tuple[str, str], str]


def run(wishes: Wishes, *, counting: Counting = Counter) -> Outcome:
    """Load everything, so that mistakes show before hours of work, then evaluate; `counting` shows how far it is."""
    protocols = [_protocol(name, wishes) for name in wishes.protocols]
    found = find_models(wishes.specs, wishes.place)
    records: list[Record] = []
    left_out: dict[tuple[str, str], str] = {}
    studies = _studies(found, wishes)
    unfit = {model: reason for models, study in studies for model in models if (reason := _misfit(model, study))}
    if len(unfit) == len(found):
        raise ConfigError(next(iter(unfit.values())))
    for members, study in studies:
        models = [model for model in members if model not in unfit]
        records += evaluate(models, study, protocols, wishes.out, counting=counting)
        left_out |= unfit_protocols(models, study, protocols)
    measured = {model for models, _ in studies for model in models}
    left_out |= {
        (one.model.name, "everything"): f"it is for {one.modalities[0].upper()} data"
        for one in found
        if one.model not in measured
    }
    left_out |= {(model.name, "everything"): reason for model, reason in unfit.items()}
    return Outcome(records, left_out)


def _protocol(name: str, wishes: Wishes) -> Protocol:
    chosen = PROTOCOLS[require_known(name, PROTOCOLS, name="protocol")]
    return WorstProtocol(every=wishes.every_shift, ten=wishes.ten_shifts) if chosen is WorstProtocol else chosen()


def _studies(found: Sequence[Found], wishes: Wishes) -> list[tuple[list[Model], Study]]:
    """Put networks of one modality together with the data that they are evaluated on."""
    modalities = _modalities(found, wishes)
    studies = []
    for modality in modalities:
        members = [one for one in found if modality in one.modalities]
        data = _data(modality, members, wishes)
        study = study_of(
            data,
            seed=wishes.seed,
            limit=wishes.limit,
            ood=wishes.ood,
            other=other_slices(modality, wishes.other),
            device=wishes.place.device,
        )
        studies.append(([one.model for one in members], study))
    if not studies:
        raise ConfigError("the networks must fit the data, got none that does; give their own data with --data")
    return studies


def _misfit(model: Model, study: Study) -> str:
    """Say that a network cannot take slices of this size, or nothing."""
    network = model.module
    if not isinstance(network, UNet) or network.pad is not None:
        return ""
    if all(length % network.multiple == 0 for length in study.size):
        return ""
    return (
        f"{model.name} needs slices whose height and width {network.multiple} divides, got {study.size[0]} x "
        f"{study.size[1]}; evaluate it on others, or build it with pad"
    )


def _modalities(found: Sequence[Found], wishes: Wishes) -> list[str]:
    """Find which modalities are to be evaluated: those asked for, or those that the networks were trained on."""
    asked = wishes.modality
    if wishes.data is not None:
        kind = data_folder(wishes.data)
        of_data = _KINDS.get(kind.kind)
        if of_data is None:
            raise DataError(f"{wishes.data} must be fastMRI or LoDoPaB-CT data, got {kind.kind}")
        if asked is not None and asked != of_data:
            raise ConfigError(f"{wishes.data} holds {of_data.upper()} data, but --modality {asked} was asked for")
        asked = of_data
    if asked is not None:
        unfit = [one.model.name for one in found if asked not in one.modalities]
        if len(unfit) == len(found):
            raise ConfigError(f"{unfit[0]} must be for {asked.upper()} data, got a network for another modality")
        return [asked]
    trained = [one.modalities[0] for one in found if len(one.modalities) == 1]
    if not trained:
        raise ConfigError("nothing says which data to evaluate on; give --data FOLDER, or --modality mri or ct")
    return list(dict.fromkeys(trained))


def _data(modality: str, members: Sequence[Found], wishes: Wishes) -> SliceData:
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
        return DATA[modality](chosen, workers=0, seed=wishes.seed, **arguments)
    except TypeError as error:
        raise DataError(
            f"the settings of {trained[0][0]}'s data cannot be understood: {error}; update recon"
        ) from error


def other_slices(modality: str, folder: Path | None) -> Slices | None:
    """Open the test slices of the other modality's data, if a folder of them is given."""
    if folder is None:
        return None
    kind = _KINDS.get(data_folder(folder).kind)
    if kind is None or kind == modality:
        raise DataError(f"{folder} must hold {'CT' if modality == 'mri' else 'MRI'} data, got {kind or 'others'}")
    return (
        CTData(folder, prepared=False).dataset("test") if kind == "ct" else MRIData(folder, clamp=None).dataset("test")
    )


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


def chosen_device(word: str) -> str:
    """Give the device that a word names; `auto` is a GPU where there is one.

    Under torchrun or SLURM each process takes the GPU of its local rank.
    """
    rank = int(os.environ.get("LOCAL_RANK") or os.environ.get("SLURM_LOCALID") or 0)
    there = torch.cuda.is_available()
    if word == "auto":
        return f"cuda:{rank % torch.cuda.device_count()}" if there else "cpu"
    try:
        device = torch.device(word)
    except RuntimeError as error:
        raise ConfigError(f"device must be cpu, cuda, cuda:N or auto, got {word!r}") from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device must be cpu, cuda, cuda:N or auto, got {word!r}")
    if device.type == "cuda" and not there:
        raise ConfigError(f"device {word} must be there, got none: torch sees no GPU; pass --device cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device {word} must be there, got {torch.cuda.device_count()} GPUs, counted from cuda:0")
    return word
