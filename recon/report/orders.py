"""Networks in the descending order of their mean errors, how it is written, and what of it may be chance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, pairwise

from recon.records import Record, Subject
from recon.report.cells import strict_error_text
from recon.report.statistics import mean_interval
from recon.report.tables import average, paired


@dataclass(frozen=True, slots=True)
class Standing:
    """One network's place: its mean NMSE, and the records of which that is the mean."""

    subject: Subject
    records: Sequence[Record]
    mean: float

    @property
    def name(self) -> str:
        """Give the network's name."""
        return self.subject.name


def standings(subjects: Sequence[Subject], records_of: Callable[[str], Sequence[Record]]) -> list[Standing]:
    """Order those networks that were measured, the largest mean error first."""
    every = [Standing(one, records, average(records, "nmse")) for one in subjects if (records := records_of(one.name))]
    return sorted((one for one in every if one.mean == one.mean), key=lambda one: -one.mean)


def with_errors(ordered: Sequence[Standing]) -> str:
    """Write an order with its errors: `plain 1.0·10⁻³ > aps, mass 0.0`."""
    return " > ".join(f"{', '.join(names)} {strict_error_text(mean)}" for mean, names in _places(ordered))


def in_order(ordered: Sequence[Standing]) -> str:
    """Write an order by the networks' names alone: `plain > aps, mass`."""
    return " > ".join(", ".join(names) for _, names in _places(ordered))


def chance(ordered: Sequence[Standing]) -> str:
    """Say which neighbours of different means may differ by chance: the interval of their paired difference holds 0."""
    neighbours = [pair for pair in pairwise(ordered) if pair[0].mean != pair[1].mean]
    found = [(pair, mean_interval(paired(pair[0].records, pair[1].records, "nmse"))) for pair in neighbours]
    unsure = [f"{one.name} and {two.name}" for (one, two), held in found if held and held.low <= 0 <= held.high]
    said = f" ({', '.join(unsure)}: may be chance)" if unsure else ""
    return said + (" (too few volumes for intervals)" if any(held is None for _, held in found) else "")


def agrees(ordered: Sequence[Standing], figures: Mapping[str, float]) -> bool:
    """Tell whether no two networks whose mean errors differ stand the other way round by other figures."""
    return all(figures[one.name] >= figures[two.name] for one, two in combinations(ordered, 2) if one.mean != two.mean)


def _places(ordered: Sequence[Standing]) -> list[tuple[float, list[str]]]:
    """Put networks of the same mean into one place."""
    return [(mean, [one.name for one in alike]) for mean, alike in groupby(ordered, key=lambda one: one.mean)]
