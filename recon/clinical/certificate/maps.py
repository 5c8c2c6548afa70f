"""The map of a certificate: the largest change of PSNR over all slices, at every shift."""

import math

import numpy as np

from recon.clinical.certificate.measuring import Measurements
from recon.records import Record, Word
from recon.report.figures.reading import Grid

LARGEST = 64  # squares along each side, of more the largest of several is taken


def shift_map(found: Measurements) -> dict[str, Word]:
    """Give the map row by row, with its size; empty where the shifts are not a whole grid.

    At each shift it has the change of PSNR in dB, of that slice where its size is largest.
    """
    grids = [grid for record in found.of("worst") if (grid := _grid(record)) is not None]
    same = [grid for grid in grids if grid.shape == grids[0].shape] if grids else []
    if not same:
        return {}
    furthest = _furthest(np.stack(same))
    rows, columns = (math.ceil(length / LARGEST) for length in furthest.shape)
    blocks = _blocks(furthest, rows, columns)
    return {
        "rows": blocks.shape[0],
        "columns": blocks.shape[1],
        "shifts of a square": [rows, columns],
        "shifts": list(furthest.shape),
        "slices": len(same),
        "change of PSNR in dB": [float(f"{value:.4g}") for value in blocks.ravel().tolist()],
    }


def _grid(record: Record) -> Grid | None:
    """Give the changes of one slice at shifts (rows, columns)."""
    if "delta_psnr" not in record.arrays or record.settings["shifts"] == "random":
        return None
    rows, columns = (np.asarray(record.arrays[name]).astype(int) for name in ("rows", "columns"))
    grid = np.full((rows.max() + 1, columns.max() + 1), np.nan)
    grid[rows, columns] = record.arrays["delta_psnr"]
    return None if np.isnan(grid).any() else grid


def _furthest(changes: Grid) -> Grid:
    """Give of several numbers (N, ...) the one of the largest size."""
    places = np.abs(changes).argmax(0)
    return np.take_along_axis(changes, places[None], 0)[0]


def _blocks(grid: Grid, rows: int, columns: int) -> Grid:
    """Give the number of the largest size of each block of (rows, columns)."""
    if rows == columns == 1:
        return grid
    missing = [(-length) % side for length, side in zip(grid.shape, (rows, columns), strict=True)]
    whole = np.pad(grid, [(0, missing[0]), (0, missing[1])])
    cut = whole.reshape(whole.shape[0] // rows, rows, whole.shape[1] // columns, columns).transpose(1, 3, 0, 2)
    return _furthest(cut.reshape(rows * columns, *cut.shape[2:]))
