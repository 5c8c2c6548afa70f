"""What scenes are drawn with: grids in millimetres, soft edges, and random textures that do not depend on the grid."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Grid:
    """The centres, in mm, of a (rows, columns) image's pixels, each split into oversampling**2 finer ones.

    `y` (rows * oversampling, 1) grows downwards, `x` (1, columns * oversampling) to the right; (0, 0) is the middle of
    the image. Scenes draw on the fine pixels, and `average` brings the drawing to the image: edges are anti-aliased.
    """

    shape: tuple[int, int]
    spacing: float
    oversampling: int = 2

    @property
    def y(self) -> Image:
        """The rows' centres in mm, as a column."""
        return _centres(self.shape[0], self.spacing, self.oversampling)[:, None]

    @property
    def x(self) -> Image:
        """The columns' centres in mm, as a row."""
        return _centres(self.shape[1], self.spacing, self.oversampling)[None, :]

    def average(self, fine: Image) -> Image:
        """Average the fine pixels of each pixel of the image."""
        rows, columns = self.shape
        parts = fine.reshape(rows, self.oversampling, columns, self.oversampling)
        return parts.mean(axis=(1, 3), dtype=np.float32)


class Texture:
    """A smooth random field over (z, y, x) in mm: of mean 0, deviation about 1, and details of about `scale` mm.

    Random values on a lattice that repeats after `period` cells are joined by cubic B-splines, separably, so that a
    whole image costs two small matrix products. The field belongs to the anatomy: the same place has the same value
    on any grid and in any slice. `scale` is one number or (z, y, x), for fibres and trabeculae.
    """

    def __init__(self, random: np.random.Generator, scale: float | Sequence[float], *, period: int = 64) -> None:
        """Draw the lattice's values from `random`."""
        sizes = (scale,) * 3 if isinstance(scale, int | float) else tuple(scale)
        self.scale = tuple(float(size) for size in sizes)
        self.lattice = random.standard_normal((min(period, 32), period, period), dtype=np.float32)

    def at(self, z: float, y: Image, x: Image) -> Image:
        """Give the field at height z on a grid of rows y (H, 1) and columns x (1, W), as (H, W)."""
        weights_z = _spline_weights(np.asarray([z], np.float32), self.scale[0], self.lattice.shape[0])
        weights_y = _spline_weights(y.ravel(), self.scale[1], self.lattice.shape[1])
        weights_x = _spline_weights(x.ravel(), self.scale[2], self.lattice.shape[2])
        plane = np.tensordot(weights_z[0], self.lattice, axes=1)
        return (weights_y @ plane @ weights_x.T) * np.float32(_UNIT_DEVIATION)


def inside(distance: Image, width: float = 0.2) -> Image:
    """Turn a signed distance to an edge (mm, negative inside) into a fraction, 1 inside to 0, soft over `width`."""
    return np.clip(np.float32(0.5) - distance / np.float32(width), 0, 1)


def ellipse_distance(
    y: Image, x: Image, *, centre: tuple[float, float], radii: tuple[float, float], angle: float = 0.0
) -> Image:
    """Give about the signed distance in mm to an ellipse: centre and radii as (y, x), turned by `angle` radians."""
    down, right = y - np.float32(centre[0]), x - np.float32(centre[1])
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u, v = cosine * down + sine * right, cosine * right - sine * down
    scaled = np.sqrt((u / np.float32(radii[0])) ** 2 + (v / np.float32(radii[1])) ** 2)
    gradient = np.sqrt((u / np.float32(radii[0] ** 2)) ** 2 + (v / np.float32(radii[1] ** 2)) ** 2)
    return (scaled - 1) * scaled / np.maximum(gradient, np.float32(1e-6))


def paint(canvas: Image, cover: Image, value: Image | float) -> Image:
    """Lay a value over the canvas where `cover` (0 to 1) says so."""
    return canvas + cover * (value - canvas)


_UNIT_DEVIATION = 3.1  # of cubic B-splines over independent normal values in three dimensions, about


def _centres(count: int, spacing: float, oversampling: int) -> Image:
    fine = count * oversampling
    return ((np.arange(fine) - (fine - 1) / 2) * (spacing / oversampling)).astype(np.float32)


def _spline_weights(positions: Image, scale: float, period: int) -> NDArray[np.float32]:
    """Give the (positions, period) weights of the lattice's values under cubic B-splines."""
    cells = positions.astype(np.float64) / scale
    first = np.floor(cells).astype(np.int64)
    t = cells - first
    pieces = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    weights = np.zeros((len(positions), period), np.float32)
    rows = np.arange(len(positions))
    for step, piece in enumerate(pieces):
        np.add.at(weights, (rows, (first + step - 1) % period), (piece / 6).astype(np.float32))
    return weights
