"""Measures a model for its certificate, by evaluation's protocols."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recon.clinical.certificate.content import content_hash
from recon.clinical.certificate.determinism import DeterminismProtocol
from recon.clinical.certificate.settings import Places, Settings
from recon.clinical.models import ClinicalModel
from recon.data.progress import Counter
from recon.errors import ShapeError
from recon.evaluation.border import BorderProtocol
from recon.evaluation.choosing import DATA, data_of, modalities_of
from recon.evaluation.cost import CostProtocol
from recon.evaluation.hard import HardProtocol
from recon.evaluation.loading import Found
from recon.evaluation.models import Model
from recon.evaluation.physics import PhysicsProtocol
from recon.evaluation.protocol import Protocol
from recon.evaluation.quality import QualityProtocol
from recon.evaluation.running import Counting, circumstances_of, evaluate, unfit_protocols
from recon.evaluation.stability import StabilityProtocol
from recon.evaluation.study import Study, study_of
from recon.evaluation.subpixel import SubpixelProtocol
from recon.evaluation.wishes import Wishes
from recon.evaluation.worst import WorstProtocol
from recon.nn import UNet
from recon.records import BUILT_IN, Circumstances, Record, Source, Subject

UNTOUCHED = "untouched input"
CLOSED = "closed file"  # why one cannot look inside
_KINDS = {".onnx": "onnx", ".pt2": "torch.export"}


@dataclass(frozen=True, slots=True)
class Bench:
    """A model, opened twice, on the data that it is measured on.

    Args:
        model: as evaluation takes it.
        again: the same, opened once more.
        quality: the slices on which its quality is measured.
        shifts: those for all else.
    """

    model: Model
    again: Model
    quality: Study
    shifts: Study


@dataclass(frozen=True, slots=True)
class Measurements:
    """What was found.

    Args:
        records: of the model.
        untouched: the quality of its input as it is.
        left_out: why a protocol was not measured, by its name.
        closed: whether the model cannot be looked into.
        source: the data.
        circumstances: how it was measured.
        slices: how many the data have.
        volumes: how many volumes, or files, these are in.
        size: (H, W) of the first.
        thirds: for each slice that was measured under shifts, by its index, in which third of its volume it lies.
    """

    records: Sequence[Record]
    untouched: Sequence[Record]
    left_out: Mapping[str, str]
    closed: bool
    source: Source
    circumstances: Circumstances
    slices: int
    volumes: int
    size: tuple[int, int]
    thirds: Mapping[int, int]

    def of(self, protocol: str) -> list[Record]:
        """Give the records of a protocol."""
        return [record for record in self.records if record.protocol == protocol]


def bench_of(model: ClinicalModel, again: ClinicalModel, places: Places, settings: Settings) -> Bench:
    """Open the data and put the model on them; without a folder of data, on the embedded ones of its modality."""
    known = model.identity.training.get("data")
    data = {name: value for name, value in known.items() if name != "folder"} if isinstance(known, Mapping) else None
    measured = as_measured(model)
    found = Found(measured, data, (model.identity.modality,))
    wishes = Wishes([places.spec], places.measurements, data=places.data, seed=settings.seed)
    (modality,) = modalities_of([found], wishes)
    module = data_of(modality, [found], wishes, DATA)
    device = str(measured.device)
    quality, shifts = (
        study_of(module, seed=settings.seed, limit=limit, device=device)
        for limit in (settings.quality_limit, settings.limit)
    )
    _require_size(model, shifts.size)
    return Bench(measured, as_measured(again), quality, shifts)


def measured(bench: Bench, places: Places, settings: Settings, *, counting: Counting = Counter) -> Measurements:
    """Measure everything that the model and the data have; what was measured into the folder before is kept."""
    model = bench.model
    untouched = Model(
        Subject(UNTOUCHED, BUILT_IN, variant=UNTOUCHED, parameters=0, period=1),
        lambda images: images,
        batch_size=model.batch_size,
        device=str(model.device),
    )
    quality = evaluate([model, untouched], bench.quality, [QualityProtocol()], places.measurements, counting=counting)
    protocols: list[Protocol[Study]] = [
        WorstProtocol(every=settings.every_shift),
        HardProtocol(),
        SubpixelProtocol(),
        BorderProtocol(),
        PhysicsProtocol(),
        StabilityProtocol(),
        DeterminismProtocol(bench.again),
        CostProtocol(),
    ]
    rest = evaluate([model], bench.shifts, protocols, places.measurements, counting=counting)
    unfit = unfit_protocols([model], bench.shifts, protocols)
    groups = bench.shifts.data.groups
    return Measurements(
        records=[record for record in [*quality, *rest] if record.subject.name == model.name],
        untouched=[record for record in quality if record.subject.name == UNTOUCHED],
        left_out={protocol: reason for (_, protocol), reason in unfit.items()},
        closed=model.module is None,
        source=bench.shifts.source,
        circumstances=circumstances_of(model, bench.shifts),
        slices=sum(len(group) for group in groups),
        volumes=len(groups),
        size=bench.shifts.size,
        thirds={index: 3 * place // len(group) for group in groups for place, index in enumerate(group)},
    )


def as_measured(model: ClinicalModel) -> Model:
    """Give a model as evaluation takes it: on scaled images; what is closed is told by what is in its file."""
    identity, place = model.identity, model.opening.place
    closed = model.module is None
    path = model.file
    subject = Subject(
        identity.variant,
        _KINDS.get("" if path is None else path.suffix, identity.network) if closed else identity.network,
        variant=identity.variant,
        weights=identity.weights if path is None else content_hash(path),  # other arguments are another network
        parameters=identity.parameters,
        period=identity.multiple,
    )
    return Model(
        subject,
        model.scaled,
        module=model.module,
        batch_size=place.batch_size,
        device=place.device,
        precision=place.precision,
    )


def _require_size(model: ClinicalModel, size: tuple[int, int]) -> None:
    """Refuse data of sizes that the model does not take."""
    network, multiple = model.module, model.identity.multiple
    pads = isinstance(network, UNet) and network.pad is not None
    if not pads and any(length % multiple for length in size):
        raise ShapeError(
            f"the data must have slices whose heights and widths {multiple} divides, got {size[0]} x {size[1]}; "
            f"certify on data cropped to such a size. Padding cannot be certified: it cuts what is periodic, so that "
            f"along a padded axis an exact network no longer moves exactly with its input"
        )
