"""Grids of errors out of records, and how many slices they are of."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from recon.records import Record
from recon.report.tables import counted

Grid = npt.NDArray[np.float64]


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
    return counted(len({(record.item, record.slice) for record in records}), "slice")
