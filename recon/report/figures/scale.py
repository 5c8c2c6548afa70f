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


@dataclass(frozen=True, slots=True)
class Scale:
    """Places on an axis from 10**low to 10**high; zero stands apart before them, where there is one.

    `gap` is the distance from 10**low to zero, as a part of the rest.
    """

    low: int
    high: int
    has_zero: bool
    gap: float = 0.16

    @property
    def zero(self) -> float:
        """Where zero stands."""
        return self.low - max(0.5, self.gap * (self.high - self.low))

    def place(self, values: float | Sequence[float] | Places) -> Places:
        """Give the places of values; NaN where a value is neither positive nor zero."""
        given = np.asarray(values, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(given > 0, np.log10(given), np.nan)
        return np.where(given == 0, self.zero, logs)

    def ticks(self) -> tuple[list[float], list[str]]:
        """Give the ticks' places and labels."""
        step = max(1, ceil((self.high - self.low) / _MOST_TICKS))
        powers = list(range(self.high, self.low - 1, -step))[::-1]
        places, labels = [float(power) for power in powers], [power_of_ten(power) for power in powers]
        return ([self.zero, *places], ["exactly 0", *labels]) if self.has_zero else (places, labels)

    def dress(self, axes: Axes, which: str) -> None:
        """Give the x or y axis its ticks, limits and, beside zero, the gap."""
        margin = 0.03 * (self.high - self.low) + 0.05
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
    """Give the scale that holds all values."""
    given = np.array(list(values), dtype=np.float64)
    positive = given[np.isfinite(given) & (given > 0)]
    has_zero = bool((given == 0).any())
    if not positive.size:
        return Scale(-1, 0, has_zero, gap)
    low, high = floor(log10(positive.min())), ceil(log10(positive.max()))
    return Scale(low, high if high > low else low + 1, has_zero, gap)
