"""Bundles of angles that see turned and mirrored copies of an image alike, and therefore share one table of weights."""

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from recon.ops.beam_geometry import ParallelBeam


@dataclass(frozen=True, slots=True)
class Orientation:
    """How an image is laid for a bundle: its rows mirrored first, then transposed."""

    flipped: bool
    transposed: bool

    def apply(self, images: Tensor) -> Tensor:
        """Lay images (N, H, W) so."""
        images = images.flip(1) if self.flipped else images
        return images.transpose(1, 2) if self.transposed else images

    def undo(self, images: Tensor) -> Tensor:
        """Lay them back."""
        images = images.transpose(1, 2) if self.transposed else images
        return images.flip(1) if self.flipped else images


@dataclass(frozen=True, slots=True)
class Bundle:
    """Angles whose lines cross every column of the laid image, within one row each, on the way down to the right.

    Args:
        shape: rows and columns of the laid image.
        pitch: height and width of its pixels in metres.
        directions: angles in radians, such that height cos >= width sin >= 0, ascending.
        members: for every orientation, the indices of the scan's angles that then have these directions.
        turned: whether the image turned by half a turn serves as well, with the detector read backwards.
    """

    shape: tuple[int, int]
    pitch: tuple[float, float]
    directions: tuple[float, ...]
    members: tuple[tuple[Orientation, tuple[int, ...]], ...]
    turned: bool

    @property
    def n_copies(self) -> int:
        """How many copies of an image share the tables."""
        return len(self.members) * (2 if self.turned else 1)


@dataclass(frozen=True, slots=True, eq=False)
class Beams:
    """Where pixel (r, c) falls on the detector, in cells: first + row_step r + column_step c, for n directions.

    Its weight there is a triangle: `height` at that place, falling to 0 at a distance of row_step. All of it is
    float64, of shape (n,), on the CPU; row_step descends.
    """

    first: Tensor
    row_step: Tensor
    column_step: Tensor
    height: Tensor

    @property
    def n_taps(self) -> int:
        """The most cells that a triangle covers."""
        return math.ceil(2 * self.row_step[0].item())


@lru_cache(maxsize=32)
def bundles_of(geometry: ParallelBeam, *, separate: bool) -> tuple[Bundle, ...]:
    """Divide the angles of a scan into bundles.

    Mirroring the rows takes angle theta to pi - theta, transposing takes it to pi / 2 - theta (where pixels are square
    and rows as many as columns), and half a turn keeps it. With `separate`, no two orientations share a bundle and
    nothing is turned: for an object that is not in the middle.
    """
    n = geometry.n_angles
    height, width = geometry.pixel_pitch
    square = geometry.image_shape[0] == geometry.image_shape[1] and height == width
    seen: dict[tuple[int, int], dict[Orientation, int]] = defaultdict(dict)
    for index in range(n):
        units = min(2 * index + 1, 2 * n - 2 * index - 1)  # the angle to the rows' axis, in units of pi / 2n
        flipped = 2 * index + 1 > n
        angle = math.pi * units / (2 * n)
        transposed = width * math.sin(angle) > height * math.cos(angle)
        kind = 2 * transposed + flipped if separate else int(transposed and not square)
        seen[kind, n - units if transposed else units][Orientation(flipped, transposed)] = index
    groups: dict[tuple[int, tuple[Orientation, ...]], list[int]] = defaultdict(list)
    for kind, units in sorted(seen):
        orientations = tuple(sorted(seen[kind, units], key=lambda o: (o.transposed, o.flipped)))
        groups[kind, orientations].append(units)
    return tuple(
        Bundle(
            shape=geometry.image_shape[::-1] if orientations[0].transposed else geometry.image_shape,
            pitch=(width, height) if orientations[0].transposed else (height, width),
            directions=tuple(math.pi * u / (2 * n) for u in units),
            members=tuple((o, tuple(seen[kind, u][o] for u in units)) for o in orientations),
            turned=not separate,
        )
        for (kind, orientations), units in groups.items()
    )


def beams_of(geometry: ParallelBeam, bundle: Bundle, shift: tuple[float, float]) -> Beams:
    """Compute where the pixels of a bundle's laid image fall, for an object shifted by (rows, columns) pixels."""
    direction = torch.tensor(bundle.directions, dtype=torch.float64)
    row_step = direction.cos() * (bundle.pitch[0] / geometry.detector_pitch)
    column_step = direction.sin() * (bundle.pitch[1] / geometry.detector_pitch)
    first = (geometry.n_detectors - 1 - row_step * (bundle.shape[0] - 1) - column_step * (bundle.shape[1] - 1)) / 2
    if shift != (0.0, 0.0):
        angle = (torch.tensor(bundle.members[0][1], dtype=torch.float64) + 0.5) * (math.pi / geometry.n_angles)
        height, width = (pitch / geometry.detector_pitch for pitch in geometry.pixel_pitch)
        first = first + shift[0] * height * angle.cos() + shift[1] * width * angle.sin()
    return Beams(first, row_step, column_step, bundle.pitch[1] / direction.cos())
