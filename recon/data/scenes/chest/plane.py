"""Planes cut through the chest, and the branching tapered pipes and ellipsoids that they cross."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from recon.data.scenes.drawing import Image, Texture

Points = NDArray[np.float32]  # (N, 3), as (z, y, x) in mm
Windows = tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class Pipes:
    """Round segments from `starts` to `ends` (N, 3), whose radii (N, 2) change linearly from end to end."""

    starts: Points
    ends: Points
    radii: NDArray[np.float32]

    def __add__(self, other: "Pipes") -> "Pipes":
        """Both sets of segments."""
        return Pipes(
            np.concatenate((self.starts, other.starts)),
            np.concatenate((self.ends, other.ends)),
            np.concatenate((self.radii, other.radii)),
        )

    def chosen(self, keep: NDArray[np.bool_]) -> "Pipes":
        """Those segments where `keep` (N,) says so."""
        return Pipes(self.starts[keep], self.ends[keep], self.radii[keep])


@dataclass(frozen=True, slots=True)
class Plane:
    """One slice: the anatomy's coordinates (y, x), each (H, W) in mm, of every pixel at height z.

    `to_pixels` takes (y, x, 1) of the anatomy to the pixel's (row, column), but for `bend`, by which the coordinates
    of a pixel exceed those of that affine map; it lets small structures be drawn in a window around them. `rows`
    (H, 1) and `columns` (1, W) are the pixels in the frame of the grid, in mm. The slice is `thickness` mm thick.
    """

    z: float
    y: Image
    x: Image
    to_pixels: NDArray[np.float64]
    bend: tuple[Image, Image]
    rows: Image
    columns: Image
    thickness: float = 0.0

    def field(self, texture: Texture) -> Image:
        """Give a texture on this plane; its axes are those of the grid."""
        return texture.at(self.z, self.rows, self.columns)

    def cover(self, distance: Image, width: float) -> Image:
        """Turn a signed distance in space (mm, negative inside) into the share of the slice inside, 1 to 0.

        Edges are soft over `width` and, where they are oblique to the slice, over the part of its thickness that they
        cross: a distance in space has slope 1, and what its slope in the plane lacks of that is its slope along z.
        """
        step = float(self.rows[1, 0] - self.rows[0, 0])
        down, right = np.empty_like(distance), np.empty_like(distance)
        np.subtract(distance[1:], distance[:-1], out=down[:-1])
        np.subtract(distance[:, 1:], distance[:, :-1], out=right[:, :-1])
        down[-1], right[:, -1] = 2 * down[-2] - down[-3], 2 * right[:, -2] - right[:, -3]
        down *= down
        right *= right
        down += right
        down *= np.float32(-((self.thickness / step) ** 2))
        down += np.float32(self.thickness**2)
        np.maximum(down, 0, out=down)
        down += np.float32(width**2)
        np.divide(distance, np.sqrt(down, out=down), out=down)
        return np.clip(np.subtract(np.float32(0.5), down, out=down), 0, 1, out=down)

    def pixels(self, y: NDArray[np.float32], x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Give about the (N, 2) rows and columns of the places (y, x)."""
        height, width = self.y.shape
        found = np.stack((y, x, np.ones_like(y)), axis=-1) @ self.to_pixels.T
        rows = np.clip(found[:, 0], 0, height - 1).astype(np.int64)
        columns = np.clip(found[:, 1], 0, width - 1).astype(np.int64)
        y, x = y - self.bend[0][rows, columns], x - self.bend[1][rows, columns]
        return np.stack((y, x, np.ones_like(y)), axis=-1) @ self.to_pixels.T

    def windows(self, low: NDArray[np.float64], high: NDArray[np.float64], reach: NDArray[np.float64]) -> list[Windows]:
        """Give windows that hold the boxes between pixels `low` and `high` (N, 2), widened by `reach` (N,) in mm."""
        margin = (reach[:, None] + 1.5) * np.abs(self.to_pixels[:, :2]).sum(axis=1)
        first = np.clip(np.floor(np.minimum(low, high) - margin), 0, self.y.shape).astype(np.int64)
        last = np.clip(np.ceil(np.maximum(low, high) + margin) + 1, 0, self.y.shape).astype(np.int64)
        return [(slice(a, c), slice(b, d)) for (a, b), (c, d) in zip(first.tolist(), last.tolist(), strict=True)]

    def spread(self, part: Image, window: Windows) -> Image:
        """Give a field of the plane's shape that is `part` in its window, and 20 mm outside of it."""
        field = np.full(self.y.shape, 20, np.float32)
        field[window] = part
        return field

    def distance_to_pipes(self, pipes: Pipes, *, reach: float = 1.0) -> Image:
        """Give the signed distance in mm to the nearest pipe's wall, as far as `reach` outside."""
        field = np.full(self.y.shape, reach, np.float32)
        span = pipes.radii.max(axis=1) + reach
        heights = (pipes.starts[:, 0], pipes.ends[:, 0])
        near = (np.minimum(*heights) - span <= self.z) & (self.z <= np.maximum(*heights) + span)
        pipes, span = pipes.chosen(near), span[near]
        if len(span) == 0:
            return field
        along = pipes.ends - pipes.starts
        squared = np.maximum((along**2).sum(axis=1), 1e-6)
        pixels = [self.pixels(corner[:, 1], corner[:, 2]) for corner in _near_parts(pipes, self.z, span)]
        windows = self.windows(pixels[0], pixels[1], span.astype(np.float64))
        lists = (pipes.starts.tolist(), along.tolist(), pipes.radii.tolist(), squared.tolist())
        for window, start, (rise_z, rise_y, rise_x), (first, last), length in zip(windows, *lists, strict=True):
            dy, dx, dz = self.y[window] - start[1], self.x[window] - start[2], self.z - start[0]
            if dy.size == 0:
                continue
            t = np.clip((dy * rise_y + dx * rise_x + dz * rise_z) / length, 0, 1)
            dy -= t * rise_y
            dx -= t * rise_x
            far = np.sqrt(dy * dy + dx * dx + (dz - t * rise_z) ** 2) - (first + t * (last - first))
            np.minimum(field[window], far, out=field[window])
        return field

    def shadow(self, pipes: Pipes) -> Image:
        """Give the share, 0 to 1, that thin pipes fill of the slice, at each pixel.

        A pipe's part in the slice is projected along z; it fades by its chord through the slice, and where it leaves.
        """
        field = np.zeros(self.y.shape, np.float32)
        along = pipes.ends - pipes.starts
        flat = np.linalg.norm(along[:, 1:], axis=1)
        sine = np.maximum(flat / np.maximum(np.linalg.norm(along, axis=1), 1e-6), 0.05)
        rise = pipes.radii.max(axis=1) * sine
        span = self.thickness / 2 + rise
        heights = (pipes.starts[:, 0], pipes.ends[:, 0])
        near = (np.minimum(*heights) - span <= self.z) & (self.z <= np.maximum(*heights) + span)
        pipes, sine, rise, span = pipes.chosen(near), sine[near], rise[near], span[near]
        first, last = _near_parts(pipes, self.z, span)
        ends = [self.pixels(corner[:, 1], corner[:, 2]) for corner in (first, last)]
        radii = pipes.radii.mean(axis=1)
        windows = self.windows(ends[0], ends[1], radii.astype(np.float64))
        weights = np.minimum(1.6 * radii / (sine * self.thickness), 1) * np.minimum(0.25 + 1.2 * radii, 1)
        fades = np.minimum(2 * rise, self.thickness)
        lists = [part.tolist() for part in (first, last - first, radii, weights, span, fades)]
        for window, (z, y, x), (up, down, right), radius, weight, reach, fade in zip(windows, *lists, strict=True):
            dy, dx = self.y[window] - y, self.x[window] - x
            t = np.clip((dy * down + dx * right) / max(down**2 + right**2, 1e-6), 0, 1)
            away = np.sqrt((dy - t * down) ** 2 + (dx - t * right) ** 2) - radius
            cover = np.clip(0.5 - away / 0.9, 0, 1)
            cover *= weight * np.clip((reach - np.abs(t * up + (z - self.z))) / fade, 0, 1)
            np.maximum(field[window], cover, out=field[window])
        return field

    def distance_to_ellipsoid(
        self, centre: Sequence[float], radii: Sequence[float], axis: Sequence[float] = (1, 0, 0), *, reach: float = 20.0
    ) -> Image:
        """Give about the signed distance in mm to an ellipsoid, as far as `reach` outside; (z, y, x) throughout.

        The first radius lies along `axis`, the others along two directions at right angles to it, the second near y.
        """
        field = np.full(self.y.shape, reach, np.float32)
        size = max(radii)
        if abs(self.z - centre[0]) > size + reach:
            return field
        middle = self.pixels(np.asarray([centre[1]], np.float32), np.asarray([centre[2]], np.float32))
        window = self.windows(middle, middle, np.array([size + reach]))[0]
        matrix = (_frame(axis) / np.asarray(radii)[:, None]).tolist()
        dy, dx, dz = self.y[window] - float(centre[1]), self.x[window] - float(centre[2]), self.z - float(centre[0])
        u, v, w = (row[0] * dz + row[1] * dy + row[2] * dx for row in matrix)
        scaled = np.sqrt(u * u + v * v + w * w)
        slope = np.sqrt((u / float(radii[0])) ** 2 + (v / float(radii[1])) ** 2 + (w / float(radii[2])) ** 2)
        field[window] = np.minimum((scaled - 1) * scaled / np.maximum(slope, np.float32(1e-6)), reach)
        return field


def smooth_minimum(first: Image, second: Image, blend: float) -> Image:
    """Join two signed distances, filling the crease between them over `blend` mm."""
    overlap = first - second
    np.abs(overlap, out=overlap)
    np.subtract(np.float32(blend), overlap, out=overlap)
    np.maximum(overlap, 0, out=overlap)
    overlap *= overlap
    overlap *= np.float32(0.25 / blend)
    return np.subtract(np.minimum(first, second), overlap, out=overlap)


def pipe_along(points: Sequence[tuple[float, float, float, float]], *, step: float = 8.0) -> Pipes:
    """Join (z, y, x, radius) by a smooth curve, cut into pipes about `step` mm long."""
    knots = np.asarray(points, np.float64)
    lengths = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(knots[:, :3], axis=0), axis=1))))
    places = np.linspace(0, lengths[-1], max(2, int(np.ceil(lengths[-1] / step)) + 1))
    curve = PchipInterpolator(lengths, knots)(places).astype(np.float32)
    return Pipes(curve[:-1, :3], curve[1:, :3], np.stack((curve[:-1, 3], curve[1:, 3]), axis=1))


def joined(pipes: Sequence[Pipes]) -> Pipes:
    """Give all segments of several sets."""
    starts, ends, radii = zip(*((part.starts, part.ends, part.radii) for part in pipes), strict=True)
    return Pipes(np.concatenate(starts), np.concatenate(ends), np.concatenate(radii))


def grown_tree(
    random: np.random.Generator, root: Sequence[float], targets: Points, *, tip: float = 0.45, thinning: float = 2.8
) -> Pipes:
    """Grow a tree of pipes from the root to every target: near targets first, each from a near and central branch.

    Radii follow Murray's law, r**thinning is the sum of the children's, from `tip` mm at the leaves.
    """
    count = len(targets)
    order = np.argsort(np.linalg.norm(targets - np.asarray(root, np.float32), axis=1))
    nodes = np.empty((1 + 2 * count, 3), np.float32)
    paths = np.zeros(1 + 2 * count, np.float32)
    parents = np.zeros(1 + 2 * count, np.int64)
    nodes[0] = root
    jitter = random.standard_normal((count, 3), dtype=np.float32)
    used = 1
    for target, push in zip(targets[order], jitter, strict=True):
        away = np.sqrt(((nodes[:used] - target) ** 2).sum(axis=1))
        parent = int(np.argmin(away + 0.35 * paths[:used]))
        nodes[used], nodes[used + 1] = (nodes[parent] + target) / 2 + push * (0.07 * away[parent]), target
        parents[used], parents[used + 1] = parent, used
        paths[used], paths[used + 1] = paths[parent] + away[parent] / 2, paths[parent] + away[parent]
        used += 2
    flows = np.zeros(used)
    flows[2::2] = 1
    for child in range(used - 1, 0, -1):
        flows[parents[child]] += flows[child]
    radii = (tip * flows ** (1 / thinning)).astype(np.float32)
    thick = np.minimum(radii[parents[1:]], 1.25 * radii[1:])
    return Pipes(nodes[parents[1:]], nodes[1:], np.stack((thick, radii[1:]), axis=1))


def _near_parts(pipes: Pipes, z: float, span: NDArray[np.float32]) -> tuple[Points, Points]:
    """Give the ends of those parts of the segments that lie within `span` of height z."""
    along = pipes.ends - pipes.starts
    flat = np.abs(along[:, 0]) < 1e-3
    rise = np.where(flat, np.float32(1), along[:, 0])
    parts = [np.clip((z + sign * span - pipes.starts[:, 0]) / rise, 0, 1) for sign in (-1, 1)]
    first, last = np.where(flat, 0, parts[0]), np.where(flat, 1, parts[1])
    return pipes.starts + along * first[:, None], pipes.starts + along * last[:, None]


def _frame(axis: Sequence[float]) -> NDArray[np.float64]:
    """Give three directions at right angles, the first along `axis`, the second mostly along y."""
    first = np.asarray(axis, np.float64) / np.linalg.norm(axis)
    helper = np.array([0.0, 1.0, 0.0]) if abs(first[1]) < 0.9 else np.array([0.0, 0.0, 1.0])
    second = helper - first * (helper @ first)
    second /= np.linalg.norm(second)
    return np.stack((first, second, np.cross(first, second)))
