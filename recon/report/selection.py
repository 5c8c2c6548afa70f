"""Which records belong together: those of one data set, checked, with their networks in the order of the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from recon.errors import DataError, require_known
from recon.records import BUILT_IN, Record, Scope, Source, Subject, to_line
from recon.report.modalities import Task, place_of, task_of, title_of

PROTOCOLS = (
    *("quality", "equivariance", "worst", "ood", "hard", "subpixel", "border", "physics", "stability", "layers"),
    *("accuracy", "consistency", "crops", "adversary", "cost"),
)
TRANSFERRED, TUNED = "-transferred", "-tuned"  # how variants end whose weights were taken over, or trained on then
_ALONE = ("zero-filling", "fbp", "identity", "none", "plain", "plain-shifts", "plain-penalty")
_ORDER = (*_ALONE, "lpf", "aps", "mass", "lps")
PLAIN = ("plain", "none", "plain-tuned")  # variants that others are compared with: the first of them that there is


@dataclass(frozen=True, slots=True)
class Group:
    """The records of one data set.

    Args:
        key: a word for links and file names, such as `mri`; each group of a report has its own.
        source: the data.
        subjects: the networks, in the order of the tables.
        records: all of them.
    """

    key: str
    source: Source
    subjects: Sequence[Subject]
    records: Sequence[Record]
    _places: dict[tuple[str, str], list[Record]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort the records by protocol and network, since there may be millions."""
        for record in self.records:
            self._places.setdefault((record.protocol, record.subject.name), []).append(record)

    @property
    def names(self) -> list[str]:
        """Give the networks' names, in the order of the tables."""
        return [subject.name for subject in self.subjects]

    @property
    def networks(self) -> list[Subject]:
        """Give the subjects without what leaves its input as it is."""
        return [subject for subject in self.subjects if subject.kind != BUILT_IN]

    def of(self, protocol: str, name: str | None = None, *, scope: Scope | None = None) -> list[Record]:
        """Give the records of a protocol, of one network and of one scope if they are named."""
        names = self.names if name is None else [name]
        records = [record for one in names for record in self._places.get((protocol, one), ())]
        return records if scope is None else [record for record in records if record.scope == scope]

    @property
    def title(self) -> str:
        """Give what people call the kind of data."""
        return title_of(self.source.modality)

    @property
    def task(self) -> Task:
        """Give what the networks do."""
        return task_of(self.source.modality)

    @property
    def plain(self) -> Subject | None:
        """Give the network that others are compared with: of the plain sampling, or as it was made; if there is one."""
        return _first_plain(self.subjects)

    def plain_of(self, subject: Subject) -> Subject | None:
        """Give the plain network of the same architecture, with which a network is compared; None where none is.

        A network whose architecture is not known is compared with the first plain one.
        """
        wanted = architecture_of(subject)
        return _first_plain([one for one in self.subjects if wanted in ("", architecture_of(one))])

    @property
    def architectures(self) -> list[str]:
        """Give the architectures that are known of its networks, in the order of the tables."""
        return list(dict.fromkeys(word for one in self.networks if (word := architecture_of(one))))

    @property
    def plain_name(self) -> str:
        """Give what the network that others are compared with is called in headings: of several, their variant."""
        return self.plain.name if self.plain is not None and len(self.architectures) < 2 else "plain"


def grouped(records: Sequence[Record], *, require: Sequence[str] = ()) -> list[Group]:
    """Sort records by their data; refuse what cannot stand in one report, or lacks a protocol of `require`.

    One report holds one data set of each modality. Records that are there twice, word for word, count once.
    """
    if not records:
        raise DataError("there must be records to report, got none; run `recon evaluate` first")
    _require_protocols(records, require)
    groups = []
    for modality in sorted({record.source.modality for record in records}, key=place_of):
        members = [record for record in records if record.source.modality == modality]
        _require_one_source(members)
        _require_one_network_a_name(members)
        once = _of_one_evaluation(members)
        subjects = list({record.subject.name: record.subject for record in once}.values())
        groups.append(Group(modality, once[0].source, sorted(subjects, key=_rank), once))
    return groups


def architecture_of(subject: Subject) -> str:
    """Give the architecture that a network's arguments name, or the function that builds it; nothing of the U-Net."""
    arguments = subject.details.get("arguments")
    if not isinstance(arguments, Mapping):
        return ""
    return str(arguments.get("architecture") or arguments.get("factory") or "")


def _first_plain(subjects: Sequence[Subject]) -> Subject | None:
    """Give the network that others are compared with; one that is called plain goes before others of its variant."""
    plain = [subject for subject in subjects if subject.variant in PLAIN]
    return min(plain, key=lambda one: (PLAIN.index(one.variant), one.name != "plain"), default=None)


def _rank(subject: Subject) -> tuple[str, int, int, int, str, str]:
    """Order networks: what needs none, plain, low-pass filters by size, adaptive filters, APS, MASS, LPS, others.

    Architectures stand apart. Of each family, those come first that were trained, then those with weights of others,
    then those trained on.
    """
    variant = subject.variant or subject.name
    adaptive = "adaptive" in variant
    family = variant if variant in _ALONE else variant.split("-")[0]
    family = "lpf" if adaptive and family == "plain" else family
    place = _ORDER.index(family) if family in _ORDER else len(_ORDER)
    stage = 2 if variant.endswith(TUNED) else int(variant.endswith(TRANSFERRED))
    tail = variant.removesuffix(TUNED).removesuffix(TRANSFERRED).removesuffix("-shifts").removesuffix("-penalty")
    size = tail.rpartition("-")[2]
    return (
        *(architecture_of(subject), place, stage, (int(size) if size.isdigit() else 0) + 100 * adaptive),
        *(variant, subject.name),
    )


def _require_protocols(records: Sequence[Record], require: Sequence[str]) -> None:
    there = {record.protocol for record in records}
    for name in require:
        if name not in there:
            require_known(name, (*PROTOCOLS, *there), name="protocol")
            raise DataError(
                f"the records must hold the protocol {name}, got only {', '.join(sorted(there))}; run `recon evaluate` "
                f"with --protocol {name} into the same folder"
            )


def _require_one_source(records: Sequence[Record]) -> None:
    sources = list({(record.source.name, record.source.fingerprint): record.source for record in records}.values())
    if len(sources) > 1:
        said = " and ".join(f"{source.name} (fingerprint {source.fingerprint[:12]})" for source in sources)
        raise DataError(
            f"a report must be of one {title_of(sources[0].modality)} data set, got {said}; evaluate each into a "
            "folder of its own, and report the folders one by one"
        )


def _require_one_network_a_name(records: Sequence[Record]) -> None:
    found: dict[str, str] = {}
    for record in records:
        name, weights = record.subject.name, record.subject.weights
        if found.setdefault(name, weights) != weights:
            raise DataError(
                f"all records of {name} must be of the same weights, got {found[name][:12] or 'none'} and "
                f"{weights[:12] or 'none'}; give one network another name (NAME=PATH) and evaluate again"
            )


def _of_one_evaluation(records: Sequence[Record]) -> list[Record]:
    """Give every record once; refuse two evaluations of one network by one protocol, which would count twice."""
    evaluations: dict[tuple[str, str], Record] = {}
    found: dict[tuple[str, ...], Record] = {}
    for record in records:
        place = (record.subject.name, record.protocol)
        first = evaluations.setdefault(place, record)
        key = (*place, record.scope, record.item, str(record.slice), record.group, repr(record.settings))
        same = found.setdefault(key, record)
        if _how(first) != _how(record) or (same is not record and to_line(same) != to_line(record)):
            raise DataError(
                f"{record.protocol} of {record.subject.name} must be of one evaluation, got two that differ "
                f"({_how(first)} and {_how(record)}, on {record.item or 'the whole'}); report one folder alone"
            )
    return list(found.values())


def _how(record: Record) -> str:
    held = record.circumstances
    return f"seed {held.seed}, {held.device}, {held.precision}"
