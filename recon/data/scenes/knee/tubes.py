"""Tubes: anatomy that runs along the rows (limbs, muscles, vessels), cut by slices and drawn in a warped frame."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from recon.data.scenes.drawing import Grid, Image, Texture

Window = tuple[slice, slice]

_REACH = 260.0  # mm: tubes are tabulated for |y| up to here
_STEP = 0.2  # mm between the entries of the tables
_TABLE = np.arange(-_REACH, _REACH + _STEP, _STEP)


@dataclass(frozen=True, slots=True)
class Section:
    """What a slice sees of a tube: tables over y of middle and half width (negative: absent).

    `steepness` turns horizontal distances into those to the wall; where the slice's thickness blurs the wall, `edge` is
    the half width seen and `softness` the width of the blur.
    """

    box: tuple[float, float, float, float]
    middle: Image
    half: Image
    steepness: Image
    edge: Image
    softness: Image

    @property
    def visible(self) -> bool:
        """Whether the slice meets the tube."""
        return self.box[1] > self.box[0]


class Tube:
    """A tube through knots (y, x, z, rx, rz) in mm, of superelliptic cross-section |dx / rx|**p + |dz / rz|**p = 1.

    Between the knots, each quantity is a monotone cubic of y. A tube ends where its rx falls below
    zero; `power` is p.
    """

    def __init__(self, knots: Sequence[Sequence[float]], *, power: float = 2.0) -> None:
        """Tabulate the tube along y."""
        points = np.asarray(knots, np.float64)
        inside_range = np.clip(_TABLE, points[0, 0], points[-1, 0])
        self.power = power
        self.x, self.z, self.rx, self.rz = PchipInterpolator(points[:, 0], points[:, 1:])(inside_range).T
        self.walls = tuple(
            table.astype(np.float32)
            for table in (self.x, 1 / np.maximum(self.rx, 1e-3), np.maximum(self.rz, 0), self.z)
        )
        self.profile = ((1 - np.linspace(0, 1, 1024) ** power) ** (1 / power)).astype(np.float32)
        self.lean = np.abs(np.gradient(self.x, _STEP))
        present = self.rx > 0
        self.first, self.last = float((self.z - self.rz)[present].min()), float((self.z + self.rz)[present].max())

    def half_width(self, z: float) -> NDArray[np.float64]:
        """Give half the tube's width at depth z along y; negative where the slice misses it."""
        t = np.abs(z - self.z) / np.maximum(self.rz, 0.1)
        within = self.rx * np.maximum(1 - t**self.power, 0) ** (1 / self.power)
        beyond = (1 - t) * np.minimum(np.abs(self.rx), self.rz)
        return np.where(self.rx < 0, np.minimum(self.rx, beyond), np.where(t < 1, within, beyond))

    def section(self, z: float, *, thickness: float = 2.5) -> Section:
        """Cut the tube at depth z; edges are soft where a slice of this thickness would blur them."""
        if not self.first - thickness < z < self.last + thickness:
            return NOWHERE
        half, front, back = self.half_width(z), self.half_width(z - thickness / 2), self.half_width(z + thickness / 2)
        widest = np.maximum(half, np.maximum(front, back))
        rows = np.flatnonzero(widest > 0)
        if not len(rows):
            return NOWHERE
        left, right = (self.x - widest)[rows].min(), (self.x + widest)[rows].max()
        box = (float(_TABLE[rows[0]]), float(_TABLE[rows[-1]]), float(left), float(right))
        rise = np.maximum(half, 0)
        half = np.where(half > 0, half, 4 * half)  # what the slice misses is farther away than its plane tells
        taper = np.minimum(np.abs(np.roll(rise, -8) - np.roll(rise, 8)) / (16 * _STEP), 2)
        steepness = 1 / np.sqrt(1 + (self.lean + taper) ** 2)
        narrowest = np.maximum(np.minimum(front, back), np.maximum(-widest, widest - 5))
        edge = np.where(widest > 0, (widest + narrowest) / 2, -20)
        softness = np.maximum(widest - narrowest, 0.4)
        tables = (self.x, half, steepness, edge, softness)
        return Section(box, *(table.astype(np.float32) for table in tables))


NOWHERE = Section((0.0, 0.0, 0.0, 0.0), *(np.zeros(1, np.float32),) * 5)


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a body lies in the image: turned by `angle`, mirrored, scaled and moved by `offset` (y, x) in mm."""

    offset: tuple[float, float]
    angle: float
    mirrored: bool
    scale: float

    def place(self, y: Image, x: Image) -> tuple[Image, Image]:
        """Turn the image's coordinates into the body's."""
        down, right = y - np.float32(self.offset[0]), x - np.float32(self.offset[1])
        cosine, sine = np.float32(np.cos(self.angle) / self.scale), np.float32(np.sin(self.angle) / self.scale)
        side = np.float32(-1 if self.mirrored else 1)
        return cosine * down - sine * right, side * (cosine * right + sine * down)

    def corners(self, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """Bound, in the image, a box (top, bottom, left, right) of the body."""
        v = np.asarray([box[0], box[0], box[1], box[1]]) * self.scale
        u = np.asarray([box[2], box[3], box[2], box[3]]) * self.scale * (-1 if self.mirrored else 1)
        y = np.cos(self.angle) * v + np.sin(self.angle) * u + self.offset[0]
        x = np.cos(self.angle) * u - np.sin(self.angle) * v + self.offset[1]
        return float(y.min()), float(y.max()), float(x.min()), float(x.max())


class Warp:
    """A smooth displacement of a body's coordinates: nothing in a body is straight."""

    def __init__(self, random: np.random.Generator, *, coarse: float = 1.0, fine: float = 0.25) -> None:
        """Draw it with these deviations in mm, of details of about 28 and 7 mm."""
        self.amplitudes = (coarse, fine)
        self.fields = tuple(Texture(random, scale, period=32) for scale in (28.0, 28.0, 7.0))

    def at(self, z: float, y: Image, x: Image) -> tuple[Image, Image]:
        """Give the displacement (down, right) on a grid."""
        down, right, fine = (field.at(z, y, x) for field in self.fields)
        coarse_amplitude, fine_amplitude = (np.float32(amplitude) for amplitude in self.amplitudes)
        fine *= fine_amplitude
        return down * coarse_amplitude + fine, right * coarse_amplitude - fine


class Frame:
    """One slice: the body's coordinates `y` and `x` (H, W) in mm over the pixels of a grid, and windows of them."""

    margin = 5.0  # mm around a window: more than any warp and soft edge

    def __init__(self, z: float, grid: Grid, pose: Pose, warp: Warp) -> None:
        """Lay the body's coordinates over the grid."""
        self.z, self.grid_y, self.grid_x, self.pose = z, grid.y, grid.x, pose
        self.y, self.x = pose.place(self.grid_y, self.grid_x)
        down, right = warp.at(z, self.grid_y, self.grid_x)
        self.y += down
        self.x += right
        self.row = np.clip((self.y + np.float32(_REACH)) * np.float32(1 / _STEP), 0, len(_TABLE) - 1).astype(np.intp)

    def window(self, box: tuple[float, float, float, float]) -> Window:
        """Give the part of the image in which a box (top, bottom, left, right) of the body lies."""
        top, bottom, left, right = self.pose.corners(box)
        rows, columns = self.grid_y.ravel(), self.grid_x.ravel()
        first, last = np.searchsorted(rows, [top - self.margin, bottom + self.margin])
        start, stop = np.searchsorted(columns, [left - self.margin, right + self.margin])
        return slice(int(first), int(last)), slice(int(start), int(stop))

    def texture(self, texture: Texture, window: Window) -> Image:
        """Evaluate a texture over a window."""
        return texture.at(self.z, self.grid_y[window[0]], self.grid_x[:, window[1]])

    def distance(self, section: Section, window: Window) -> Image:
        """Give about the signed distance in mm to a tube's outline over a window."""
        row = self.row[window]
        result = np.abs(self.x[window] - section.middle.take(row))
        result -= section.half.take(row)
        result *= section.steepness.take(row)
        return result

    def cover(self, section: Section, window: Window) -> Image:
        """Give how much of each pixel of a window a tube covers, soft where the slice meets its wall aslant."""
        row = self.row[window]
        result = np.abs(self.x[window] - section.middle.take(row))
        result -= section.edge.take(row)
        result *= (-section.steepness / section.softness).take(row)
        result += np.float32(0.5)
        return np.clip(result, 0, 1, out=result)

    def overlap(self, tube: Tube, window: Window, *, thickness: float = 3.0, fray: Image | None = None) -> Image:
        """Give how much of a slice of this thickness a tube fills at each pixel of a window.

        Unlike `cover` this holds where the slice is tangential to the tube. `fray` moves its wall inwards, in mm.
        """
        row = self.row[window]
        middle, reciprocal, half_depth, depth = (table.take(row) for table in tube.walls)
        across = self.x[window] - middle
        np.abs(across, out=across)
        across *= reciprocal
        across *= np.float32(len(tube.profile) - 1)
        within = tube.profile.take(across.astype(np.intp), mode="clip")
        within *= half_depth
        depth -= np.float32(self.z)
        np.abs(depth, out=depth)
        if fray is not None:
            depth += fray
        result = within - depth
        result *= np.float32(1 / thickness)
        result += np.float32(0.5)
        within *= np.float32(2 / thickness)
        np.minimum(result, np.minimum(within, 1, out=within), out=result)
        return np.maximum(result, 0, out=result)


def shared_window(outer: Window, inner: Window) -> tuple[Window, Window]:
    """Give the common part of two windows: in the image, and within the outer one."""
    starts = [max(a.start, b.start) for a, b in zip(outer, inner, strict=True)]
    stops = [max(min(a.stop, b.stop), start) for a, b, start in zip(outer, inner, starts, strict=True)]
    part = (slice(starts[0], stops[0]), slice(starts[1], stops[1]))
    return part, within_window(part, outer)


def within_window(part: Window, outer: Window) -> Window:
    """Give a window's place within an outer one."""
    row, column = (slice(p.start - o.start, p.stop - o.start) for p, o in zip(part, outer, strict=True))
    return row, column
