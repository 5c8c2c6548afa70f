"""One evaluation from words: which networks, which data, which protocols; the data of each network found for it."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeAlias

from recon.data.progress import Counter
from recon.errors import ConfigError, require_known
from recon.evaluation.choosing import DATA, LABEL_DATA, data_of, modalities_of, other_slices
from recon.evaluation.devices import chosen_device
from recon.evaluation.labels.adversary import AdversaryProtocol
from recon.evaluation.labels.fitness import misfit as label_misfit
from recon.evaluation.labels.protocols import LABEL_PROTOCOLS
from recon.evaluation.labels.study import LabelStudy, label_study_of
from recon.evaluation.loading import Found, find_models
from recon.evaluation.modalities import LABELS, TITLES
from recon.evaluation.models import Model
from recon.evaluation.protocol import Protocol
from recon.evaluation.protocols import PROTOCOLS
from recon.evaluation.running import Counting, StudyT, evaluate, unfit_protocols
from recon.evaluation.study import Study, study_of
from recon.evaluation.wishes import Wishes
from recon.evaluation.worst import WorstProtocol
from recon.nn import Converted, UNet
from recon.records import Record

__all__ = ["Outcome", "Wishes", "chosen_device", "other_slices", "run"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: the records, and which protocols were left out for which network and why."""

    records: list[Record]
    left_out: Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Party(Generic[StudyT]):
    """Networks that are measured together, on what, how, and which of them cannot be (by name) and why."""

    models: Sequence[Model]
    study: StudyT
    protocols: Sequence[Protocol[StudyT]]
    misfits: Mapping[str, str]

    @property
    def fitting(self) -> list[Model]:
        """The networks that can be measured."""
        return [model for model in self.models if model.name not in self.misfits]

    def measured(self, out: Path, counting: Counting) -> list[Record]:
        """Measure them."""
        return evaluate(self.fitting, self.study, self.protocols, out, counting=counting)

    @property
    def left_out(self) -> dict[tuple[str, str], str]:
        """What is not measured, and why."""
        whole = {(name, "everything"): reason for name, reason in self.misfits.items()}
        if not self.protocols:
            reason = f"no protocol that was asked for is for {TITLES[self.study.modality]} data"
            whole |= {(model.name, "everything"): reason for model in self.fitting}
        return {**unfit_protocols(self.fitting, self.study, self.protocols), **whole}


AnyParty: TypeAlias = Party[Study] | Party[LabelStudy]


def run(wishes: Wishes, *, counting: Counting = Counter) -> Outcome:
    """Load everything, so that mistakes show before hours of work, then evaluate; `counting` shows how far it is."""
    for name in wishes.protocols:
        require_known(name, {**PROTOCOLS, **LABEL_PROTOCOLS}, name="protocol")
    found = find_models(wishes.specs, wishes.place, factory=wishes.factory)
    modalities = modalities_of(found, wishes)
    _require_for(modalities, wishes)
    parties = [
        _party(modality, [one for one in found if modality in one.modalities], wishes) for modality in modalities
    ]
    if not any(party.fitting for party in parties):
        raise ConfigError(next(reason for party in parties for reason in party.misfits.values()))
    records = [record for party in parties for record in party.measured(wishes.out, counting)]
    left_out = {key: reason for party in parties for key, reason in party.left_out.items()}
    left_out |= {
        (one.model.name, "everything"): f"it is for {TITLES[one.modalities[0]]} data"
        for one in found
        if not {*modalities} & {*one.modalities}
    }
    return Outcome(records, left_out)


def _party(modality: str, members: Sequence[Found], wishes: Wishes) -> AnyParty:
    """Put networks of one modality together with the data that they are evaluated on."""
    return _labelling(modality, members, wishes) if modality in LABELS else _reconstructing(modality, members, wishes)


def _reconstructing(modality: str, members: Sequence[Found], wishes: Wishes) -> Party[Study]:
    """Open slices for networks that reconstruct them."""
    study = study_of(
        data_of(modality, members, wishes, DATA),
        seed=wishes.seed,
        limit=wishes.limit,
        ood=wishes.ood,
        other=other_slices(modality, wishes.other),
        device=wishes.place.device,
    )
    protocols = [
        WorstProtocol(every=wishes.every_shift, ten=wishes.ten_shifts) if chosen is WorstProtocol else chosen()
        for chosen in _chosen(PROTOCOLS, wishes)
    ]
    models = [one.model for one in members]
    misfits = {model.name: reason for model in models if (reason := _misfit(model, study))}
    return Party(models, study, protocols, misfits)


def _labelling(modality: str, members: Sequence[Found], wishes: Wishes) -> Party[LabelStudy]:
    """Open labelled images for networks that find their labels."""
    data = data_of(modality, members, wishes, LABEL_DATA)
    study = label_study_of(data, seed=wishes.seed, limit=wishes.limit, device=wishes.place.device)
    protocols = [
        AdversaryProtocol(every=wishes.every_shift) if chosen is AdversaryProtocol else chosen()
        for chosen in _chosen(LABEL_PROTOCOLS, wishes)
    ]
    models = []
    for one in members:
        model = copy(one.model)  # which may have another task on other data
        model.task = study.task
        models.append(model)
    misfits = {model.name: reason for model in models if (reason := label_misfit(model, study))}
    return Party(models, study, protocols, misfits)


def _chosen(known: Mapping[str, type[Protocol[StudyT]]], wishes: Wishes) -> list[type[Protocol[StudyT]]]:
    """Give the protocols that are asked for, of those that there are for the data."""
    return [known[name] for name in wishes.protocols or known if name in known]


def _require_for(modalities: Sequence[str], wishes: Wishes) -> None:
    """Refuse what is asked for and is for other data."""
    there = [name for modality in modalities for name in (LABEL_PROTOCOLS if modality in LABELS else PROTOCOLS)]
    titles = " and ".join(TITLES[modality] for modality in modalities)
    for name in wishes.protocols:
        if name not in there:
            raise ConfigError(f"{name} is not for {titles} data; choose of {', '.join(dict.fromkeys(there))}")
    if {*modalities} <= {*LABELS} and (wishes.ood is not None or wishes.other is not None):
        raise ConfigError(f"--ood and --other are for MRI and CT data, got networks for {titles}; leave them out")


def _misfit(model: Model, study: Study) -> str:
    """Say that a network cannot take slices of this size, or nothing."""
    network = model.module
    if not isinstance(network, UNet | Converted) or (isinstance(network, UNet) and network.pad is not None):
        return ""
    if all(length % (network.multiple or 1) == 0 for length in study.size):
        return ""
    return (
        f"{model.name} needs slices whose height and width {network.multiple} divides, got {study.size[0]} x "
        f"{study.size[1]}; evaluate it on others, or build it with pad"
    )
