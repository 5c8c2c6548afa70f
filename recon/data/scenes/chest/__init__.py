"""An axial chest CT: a patient drawn from random numbers, as attenuation per slice."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt

from recon.data.scenes.chest.abdomen import Abdomen
from recon.data.scenes.chest.bones import Bones
from recon.data.scenes.chest.lungs import Lungs
from recon.data.scenes.chest.mediastinum import Mediastinum
from recon.data.scenes.chest.plane import Plane, Points, smooth_minimum
from recon.data.scenes.chest.polar import CENTRE, EDGE, Polar
from recon.data.scenes.chest.wall import Wall
from recon.data.scenes.drawing import Grid, Image, Texture, inside, paint

WATER = 20.0  # attenuation in 1/m at 0 HU
AIR = 0.02  # and at -1000 HU
LARGEST = 81.35858  # attenuation in 1/m at 3071 HU, where LoDoPaB-CT clips


@dataclass(frozen=True, slots=True)
class Pose:
    """How the patient lies in the field: size, shift in mm, and turn in radians."""

    scale: tuple[float, float, float]
    shift: tuple[float, float]
    turn: float
    tilt: tuple[float, float]

    @classmethod
    def draw(cls, random: np.random.Generator) -> "Pose":
        """Draw a pose."""
        size = random.normal(1.03, 0.07)
        parts = np.clip(size * random.normal(1, 0.03, 3), 0.86, 1.2).tolist()
        return cls(
            scale=(parts[0], parts[1], parts[2]),
            shift=(float(random.normal(-3, 6)), float(random.normal(0, 8))),
            turn=float(random.normal(0, 0.045)),
            tilt=(float(random.normal(0, 0.03)), float(random.normal(0, 0.02))),
        )


class Chest:
    """One patient's chest, from the shoulders to the liver, as a function of continuous coordinates.

    Rows run from front to back, columns from the patient's right to the left, z towards the head; all in mm.
    Values are linear attenuation in 1/m, water + (water - air) * HU / 1000, clipped at 0 and at 3071 HU.
    """

    def __init__(self, random: np.random.Generator) -> None:
        """Draw the patient's anatomy and pose."""
        self.pose = Pose.draw(random)
        self.wall = Wall(random)
        self.bones = Bones(random)
        self.mediastinum = Mediastinum(random)
        self.thickness = float(random.uniform(1.0, 2.5))
        self.abdomen = Abdomen(random, self.mediastinum)
        self._bends = (Texture(random, (60, 45, 45), period=16), Texture(random, (60, 45, 45), period=16))
        self._wrinkles = (Texture(random, (16, 12, 12), period=32), Texture(random, (16, 12, 12), period=32))
        self._noise = (
            Texture(random, (0.7, 0.6, 0.6), period=128),
            Texture(random, (0.7, 1.45, 1.45), period=64),
            Texture(random, (0.7, 1.0, 11), period=64),
        )
        self.noise = float(random.uniform(11, 34))
        lowest = max(self.wall.back(z) for z in (-120.0, -60.0, 0.0, 50.0)) * self.pose.scale[1] + self.pose.shift[0]
        self.table = lowest + float(random.uniform(4, 14)) if random.random() < 0.6 else None
        self.lungs = Lungs(random, self._lung_depths(), self.mediastinum)
        self.middle, half = -40.0, 112.0
        self.depth = 2 * half * self.pose.scale[0]

    def slice(self, z: float, grid: Grid) -> Image:
        """Give the attenuation (rows, columns) in 1/m at height z, which lies within depth / 2 of 0."""
        plane = self._plane(float(z), grid)
        polar = Polar.of(plane)
        cavity = self.wall.cavity(plane.z)
        depth = polar.distance(cavity)
        canvas = self._surroundings(plane)
        canvas = self.wall.paint(canvas, plane, polar, depth, cavity)
        canvas = self.bones.paint_ribs(canvas, plane, polar, depth)
        chambers, domes, lung = self._spaces(plane, self.bones.pleura(plane.z, polar, depth))
        strands = plane.field(self.mediastinum.grain) + plane.field(self.mediastinum.clumps)
        canvas = paint(canvas, inside(depth, EDGE), -99 + 9 * strands + 16 * np.maximum(strands - 1.2, 0))
        canvas = self.abdomen.paint(canvas, plane, domes, depth)
        canvas = self.mediastinum.heart.paint(canvas, plane, chambers, -np.minimum(domes[0], domes[1]))
        canvas = self.lungs.paint(canvas, plane, lung)
        canvas = self.bones.paint(canvas, plane, CENTRE - float(cavity[360]))
        canvas = self.mediastinum.paint_vessels(canvas, plane, lung)
        canvas += self._grain(plane)
        attenuation = grid.average(canvas) * np.float32((WATER - AIR) / 1000) + np.float32(WATER)
        return np.clip(attenuation, 0, np.float32(LARGEST))

    def _plane(self, z: float, grid: Grid) -> Plane:
        """Take a grid's pixels to the anatomy's coordinates: turned, scaled and gently bent."""
        pose = self.pose
        height = z / pose.scale[0] + self.middle
        down = grid.y - np.float32(pose.shift[0] + pose.tilt[0] * z)
        right = grid.x - np.float32(pose.shift[1] + pose.tilt[1] * z)
        cosine, sine = float(np.cos(pose.turn)), float(np.sin(pose.turn))
        bend = [
            4.5 * wide.at(height, grid.y, grid.x) + 0.7 * fine.at(height, grid.y, grid.x)
            for wide, fine in zip(self._bends, self._wrinkles, strict=True)
        ]
        y = (cosine * down + sine * right) / np.float32(pose.scale[1]) + bend[0]
        x = (cosine * right - sine * down) / np.float32(pose.scale[2]) + bend[1]
        fine_spacing = grid.spacing / grid.oversampling
        turn = np.array(
            [[cosine * pose.scale[1], -sine * pose.scale[2]], [sine * pose.scale[1], cosine * pose.scale[2]]]
        )
        first = (float(grid.y[0, 0]), float(grid.x[0, 0]))
        shift = np.array([pose.shift[0] + pose.tilt[0] * z - first[0], pose.shift[1] + pose.tilt[1] * z - first[1]])
        to_pixels = np.concatenate((turn, shift[:, None]), axis=1) / fine_spacing
        return Plane(height, y, x, to_pixels, (bend[0], bend[1]), grid.y, grid.x, self.thickness)

    def _spaces(self, plane: Plane, pleura: Image) -> tuple[dict[str, Image], tuple[Image, Image], Image]:
        """Give the heart's chambers, the domes of the diaphragm and the lungs as signed distances."""
        chambers = self.mediastinum.heart.chambers(plane)
        domes = self.abdomen.diaphragm(plane)
        front = CENTRE - float(self.wall.cavity(plane.z)[360])
        filled = np.minimum(self.mediastinum.distance(plane, front, chambers), self.bones.spine_bulge(plane))
        below = np.minimum(domes[0], domes[1])
        filled = smooth_minimum(filled, below, 12) if plane.z < -70 else filled
        lung = np.maximum(np.maximum(pleura, -filled), -below)
        return chambers, domes, lung

    def _lung_depths(self) -> tuple[Image, Points]:
        """Give how deep in the lungs the points of a coarse lattice lie, in mm, and the points' (z, y, x)."""
        step = 4.0
        axis_y, axis_x = np.arange(-90, 96, step, np.float32), np.arange(-140, 141, step, np.float32)
        y, x = np.meshgrid(axis_y, axis_x, indexing="ij")
        to_pixels = np.array([[1, 0, -float(axis_y[0])], [0, 1, -float(axis_x[0])]]) / step
        levels = np.arange(-164, 96, step)
        masks = []
        for z in levels.tolist():
            plane = Plane(z, y, x, to_pixels, (np.zeros_like(y), np.zeros_like(y)), axis_y[:, None], axis_x[None, :])
            depth = Polar.of(plane).distance(self.wall.cavity(z))
            masks.append(self._spaces(plane, depth)[2] < 0)
        depths = distance_transform_edt(np.stack(masks)).astype(np.float32) * np.float32(step)
        points = np.stack(np.meshgrid(levels, axis_y, axis_x, indexing="ij"), axis=-1).astype(np.float32)
        return depths.ravel(), points.reshape(-1, 3)

    def _surroundings(self, plane: Plane) -> Image:
        """Give air, with the table's curved shell below the patient where there is one in the field."""
        canvas = np.full(plane.y.shape, -1000.0, np.float32)
        if self.table is None:
            return canvas
        top = self.table - plane.columns**2 / np.float32(2 * 380)
        shell = np.abs(np.abs(plane.rows - top - 9) - np.float32(8)) - np.float32(0.7)
        return paint(canvas, inside(shell, EDGE), -250.0)

    def _grain(self, plane: Plane) -> Image:
        """Give the scan's noise in HU: blurred as by a reconstruction, independent from slice to slice."""
        z = plane.z
        fine, coarse, streaks = self._noise
        moved_y, moved_x = np.float32(31.7 * z), np.float32(-17.3 * z)
        noise = 0.9 * fine.at(z, plane.rows + moved_y, plane.columns + moved_x)
        noise += 0.4 * coarse.at(z, plane.rows + moved_y, plane.columns + moved_x)
        shoulders = float(np.interp(z, (20, 70), (0.15, 0.55)))  # X-rays are fewest from side to side
        noise += shoulders * streaks.at(z, plane.rows + moved_y, plane.columns + moved_x)
        return noise * np.float32(self.noise)
