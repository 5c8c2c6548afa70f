"""Statistics of measures whose images come in volumes: mean, percentiles, bootstrap intervals, paired differences."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from recon.errors import ShapeError

Numbers: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float64]]
Codes: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]

Key = TypeVar("Key", bound=Hashable)

RESAMPLES, SEED, LEVEL = 2000, 0, 0.95
_FEW = 256  # different numbers, of which it is drawn how many there are instead of which
_AT_ONCE = 2_000_000  # numbers that are drawn at a time


@dataclass(frozen=True, slots=True)
class Values:
    """Numbers with the volume that each came from.

    Args:
        numbers: those that are not NaN.
        clusters: for each, the number of its volume, from 0 on.
        missing: how many were NaN and are left out.
    """

    numbers: Numbers
    clusters: Codes
    missing: int = 0

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval."""

    low: float
    high: float


def values_of(numbers: Sequence[float], volumes: Sequence[str]) -> Values:
    """Put numbers together with the volumes that they came from; NaN is left out and counted.

    >>> values_of([1.0, float("nan"), 3.0], ["a", "a", "b"]).clusters.tolist()
    [0, 1]
    """
    if len(numbers) != len(volumes):
        raise ShapeError(f"every number must have its volume, got {len(numbers)} numbers and {len(volumes)} volumes")
    every = np.asarray(numbers, dtype=np.float64).reshape(-1)
    there = ~np.isnan(every)
    codes: dict[str, int] = {}
    kept = [codes.setdefault(volume, len(codes)) for volume, keep in zip(volumes, there, strict=True) if keep]
    return Values(every[there], np.array(kept, dtype=np.int64), int((~there).sum()))


def mean(values: Values) -> float:
    """Give the mean; NaN where there are no numbers."""
    return float(values.numbers.mean()) if len(values) else float("nan")


def deviation(values: Values) -> float:
    """Give the standard deviation of the sample, sqrt(sum (x - mean)^2 / (n - 1)); NaN for fewer than two numbers."""
    return float(values.numbers.std(ddof=1)) if len(values) > 1 else float("nan")


def percentile(values: Values, share: float) -> float:
    """Give the percentile (0 to 100), interpolated linearly between the numbers; NaN where there are none."""
    if not len(values):
        return float("nan")
    if np.isinf(values.numbers).any():  # between which nothing can be interpolated
        return float(np.percentile(values.numbers, share, method="higher"))
    return float(np.percentile(values.numbers, share))


def largest(values: Values) -> float:
    """Give the largest number; NaN where there are none."""
    return float(values.numbers.max()) if len(values) else float("nan")


def mean_interval(values: Values, *, resamples: int = RESAMPLES, seed: int = SEED) -> Interval | None:
    """Give the 95 % percentile bootstrap interval of the mean, drawing whole volumes with replacement.

    Slices of one volume are alike, so that volumes are what is drawn: K of K, `resamples` times; the mean is that of
    all their numbers. None where there are fewer than two volumes, or the mean is not finite.
    """
    sizes = np.bincount(values.clusters) if len(values) else np.zeros(0, dtype=np.int64)
    if len(sizes) < 2 or not np.isfinite(values.numbers).all():
        return None
    sums = np.bincount(values.clusters, weights=values.numbers)
    drawn = np.random.default_rng(seed).integers(len(sizes), size=(resamples, len(sizes)), dtype=np.int32)
    means = sums[drawn].sum(1) / sizes[drawn].sum(1)
    return interval_of(means)


def image_interval(numbers: Numbers, *, resamples: int = RESAMPLES, seed: int = SEED) -> Interval | None:
    """Give the 95 % percentile bootstrap interval of the mean of single images, drawn with replacement.

    None where there are fewer than two, or one is not finite.
    """
    count = len(numbers)
    if count < 2 or not np.isfinite(numbers).all():
        return None
    generator = np.random.default_rng(seed)
    different, times = np.unique(numbers, return_counts=True)
    if len(different) <= _FEW:  # as of right and wrong: the same distribution, drawn faster
        means = generator.multinomial(count, times / count, size=resamples) @ different / count
    else:
        rows = max(1, _AT_ONCE // count)
        drawn = (generator.integers(count, size=(min(rows, resamples - first), count), dtype=np.int32)
                 for first in range(0, resamples, rows))  # fmt: skip
        means = np.concatenate([numbers[places].mean(1) for places in drawn])
    return interval_of(means)


def interval_of(resampled: npt.NDArray[np.float64]) -> Interval:
    """Give the interval that holds the middle 95 % of what was drawn."""
    low, high = np.percentile(resampled, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return Interval(float(low), float(high))


def paired_difference(one: Mapping[Key, float], other: Mapping[Key, float], volume_of: Mapping[Key, str]) -> Values:
    """Give one - other over the images that both have, with their volumes; its mean and interval are the paired ones.

    >>> mean(paired_difference({"a": 3.0, "b": 1.0}, {"a": 1.0, "c": 9.0}, {"a": "volume"}))
    2.0
    """
    shared = [key for key in one if key in other]
    with np.errstate(invalid="ignore"):
        differences = [float(np.float64(one[key]) - np.float64(other[key])) for key in shared]
    return values_of(differences, [volume_of[key] for key in shared])
