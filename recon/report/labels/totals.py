"""What sums up: the records of many units of images as one number of a network, with its 95 % interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recon.records import Record
from recon.report.statistics import RESAMPLES, SEED, Interval, Numbers, image_interval, interval_of

_FEWEST = 5  # units, fewer of which tell nothing about how a measure of them all scatters
_NAN = float("nan")

Areas = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number of a network.

    Args:
        value: the number; NaN where it was not measured.
        interval: its 95 % bootstrap interval; None where there are too few images, or they were not kept apart.
    """

    value: float
    interval: Interval | None = None


def total(records: Sequence[Record], measure: str) -> float:
    """Give the sum of a measure; NaN where no record has it."""
    found = [record.measures[measure] for record in records if measure in record.measures]
    return sum(found) if found else _NAN


def ratio(records: Sequence[Record], part: str, whole: str) -> float:
    """Give the sum of one measure over that of another, of the records that have both; NaN where there is nothing."""
    having = [record for record in records if part in record.measures and whole in record.measures]
    count = total(having, whole)
    return total(having, part) / count if count > 0 else _NAN


def of_images(records: Sequence[Record], array: str) -> Numbers:
    """Give what was kept of every image, one after the other; nothing where a record did not keep it."""
    if not all(array in record.arrays for record in records):
        return np.zeros(0)
    return np.concatenate([np.zeros(0), *(np.asarray(record.arrays[array], dtype=np.float64) for record in records)])


def counted_share(records: Sequence[Record], part: str) -> Estimate:
    """Give the share of images that a measure counts; the count tells the interval."""
    value, images = ratio(records, part, "images"), total(records, "images")
    if value != value:
        return Estimate(value)
    right = round(value * images)
    return Estimate(value, image_interval(np.repeat([1.0, 0.0], [right, round(images) - right])))


def agreement(records: Sequence[Record]) -> Estimate:
    """Give the share of pairs of shifts, or of crops, whose labels agree: of images, or on average of their pixels."""
    return Estimate(ratio(records, "agreeing", "pairs"), image_interval(of_images(records, "agreeing")))


def variation(records: Sequence[Record]) -> float:
    """Give the mean over images of the deviation of the true class's probability over shifts (Zhang 2019)."""
    return ratio(records, "variation", "images")


def lowest(records: Sequence[Record]) -> Estimate:
    """Give the mean over images of the least share of pixels that keep their label under any shift."""
    return Estimate(ratio(records, "lowest", "images"), image_interval(of_images(records, "lowest")))


def mean_iou(records: Sequence[Record], *, interval: bool = True) -> Estimate:
    """Give the mean over classes of intersection over union, each summed over all images.

    Classes that nothing has are left out. The interval draws whole units, since the measure is of a set: None where
    they are fewer than five.
    """
    areas = _areas(records)
    if not areas.size:
        return Estimate(_NAN)
    resampled = _drawn(areas) if interval else None
    return Estimate(float(_iou(areas.sum(0))), None if resampled is None else interval_of(_iou(resampled)))


def accuracy_difference(one: Sequence[Record], other: Sequence[Record]) -> Estimate:
    """Give how much larger one accuracy is than the other, paired by image."""
    pairs = _shared(one, other)
    mine, theirs = ([pair[side] for pair in pairs] for side in (0, 1))
    value = ratio(mine, "correct", "images") - ratio(theirs, "correct", "images")
    numbers = [of_images(side, "correct") for side in (mine, theirs)]
    alike = len(numbers[0]) == len(numbers[1])
    return Estimate(value, image_interval(numbers[0] - numbers[1]) if alike else None)


def iou_difference(one: Sequence[Record], other: Sequence[Record]) -> Estimate:
    """Give how much larger one mIoU is than the other, paired by unit."""
    pairs = _shared(one, other)
    mine, theirs = (_areas([pair[side] for pair in pairs]) for side in (0, 1))
    if not mine.size or mine.shape != theirs.shape:
        return Estimate(_NAN)
    value = float(_iou(mine.sum(0)) - _iou(theirs.sum(0)))
    drawn = [_drawn(mine), _drawn(theirs)]  # the same units of both
    return Estimate(
        value, None if drawn[0] is None or drawn[1] is None else interval_of(_iou(drawn[0]) - _iou(drawn[1]))
    )


def _shared(one: Sequence[Record], other: Sequence[Record]) -> list[tuple[Record, Record]]:
    """Pair the records of the same units, of as many images."""
    there = {(record.item, record.measures.get("images")): record for record in other}
    keys = [(record.item, record.measures.get("images")) for record in one]
    return [(record, there[key]) for record, key in zip(one, keys, strict=True) if key in there]


def _areas(records: Sequence[Record]) -> Areas:
    """Give intersections and unions (units, 2, classes)."""
    having = [record for record in records if {"intersection", "union"} <= record.arrays.keys()]
    return np.array([[record.arrays["intersection"], record.arrays["union"]] for record in having], dtype=np.float64)


def _iou(areas: Areas) -> Areas:
    """Give the mean over the classes that there are of areas (..., 2, classes); NaN where there are none."""
    intersection, union = areas[..., 0, :], areas[..., 1, :]
    there = union > 0
    ratios = np.divide(intersection, union, out=np.zeros_like(union), where=there)
    with np.errstate(invalid="ignore"):
        return np.asarray(ratios.sum(-1) / there.sum(-1))


def _drawn(areas: Areas) -> Areas | None:
    """Give the sums of units drawn with replacement (resamples, 2, classes); None where there are too few."""
    units = len(areas)
    if units < _FEWEST:
        return None
    drawn = np.random.default_rng(SEED).multinomial(units, np.full(units, 1 / units), size=RESAMPLES)
    return np.einsum("ru,uac->rac", drawn, areas)
