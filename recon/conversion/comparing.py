"""The numbers of a network and of its conversion, side by side, and of how many images they are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from recon.conversion.measuring import AFTER, BEFORE
from recon.records import Record
from recon.report.cells import change_text, error_text, points_text, quality_error_text, similarity_text
from recon.report.measures import MEASURES, Measure
from recon.report.notation import scientific
from recon.report.statistics import largest

_EVERY = Measure(
    "largest NMSE, every shift", "worst", "image", "nmse", largest, "larger error", error_text
)  # beside those by which reports compare
_ALL = (*MEASURES, _EVERY)
_WHOLE, _FEW = ("equivariance", "consistency"), ("worst", "adversary")  # protocols whose records count the images


@dataclass(frozen=True, slots=True)
class Compared:
    """A measure of the original and of the converted network; None where it was not measured, or is not defined."""

    measure: Measure
    before: float | None
    after: float | None

    @property
    def change(self) -> float | None:
        """What the conversion changed; none where nothing can be subtracted."""
        if self.before is None or self.after is None:
            return None
        change = self.after - self.before
        return change if math.isfinite(change) else None

    @property
    def texts(self) -> tuple[str, str, str, str]:
        """The measure's name, both numbers and the change, as people read them."""
        before, after = ("-" if number is None else self.measure.text(number) for number in (self.before, self.after))
        return self.measure.name, before, after, "-" if self.change is None else _change_text(self.measure, self.change)


@dataclass(frozen=True, slots=True)
class Tries:
    """Under which shifts a network was given each of a few images.

    Args:
        network: its name.
        images: how many.
        shifts: how many of each, no shift among them.
        meaning: `all residues`, `every shift` or `random`.
        period: below which all residues are; 0 for others.
    """

    network: str
    images: int
    shifts: int
    meaning: str
    period: int


def compared(records: Sequence[Record]) -> list[Compared]:
    """Give the numbers of both networks, measure by measure, as far as they were measured."""
    rows = []
    for measure in _ALL:
        before, after = (_number(measure, records, name) for name in (BEFORE, AFTER))
        if before is not None or after is not None:
            rows.append(Compared(measure, before, after))
    return rows


def images_of(records: Sequence[Record]) -> int:
    """Count the images of the measures that are of all of them."""
    counts = [
        sum(record.measures.get("images", 1) for record in records if _counts(record, name, _WHOLE))
        for name in (BEFORE, AFTER)
    ]
    return int(max(counts))


def tries_of(records: Sequence[Record]) -> list[Tries]:
    """Say under which shifts a few images were given to each network; shifts of two kinds are told apart."""
    found: dict[tuple[str, int, str, int], int] = {}
    for record in records:
        for name in (BEFORE, AFTER):
            if _counts(record, name, _FEW):
                numbers = [record.settings.get(word) for word in ("tried", "shifts", "period")]
                key = (name, int(str(numbers[0])), str(numbers[1]), int(str(numbers[2])))
                found[key] = found.get(key, 0) + int(record.measures.get("images", 1))
    return [Tries(name, images, tried, meaning, period) for (name, tried, meaning, period), images in found.items()]


def _counts(record: Record, name: str, protocols: Sequence[str]) -> bool:
    return record.subject.name == name and record.protocol in protocols and record.scope in ("image", "set")


def _number(measure: Measure, records: Sequence[Record], name: str) -> float | None:
    having = [record for record in records if record.subject.name == name and measure.takes(record)]
    number = measure.of(having) if having else math.nan
    return None if math.isnan(number) else number


def _change_text(measure: Measure, change: float) -> str:
    """Write a change with the unit and about the digits of its numbers."""
    if measure.text(0.5).endswith("%"):
        return f"{points_text(change)} points"
    if measure.text is error_text:
        return scientific(change, sign=True)
    return change_text(change, decimals=4 if measure.text in (similarity_text, quality_error_text) else 2)
