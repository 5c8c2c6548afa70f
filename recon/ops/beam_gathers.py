"""The two gathers of a parallel-beam scan: detector cells to pixels, and pixels to detector cells, with equal weights.

Joseph's method follows a ray through the columns of an image and interpolates linearly between the two rows that it
passes in each. Seen from a pixel, its weights are a triangle on the detector, so that the adjoint is a gather as well.
Both gathers sum rows of a table, one row for each cell or pixel and one column for each image, by `embedding_bag`: the
indices and weights are computed once for all columns, in tiles that fit a cache.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from recon.ops.beam_bundles import Beams

# Taps in a tile: on a CPU few enough for its second cache, elsewhere enough to be worth a launch.
CPU_TAPS, OTHER_TAPS = 2**18, 2**23
LARGEST_INT32 = 2**31 - 1
DIRECTIONS = 16  # of a tile of lines: neighbours pass through almost the same pixels


def gather_cells(table: Tensor, beams: Beams, n_cells: int, size: tuple[int, int]) -> Tensor:
    """Give (H, W, N): the pixels of the first H rows and W columns, each the weighted sum of the cells it falls on.

    With t = first[n] + row_step[n] r + column_step[n] c and cells x (n, D, N),

        y[r, c] = sum over n and d of height[n] relu(1 - |d - t| / row_step[n]) x[n, d].

    The table (n (K + D + K), N) has, for each direction, K = `beams.n_taps` rows of zeros before and after the D cells.
    """
    footprints = _Footprints.of(beams, table, size)
    tile, pad = footprints.tile, beams.n_taps
    lines = torch.arange(len(beams.first), device=table.device, dtype=_index_type(table)) * (n_cells + 2 * pad)
    indices = torch.empty(tile[0] * tile[1], sum(footprints.counts), dtype=lines.dtype, device=table.device)
    weights = torch.empty(indices.shape, dtype=table.dtype, device=table.device)
    output = table.new_empty(*size, table.shape[1])
    for top in _starts(size[0], tile[0]):
        for left in _starts(size[1], tile[1]):
            corner = beams.first + (top - 1) * beams.row_step + left * beams.column_step + 1 + pad
            whole = corner.floor()  # and the rest in float64, so that float32 has to tell places within a tile only
            place = footprints.steps + (corner - whole).to(table)
            place = place.clamp_((-whole).to(table), (n_cells + pad - whole).to(table))
            footprints.fill(indices, weights, place, lines + whole.to(lines))
            pixels = _sum_bags(table, indices, weights)
            output[top : top + tile[0], left : left + tile[1]] = pixels.unflatten(0, tile)
    return output


@dataclass(frozen=True, slots=True, eq=False)
class _Footprints:
    """What all tiles of pixels share, for n directions of which counts[k] have a tap k."""

    tile: tuple[int, int]
    counts: tuple[int, ...]
    steps: Tensor  # (pixels of a tile, n): from the tile's corner along the detector
    slope: Tensor  # (n,)
    height: Tensor  # (n,)
    offsets: Tensor  # (taps, n): slope times the distance from a tap 0 that begins a triangle to the triangle's middle

    @classmethod
    def of(cls, beams: Beams, table: Tensor, size: tuple[int, int]) -> "_Footprints":
        """Choose the tiles for an output of that size."""
        counts = tuple(int((beams.row_step * 2 > k).sum()) for k in range(beams.n_taps))  # row_step descends
        edge = max(math.isqrt(_most_taps(table) // sum(counts)), 1)
        tile = min(edge, size[0]), min(edge, size[1])
        rows = torch.arange(tile[0], dtype=torch.float64)[:, None, None]
        columns = torch.arange(tile[1], dtype=torch.float64)[:, None]
        steps = (rows * beams.row_step + columns * beams.column_step).flatten(0, 1)
        slope = beams.height / beams.row_step
        taps = torch.arange(1, len(counts) + 1, dtype=torch.float64)[:, None]
        offsets = slope * (taps - beams.row_step)
        return cls(tile, counts, steps.to(table), slope.to(table), beams.height.to(table), offsets.to(table))

    def fill(self, indices: Tensor, weights: Tensor, place: Tensor, base: Tensor) -> None:
        """Write the taps (pixels, n + ... + n) of all pixels, whose triangles begin at base + place; spoils place."""
        first = place.to(indices.dtype).add_(base)
        place.frac_().mul_(self.slope)
        start = 0
        for k, count in enumerate(self.counts):
            taps = slice(start, start + count)
            torch.add(first[:, :count], k, out=indices[:, taps])
            weight = torch.sub(place[:, :count], self.offsets[k, :count], out=weights[:, taps])
            torch.sub(self.height[:count], weight.abs_(), out=weight).clamp_(min=0)
            start += count


def gather_pixels(table: Tensor, beams: Beams, n_cells: int, size: tuple[int, int]) -> Tensor:
    """Give (n, n_cells, N): the first cells of the detector, each the weighted sum of the pixels on its line.

    With p = (d - first[n] - column_step[n] c) / row_step[n] and pixels x (H, W, N),

        y[n, d] = height[n] sum over c of x[p, c], interpolated linearly between rows, and 0 outside.

    The adjoint of `gather_cells`. The table ((1 + H + 2) W, N) has a row of zero pixels above the image and two below.
    """
    height, width = size
    columns = torch.arange(width, device=table.device, dtype=_index_type(table))
    across = torch.arange(width, dtype=torch.float64) - (width - 1) / 2
    lines = max(_most_taps(table) // (2 * width), 1)
    n_directions = min(len(beams.first), DIRECTIONS, lines)
    output = table.new_empty(len(beams.first), n_cells, table.shape[1])
    for start in range(0, len(beams.first), n_directions):
        part = slice(start, start + n_directions)
        step = beams.row_step[part]
        drift = (across * (beams.column_step[part] / step)[:, None]).to(table)  # (a, W)
        middle = (beams.first[part] + (width - 1) / 2 * beams.column_step[part]) / step - 1
        weight = beams.height[part].to(table)[:, None]
        for cell in torch.arange(n_cells, dtype=torch.float64).split(max(lines // n_directions, 1)):
            place = (cell[:, None] / step - middle).to(table)[..., None] - drift  # (d, a, W), in rows of the table
            indices, weights = _line_taps(place.clamp_(0, height + 1), columns, weight)
            cells = _sum_bags(table, indices, weights).unflatten(0, place.shape[:2])
            output[part, int(cell[0]) : int(cell[-1]) + 1] = cells.transpose(0, 1)
    return output


def _line_taps(place: Tensor, columns: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Give indices and weights (d a, 2 W) of the two pixels that a row (d, a, W) lies between; spoils place."""
    width = len(columns)
    indices = torch.empty(*place.shape[:2], 2, width, dtype=columns.dtype, device=place.device)
    weights = torch.empty(indices.shape, dtype=place.dtype, device=place.device)
    torch.add(columns, place.to(columns.dtype), alpha=width, out=indices[:, :, 0])
    torch.add(indices[:, :, 0], width, out=indices[:, :, 1])
    torch.mul(place.frac_(), weight, out=weights[:, :, 1])
    torch.sub(weight, weights[:, :, 1], out=weights[:, :, 0])
    return indices.view(-1, 2 * width), weights.view(-1, 2 * width)


def _sum_bags(table: Tensor, indices: Tensor, weights: Tensor) -> Tensor:
    """Sum the rows of a table (rows, N) at the indices (bags, taps), each times its weight, to (bags, N)."""
    return F.embedding_bag(indices, table, mode="sum", per_sample_weights=weights)


def _most_taps(like: Tensor) -> int:
    """How many taps a tile may have."""
    if like.device.type != "cpu":
        return OTHER_TAPS
    return CPU_TAPS if like.dtype == torch.float32 else CPU_TAPS // 8  # torch copies a row for each tap in float64


def _index_type(table: Tensor) -> torch.dtype:
    """The narrower type that can number the rows of a table."""
    return torch.int32 if len(table) <= LARGEST_INT32 else torch.int64


def _starts(size: int, tile: int) -> list[int]:
    """Where tiles start that cover an axis; the last one ends with the axis and may overlap the one before."""
    return [min(i * tile, size - tile) for i in range(-(-size // tile))]
