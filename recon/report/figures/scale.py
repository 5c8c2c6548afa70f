"""An axis of powers of ten on which zero has a place: errors are often tiny, and exact ones are 0."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from recon.report.figures.drawing import FAINT, INK
from recon.report.notation import power_of_ten

Places = npt.NDArray[np.float64]
_MOST_TICKS = 7
_STEPS, _FEW = (1, 2, 5), 2.2  # powers of ten below which 2 and 5 times them have ticks, too
_SAME = 1e-9  # of places on the axis


@dataclass(frozen=True, slots=True)
class Scale:
    """Places on an axis from 10**low to 10**high; zero stands apart before them, where there is one.

    `gap` is the distance from 10**low to zero, as a part of the rest.
    """

    low: float
    high: float
    has_zero: bool
    gap: float = 0.16

    @property
    def zero(self) -> float:
        """Where zero stands."""
        return self.low - self.gap * (self.high - self.low)

    def place(self, values: float | Sequence[float] | Places) -> Places:
        """Give the places of values; NaN where a value is neither positive nor zero."""
        given = np.asarray(values, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(given > 0, np.log10(given), np.nan)
        return np.where(given == 0, self.zero, logs)

    def ticks(self) -> tuple[list[float], list[str]]:
        """Give the ticks' places and labels: powers of ten, and 2 and 5 times them where there are few."""
        first, last = ceil(self.low - _SAME), floor(self.high + _SAME)
        if self.high - self.low < _FEW:
            steps = [(step, power) for power in range(floor(self.low), last + 1) for step in _STEPS]
            steps = [one for one in steps if self.low - _SAME <= _log(*one) <= self.high + _SAME]
        else:
            steps = [(1, power) for power in range(last, first - 1, -max(1, ceil((last - first) / _MOST_TICKS)))][::-1]
        places, labels = [_log(*one) for one in steps], [_label(*one) for one in steps]
        return ([self.zero, *places], ["exactly 0", *labels]) if self.has_zero else (places, labels)

    def dress(self, axes: Axes, which: str) -> None:
        """Give the x or y axis its ticks, limits and, beside zero, the gap."""
        margin = 0.04 * (self.high - self.low)
        first = self.zero - (3 * margin if which == "x" else 2 * margin) if self.has_zero else self.low - margin
        places, labels = self.ticks()
        if which == "x":
            axes.set_xticks(places, labels)
            axes.set_xlim(first, self.high + margin)
        else:
            axes.set_yticks(places, labels)
            axes.set_ylim(first, self.high + margin)
        if self.has_zero:
            middle = (self.zero + self.low) / 2
            line = axes.axvline if which == "x" else axes.axhline
            line(middle, color=INK, alpha=2 * FAINT, linewidth=0.7, dashes=(1, 2))


def scale_of(values: Iterable[float], *, gap: float = 0.16) -> Scale:
    """Give the scale that holds all values, from and to 1, 2 or 5 times a power of ten."""
    given = np.array(list(values), dtype=np.float64)
    positive = given[np.isfinite(given) & (given > 0)]
    has_zero = bool((given == 0).any())
    if not positive.size:
        return Scale(-1, 0, has_zero, gap)
    smallest, largest = float(np.log10(positive.min())), float(np.log10(positive.max()))
    around = range(floor(smallest), floor(largest) + 2)
    rounded = sorted(_log(step, power) for power in around for step in _STEPS)
    low = max(place for place in rounded if place <= smallest + _SAME)
    high = min(place for place in rounded if place >= largest - _SAME)
    return Scale(low, high if high > low else min(place for place in rounded if place > low), has_zero, gap)


def _log(step: int, power: int) -> float:
    """Give the place of 1, 2 or 5 times a power of ten."""
    return power + log10(step)


def _label(step: int, power: int) -> str:
    return power_of_ten(power) if step == 1 else f"{step}·{power_of_ten(power)}"
