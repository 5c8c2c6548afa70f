"""Which networks were exact: equal bit for bit wherever it was asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from recon.records import Record
from recon.report.selection import Group

EXHAUSTIVE = ("all residues", "every shift")
_ASKED = ("equivariance", "worst", "ood", "hard", "layers", "consistency", "adversary")
_COUNTS = {"consistency": "pairs", "adversary": "images"}  # of which the records count those that are equal


@dataclass(frozen=True, slots=True)
class Exactness:
    """Whether a network was exact, and how far that was looked at.

    Args:
        exact: no output that was compared differed by a bit, and there were such.
        exhaustive: all shifts of its slices were tried, and shifts by its period's multiples moved its output exactly.
        protocols: those that compared bits.
    """

    exact: bool
    exhaustive: bool
    protocols: tuple[str, ...]


def exactness_of(group: Group, name: str) -> Exactness:
    """Judge one network by all its records that compare bits."""
    asked = {protocol: _compared(group.of(protocol, name)) for protocol in _ASKED}
    there = tuple(protocol for protocol, records in asked.items() if records)
    exact = bool(there) and all(_is_exact(record) for records in asked.values() for record in records)
    worst = [*asked["worst"], *asked["adversary"]]
    exhaustive = bool(worst) and all(record.settings.get("shifts") in EXHAUSTIVE for record in worst)
    return Exactness(exact, exhaustive, there)


def broken_in(group: Group, name: str) -> list[str]:
    """Give the protocols in which an output of a network differed."""
    return [one for one in _ASKED if not all(map(_is_exact, _compared(group.of(one, name))))]


def _compared(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if "bitwise" in record.measures]


def _is_exact(record: Record) -> bool:
    """Equal in all shifts, and, where the shifts below the period stand for the rest, in those by its multiples."""
    premise = record.measures.get("premise_nmse", record.measures.get("premise", 0.0))
    stands = record.settings.get("shifts") != "all residues" or premise == 0
    return record.measures["bitwise"] == record.measures.get(_COUNTS.get(record.protocol, ""), 1) and stands
