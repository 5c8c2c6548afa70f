"""Accuracy as a function of shifts: under all up to some size, and under each of them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from recon.records import Record
from recon.report.labels.totals import total
from recon.report.tables import numbers_in

Grid = npt.NDArray[np.float64]


def within(records: Sequence[Record]) -> dict[int, float]:
    """Give the share of images that are right under all shifts of at most so many pixels along each axis.

    Distances that some record lacks are left out.
    """
    held = [
        dict(zip(map(int, record.arrays["furthest"]), record.arrays["correct_within"], strict=True))
        for record in records
        if {"furthest", "correct_within"} <= record.arrays.keys()
    ]
    images = total([record for record in records if "correct_within" in record.arrays], "images")
    common = set.intersection(*(set(one) for one in held)) if held else set()
    return {distance: sum(one[distance] for one in held) / images for distance in sorted(common)}


def by_shift(records: Sequence[Record]) -> Grid | None:
    """Give the share of images that are right under every shift (rows, columns); None where that was not kept."""
    having = [record for record in records if record.arrays.get("correct_by_shift")]
    sizes = {tuple(map(int, numbers_in(record.settings.get("size")))) for record in having}
    if len(sizes) != 1 or len(size := sizes.pop()) != 2:
        return None
    sums = [np.asarray(record.arrays["correct_by_shift"], dtype=np.float64) for record in having]
    if any(one.size != size[0] * size[1] for one in sums):
        return None
    grid: Grid = np.sum(sums, axis=0).reshape(size) / total(having, "images")
    return grid
