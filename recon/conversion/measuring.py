"""Before and after: a network and its conversion measured side by side, on data where there are any."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recon.conversion.agreement import Agreement, agreements, trials_of
from recon.conversion.convert import AnyNetwork
from recon.conversion.originals import Original
from recon.data.progress import Counter
from recon.errors import ConfigError
from recon.evaluation.loading import Place
from recon.evaluation.session import Wishes, run
from recon.nn.converted import Converted
from recon.records import Record
from recon.report.measures import MEASURES, Measure
from recon.report.page import write_page
from recon.report.writing import composed, with_command

BEFORE, AFTER = "original", "converted"
RECORDS = "evaluation"
LABELLED = ("cifar10", "imagenet", "voc")
_FEW = {"images": 8, "labels": 100}  # that are tried under every shift, unless --limit says another number


@dataclass(frozen=True, slots=True)
class Data:
    """On which data to measure, and how.

    Args:
        folder: the data folder; None takes that of the training, or the embedded data.
        modality: for networks that do not say what they are for.
        limit: at most so many images; None takes all, and a few under every shift.
        place: where networks compute.
    """

    folder: Path | None
    modality: str | None
    limit: int | None
    place: Place


@dataclass(frozen=True, slots=True)
class Compared:
    """A measure of the original and of the converted network; None where it was not measured."""

    measure: Measure
    before: float | None
    after: float | None

    @property
    def texts(self) -> tuple[str, str, str]:
        """The measure's name and both numbers, as people read them."""
        before, after = ("-" if number is None else self.measure.text(number) for number in (self.before, self.after))
        return self.measure.name, before, after


def can_be_measured(original: Original, data: Data) -> bool:
    """Tell whether it is known on which data a network is to be measured."""
    return any(one is not None for one in (original.modality, data.modality, data.folder))


def measure_on_data(
    original: Original, files: tuple[str, Path], out: Path, data: Data, command: Sequence[str]
) -> list[Record]:
    """Measure both networks on test data: quality, one random shift of all, every shift of a few; and report.

    `files` name the original and the converted network.
    """
    labelled = (original.modality or data.modality) in LABELLED
    whole, few = (
        (("accuracy", "consistency"), ("adversary",)) if labelled else (("quality", "equivariance"), ("worst",))
    )
    limit = data.limit or _FEW["labels" if labelled else "images"]
    records = []
    for protocols, at_most in ((whole, data.limit), (few, limit)):
        wishes = Wishes(
            specs=[f"{name}={file}" for name, file in zip((BEFORE, AFTER), files, strict=True)],
            out=out / RECORDS,
            protocols=protocols,
            data=data.folder,
            modality=data.modality,
            limit=at_most,
            place=data.place,
            factory=original.factory,
        )
        records += run(wishes).records
    made = with_command(composed(records, [out / RECORDS], title="A network, and its conversion"), command)
    write_page(made, out / "report.html")
    return records


def compared(records: Sequence[Record]) -> list[Compared]:
    """Give the numbers of both networks, measure by measure, as far as they were measured."""
    rows = []
    for measure in MEASURES:
        numbers = [_number(measure, records, name) for name in (BEFORE, AFTER)]
        if any(number is not None for number in numbers):
            rows.append(Compared(measure, *numbers))
    return rows


def _number(measure: Measure, records: Sequence[Record], name: str) -> float | None:
    having = [record for record in records if record.subject.name == name and measure.takes(record)]
    return measure.of(having) if having else None


def measure_without_data(original: Original, converted: AnyNetwork) -> dict[str, list[Agreement]]:
    """Try shifts of a few images of any kind on the original, its circular form, and the conversion."""
    network = original.network
    if not isinstance(network, Converted) or not isinstance(converted, Converted):
        raise ConfigError(f"{original.spec} must be measured on data; name them with --data or --modality")
    circular = Converted(network.factory, network.network, sampling="plain", example=network.example)
    trials = trials_of(network.example, converted.multiple)
    networks = {BEFORE: network, "with circular paddings": circular, AFTER: converted}
    total = len(networks) * sum(len(trial.shifts) for trial in trials)
    with Counter("trying shifts", total, unit="images") as counter:
        return {name: agreements(one.eval(), trials, told=counter.advance) for name, one in networks.items()}
