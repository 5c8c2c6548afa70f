"""The knee's bones in one slice: signed distances to femur, tibia and patella, and where their cartilage lies."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recon.data.scenes.drawing import Image, ellipse_distance
from recon.data.scenes.knee.anatomy import Build
from recon.data.scenes.knee.courses import FEMUR, FIBULA, TIBIA
from recon.data.scenes.knee.tubes import Frame, Window

MEDIAL = np.asarray(  # a condyle's (z, top, bottom, half width)
    [
        (-31, -26, -32, -3),
        (-30.7, -37, -22, 7),
        (-29.5, -39, -20, 8.5),
        (-23, -40, -10, 12),
        (-14, -40, -3.5, 15),
        (-4, -40, -0.5, 15.8),
        (6, -40, 0, 15.8),
        (15, -40, -1.8, 15),
        (22, -42, -5.5, 14),
        (28, -39, -11.5, 12),
        (32.5, -33, -17.5, 8.5),
        (33, -22, -28, -3),
    ],
    np.float64,
)
LATERAL = np.asarray(
    [
        (-34.3, -28, -34, -3),
        (-34, -38, -24, 7.5),
        (-33, -40, -22, 9.5),
        (-27, -42, -13, 14),
        (-16, -42, -4.5, 16),
        (-4, -40, -0.5, 16.5),
        (6, -40, 0, 16),
        (14, -40, -2, 15),
        (20, -40, -5.5, 13.5),
        (26, -37, -11.5, 11),
        (29.5, -31, -16.5, 8),
        (30, -20, -27, -3),
    ],
    np.float64,
)
TROCHLEA = np.asarray(
    [
        (-30, -26, -41, 13),
        (-29.5, -40, -28, 14),
        (-25, -43, -24, 15),
        (-18, -42, -18, 16),
        (-10, -42, -11, 16),
        (-4, -42, -12, 16),
    ],
    np.float64,
)
NOTCH = np.asarray([(-18, 14), (-14, 0), (-9, -12), (0, -21), (10, -27), (20, -32), (27, -40), (34, -60)], np.float64)
CORONAL_RADIUS = 22.0  # mm, of the condyles' undersides
JOINT_GAP = 5.3  # mm between the bones where the condyles stand on the tibia


@dataclass(frozen=True, slots=True)
class Bone:
    """A bone in a slice: signed distances over a window, and how much of each pixel may carry cartilage."""

    window: Window
    distance: Image
    articular: Image
    cortex: float = 0.6  # mm, more where the slice is tangential


class Bones:
    """One patient's femur, tibia, fibula and patella."""

    def __init__(self, random: np.random.Generator, build: Build) -> None:
        """Draw the bones' sizes."""
        self.build = build
        self.size = float(random.uniform(0.94, 1.05))
        self.condyle = float(random.uniform(20.5, 22.5)) * self.size
        self.notch = float(random.uniform(8.5, 11.0))
        self.roundness = (float(random.uniform(0.72, 0.9)), float(random.uniform(0.72, 0.9)))
        self.spines = (float(random.uniform(5.0, 8.0)), float(random.uniform(4.5, 7.0)))
        self.slope = float(random.uniform(0.08, 0.16))
        self.femur_tube = build.tube(FEMUR, power=2.2, size=self.size)
        self.tibia_tube = build.tube(TIBIA, power=2.4, size=self.size)
        fibula_shift = (float(random.normal(0, 1)), float(random.normal(0, 2)))
        self.fibula_tube = build.tube(FIBULA, size=self.size, shift=fibula_shift)
        self.patella_centre = (float(random.uniform(-32, -24)), float(random.normal(2, 2)), -45.0)
        self.patella_radii = (
            float(random.uniform(21, 25)),
            float(random.uniform(21, 25)),
            float(random.uniform(9.5, 11)),
        )

    def femur(self, frame: Frame) -> Bone:
        """Give the femur: shaft and metaphysis, two condyles and the trochlea, less the notch between them."""
        window = frame.window((-260, 16, -52, 52))
        section = self.femur_tube.section(frame.z)
        distance = (
            frame.distance(section, window) if section.visible else np.full(frame.x[window].shape, 50, np.float32)
        )
        near = frame.window((-60, 16, -52, 52))
        rows = slice(near[0].start - window[0].start, near[0].stop - window[0].start)
        columns = slice(near[1].start - window[1].start, near[1].stop - window[1].start)
        y, x = frame.y[near], frame.x[near]
        articular = np.zeros_like(distance)
        head, cartilage = distance[rows, columns], np.zeros_like(x)
        for side, table, roundness in ((-1, MEDIAL, self.roundness[0]), (1, LATERAL, self.roundness[1])):
            z = self.build.table_depth(frame.z, y=-15, x=side * self.condyle) / self.size
            top, bottom, half = _lookup(table, z)
            u = x - (side * self.condyle)
            box = _rounded_box(
                y + u * u * (0.5 / CORONAL_RADIUS),
                u,
                top,
                bottom,
                half * self.size,
                max(roundness, min(1.0, abs(z) / 20)),
            )
            head = smooth_union(head, box, 12.0)
            reach = float(np.interp(z, [-34, -30, -8, 12, 24, 33], [16, 26, 9, 11, 18, 8]))
            cartilage = np.maximum(cartilage, _step(y - (bottom - reach), 3) * _step(3.6 - box, 1))
        z = self.build.table_depth(frame.z, y=-20, x=0) / self.size
        top, bottom, half = _lookup(TROCHLEA, z)
        if z < -4:
            head = smooth_union(head, _rounded_box(y, x, top, bottom, half, 0.8), 9.0)
            cartilage = np.maximum(cartilage, _step(y - (bottom - 6), 3) * (z < -9))
        roof = float(np.interp(z, *NOTCH.T))
        if z > NOTCH[0, 0]:
            notch = _rounded_box(y, x - 0.5, roof, 30, self.notch, 0.85)
            head = -smooth_union(-head, notch, 2.5)
            cartilage *= _step(notch - 1.5, 1.5)
        cartilage *= _step(y + 37, 4)
        distance[rows, columns] = head
        articular[rows, columns] = cartilage
        return Bone(window, distance, articular)

    def plateau(self, z: float, x: Image) -> Image:
        """Give the height y of the tibia's upper surface."""
        depth = self.build.table_depth(z, y=0, x=0)
        rise = np.exp(-(((depth - 2) / 9) ** 2))
        inner = self.spines[0] * np.exp(-(((x + 5) / 4.0) ** 2)) + self.spines[1] * np.exp(-(((x - 5) / 4.0) ** 2))
        hollow = 1.2 * np.exp(-(((x + self.condyle) / 10) ** 2)) - 0.4 * np.exp(-(((x - self.condyle) / 10) ** 2))
        edge = 0.006 * np.maximum(np.abs(x) - 27, 0) ** 2
        ridge = 2.2 * np.exp(-((x / 9) ** 2)) * np.exp(-(((depth - 2) / 15) ** 2))
        return (JOINT_GAP - 0.8 + self.slope * (depth - 4) - inner * rise - ridge + hollow + edge).astype(np.float32)

    def tibia(self, frame: Frame) -> Bone:
        """Give the tibia: plateau with spines, metaphysis and shaft."""
        window = frame.window((-8, 260, -48, 48))
        section = self.tibia_tube.section(frame.z)
        if not section.visible:
            return Bone(window, np.full(frame.x[window].shape, 50, np.float32), np.zeros_like(frame.x[window]))
        distance = frame.distance(section, window)
        near = frame.window((-8, 30, -48, 48))
        rows = slice(near[0].start - window[0].start, near[0].stop - window[0].start)
        columns = slice(near[1].start - window[1].start, near[1].stop - window[1].start)
        y, x = frame.y[near], frame.x[near]
        table = np.arange(-70, 70, 0.1)
        heights = self.plateau(frame.z, table.astype(np.float32))
        above: Image = heights.take(((x + 70) * 10).astype(np.int32), mode="clip") - y
        distance[rows, columns] = -smooth_union(-distance[rows, columns], -above, 2.5)
        articular = np.zeros_like(distance)
        sides = _step(np.abs(x) - 7.5, 2) * _step(39 * self.size - np.abs(x), 2)
        articular[rows, columns] = sides * _step(above + 2, 1.5) * _step(4.0 - above, 1.5)
        return Bone(window, distance, articular)

    def patella(self, frame: Frame) -> Bone | None:
        """Give the kneecap, where the slice meets it."""
        y, x, z = self.patella_centre
        t = (self.build.table_depth(frame.z, y=y, x=x) - z) / self.patella_radii[2]
        if abs(t) >= 0.99:
            return None
        scale = (1 - abs(t) ** 2.5) ** (1 / 2.5)
        height, width = self.patella_radii[0] * scale, self.patella_radii[1] * scale * (1 - 0.2 * max(t, 0))
        window = frame.window((y - height - 6, y + height + 6, x - width - 6, x + width + 6))
        distance = ellipse_distance(frame.y[window], frame.x[window], centre=(y, x), radii=(height, width))
        point = np.abs(frame.x[window] - x) * 0.75 + (frame.y[window] - y) - (height * 0.98)
        distance = -smooth_union(-distance, -0.8 * point, 8.0)
        articular = np.float32(np.clip((t - 0.2) * 2, 0, 1)) * _step(y + 0.35 * height - frame.y[window], 4)
        return Bone(window, distance, articular, cortex=min(0.7 / scale, 2.0))


def _lookup(table: NDArray[np.float64], z: float) -> tuple[float, float, float]:
    top, bottom, half = (float(np.interp(z, table[:, 0], column)) for column in table[:, 1:].T)
    return top, bottom, half


def _rounded_box(y: Image, x: Image, top: float, bottom: float, half: float, roundness: float) -> Image:
    """Give the signed distance to a box |x| < half, top < y < bottom, with corners rounded by a part of its size."""
    height = (bottom - top) / 2
    radius = max(roundness * min(height, half), 0.5)
    right = np.abs(x) - (half - radius)
    down = np.abs(y - ((top + bottom) / 2)) - (height - radius)
    outer = np.sqrt(np.maximum(right, 0) ** 2 + np.maximum(down, 0) ** 2)
    return outer + np.minimum(np.maximum(right, down), 0) - radius


def smooth_union(a: Image, b: Image, blend: float) -> Image:
    """Join two signed distances with a fillet of about `blend` mm."""
    overlap = np.maximum(blend - np.abs(a - b), 0)
    return np.minimum(a, b) - overlap * overlap * (0.25 / blend)


def _step(value: Image, width: float) -> Image:
    """Rise from 0 to 1 as value passes 0, over `width`."""
    return np.clip(value / width + 0.5, 0, 1)
