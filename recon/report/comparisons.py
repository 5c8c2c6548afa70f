"""All comparisons of a network's outputs under shifts: the largest error of any, and how many there were."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from recon.records import Record
from recon.report.selection import Group
from recon.report.statistics import largest
from recon.report.tables import counted, measured

_PROTOCOLS = ("equivariance", "worst", "ood", "hard", "layers")
_SHIFTS = {"all residues": "every residue", "every shift": "every shift"}


@dataclass(frozen=True, slots=True)
class Comparisons:
    """What was compared of a network.

    Args:
        count: outputs that were compared with another, image by image and shift by shift; those of the layers'
            protocol, whose records do not say on how many slices, are not counted.
        places: on what, in words.
    """

    count: int
    places: tuple[str, ...]


def largest_error(group: Group, name: str) -> float:
    """Give the largest NMSE of any comparison, of those by multiples of the period too; NaN where there was none."""
    records = [record for protocol in _PROTOCOLS for record in _of_outputs(group, protocol, name)]
    found = [largest(measured(records, measure)) for measure in ("nmse", "premise_nmse")]
    return max((value for value in found if value == value), default=float("nan"))


def comparisons_of(group: Group, name: str) -> Comparisons:
    """Count the comparisons of a network, and say on what they were."""
    worst, hard = (_of_outputs(group, protocol, name) for protocol in ("worst", "hard"))
    single, ood = group.of("equivariance", name, scope="image"), group.of("ood", name)
    places = [
        *(f"{shifts} of {counted(count, 'slice')}" for shifts, count in _by_shifts(worst)),
        *([f"{counted(len(single), 'slice')} under one random shift"] if single else []),
        *(f"{counted(count, 'hard image')} under {shifts}" for shifts, count in _by_shifts(hard)),
        *([f"{counted(len(ood), 'image')} out of the distribution"] if ood else []),
    ]
    if not places and group.of("layers", name):
        places = ["a few slices under every shift below the period"]
    return Comparisons(len(single) + len(ood) + sum(map(_tried, [*worst, *hard])), tuple(places))


def _of_outputs(group: Group, protocol: str, name: str) -> list[Record]:
    """Give a protocol's records of outputs; those of single layers have the layers' names."""
    return [record for record in group.of(protocol, name) if protocol != "layers" or not record.item]


def _by_shifts(records: list[Record]) -> Iterator[tuple[str, int]]:
    yield from Counter(_SHIFTS.get(str(one.settings.get("shifts")), "random shifts") for one in records).items()


def _tried(record: Record) -> int:
    """Count a record's shifts but the first, which is none."""
    tried = record.settings.get("tried")
    return tried - 1 if isinstance(tried, int) else 1
