"""Numbers out of records, as figures need them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from recon.records import Record, Word

Grid = npt.NDArray[np.float64]


def every(records: Sequence[Record], measure: str) -> list[float]:
    """Give a measure of all records that have it and where it is a number."""
    found = [record.measures[measure] for record in records if measure in record.measures]
    return [value for value in found if not np.isnan(value)]


def average(records: Sequence[Record], measure: str) -> float:
    """Give a measure's mean; NaN where there is none."""
    found = every(records, measure)
    return float(np.mean(found)) if found else float("nan")


def numbers(word: Word) -> list[float]:
    """Read a setting that is a number or a row of numbers; empty where it is neither."""
    if isinstance(word, bool) or word is None or isinstance(word, str):
        return []
    if isinstance(word, int | float):
        return [float(word)]
    given = list(word) if isinstance(word, Sequence) else []
    return [float(entry) for entry in given if isinstance(entry, int | float)]


def residue_grid(record: Record) -> Grid | None:
    """Give the NMSE of a record at all shifts (rows, columns); None where the shifts are not a whole grid.

    Without the arrays rows and columns, the shifts are those below a square period, row by row.
    """
    errors = np.asarray(record.arrays.get("nmse", ()), dtype=np.float64)
    if not errors.size:
        return None
    if "rows" not in record.arrays or "columns" not in record.arrays:
        side = round(errors.size**0.5)
        return errors.reshape(side, side) if side * side == errors.size else None
    rows, columns = (np.asarray(record.arrays[name]).astype(int) for name in ("rows", "columns"))
    if len(rows) != errors.size or len(columns) != errors.size or min(rows.min(), columns.min()) < 0:
        return None
    grid = np.full((rows.max() + 1, columns.max() + 1), np.nan)
    grid[rows, columns] = errors
    return None if grid.size != errors.size or np.isnan(grid).any() else grid


def counted_slices(records: Sequence[Record]) -> str:
    """Say over how many slices something was measured.

    >>> counted_slices([])
    '0 slices'
    """
    count = len({(record.item, record.slice) for record in records})
    return f"{count} slice" if count == 1 else f"{count} slices"
