"""The lungs: parenchyma, trees of vessels and bronchi, fissures, and what disease adds to them."""

import numpy as np
from numpy.typing import NDArray

from recon.data.scenes.chest.mediastinum import Mediastinum
from recon.data.scenes.chest.plane import Pipes, Plane, Points, grown_tree
from recon.data.scenes.chest.polar import EDGE
from recon.data.scenes.drawing import Image, Texture, inside, paint

_LEAVES = 1700  # twigs of each artery's and each vein's tree
_THIN = 1.1  # mm: vessels of a smaller radius fill only part of a slice


class Lungs:
    """One patient's lungs, filled into a shape that is given slice by slice as a signed distance."""

    def __init__(self, random: np.random.Generator, lattice: tuple[Image, Points], mediastinum: Mediastinum) -> None:
        """Grow the trees to places inside the lungs; `lattice` tells how deep in them its points lie."""
        depths, points = lattice
        self.density = float(random.uniform(-880, -790))
        self.gradient = float(random.uniform(0.2, 0.8))
        self.emphysema = float(random.uniform(0.3, 1.0)) if random.random() < 0.3 else 0.0
        self.effusion = self._heights(random, 0.06, (15, 60))
        self.atelectasis = self._heights(random, 0.22, (6, 22))
        self.arterial, self.venous = mediastinum.pulmonary, 0.9 * mediastinum.arterial
        self.fine, self.coarse = Texture(random, 1.6, period=48), Texture(random, 9.0, period=32)
        self.folds = Texture(random, (40, 30, 30), period=16)
        self.minor = (float(random.uniform(-42, -22)), *random.normal((0.12, 0.1), 0.1).tolist())
        self.fissures = [(float(random.uniform(-45, -25)), float(random.uniform(0.75, 1.05))) for _ in range(2)]
        inner = depths > 3.0
        points, depths = points[inner], depths[inner]
        arteries, veins = [], []
        for side, artery, vein in ((-1, (-30, 8, -43), (-44, 2, -44)), (1, (-18, 18, 43), (-42, 4, 43))):
            own = points[points[:, 2] * side > 0]
            arteries.append(grown_tree(random, artery, self._picked(random, own), tip=0.34, thinning=2.5))
            veins.append(grown_tree(random, vein, self._picked(random, own), tip=0.34, thinning=2.5))
        self.arteries = arteries[0] + arteries[1]
        self.veins = veins[0] + veins[1]
        self.bronchi = self._bronchi()
        self.nodules = self._nodules(random, points)
        count = int(random.integers(4, 22)) if self.emphysema > 0 else 0
        high = points[(points[:, 0] > -30)]
        self.bullae = high[random.integers(0, len(high), count)]
        self.bulla_sizes = random.uniform(1.5, 6, count).astype(np.float32)

    def paint(self, canvas: Image, plane: Plane, lung: Image) -> Image:
        """Lay the lungs where the signed distance `lung` is negative, and the vessels that lead into them."""
        fine, coarse = plane.field(self.fine), plane.field(self.coarse)
        air = self.density + self.gradient * plane.y + 15 * fine + 14 * coarse
        air += 40 * np.clip(fine - 0.7, 0, 2)
        if self.emphysema > 0:
            air -= self.emphysema * 130 * np.clip(coarse + 0.7 * fine - 0.4, 0, 1)
        air, fluid = self._dependent(air, plane, fine, coarse)
        canvas = paint(canvas, plane.cover(lung, EDGE), np.maximum(air, -985))
        lines = self._fissure(plane)
        within = inside(lung + 1, 2.0)
        canvas = paint(canvas, within * inside(lines - 0.3, 1.6) * 0.35, -350.0)
        for place, size in zip(self.bullae.tolist(), self.bulla_sizes.tolist(), strict=True):
            if abs(plane.z - place[0]) < size + 1:
                bulla = plane.distance_to_ellipsoid(place, (size, size * 0.9, size * 1.1), reach=2.0) + 0.7 * fine
                canvas = paint(canvas, within * inside(np.abs(bulla) - 0.3, 1.0), -600.0)
                canvas = paint(canvas, within * inside(bulla + 0.3, 1.0), -975.0)
        clear = inside(lung - 6, 6.0) * (1 - fluid)
        for pipes, value in ((self.veins, self.venous), (self.arteries, self.arterial)):
            thin = pipes.radii.mean(axis=1) < _THIN
            twigs, trunks = plane.shadow(pipes.chosen(thin)), plane.distance_to_pipes(pipes.chosen(~thin))
            canvas = paint(canvas, clear * np.maximum(twigs, inside(trunks, EDGE)), value)
        bronchi = plane.distance_to_pipes(self.bronchi, reach=2.0)
        canvas = paint(canvas, clear * inside(bronchi - 0.7, EDGE), -150.0)
        canvas = paint(canvas, clear * inside(bronchi, EDGE), -960.0)
        nodules = plane.distance_to_pipes(self.nodules, reach=8.0) + 0.5 * fine + 0.8 * coarse
        return paint(canvas, within * inside(nodules, 1.2), 35 + 8 * fine)

    def _dependent(self, air: Image, plane: Plane, fine: Image, coarse: Image) -> tuple[Image, Image]:
        """Give the lung's values with collapsed tissue along the back and fluid below it, and where the fluid is."""
        covers, folds = np.zeros_like(air), plane.field(self.folds)
        for side, fluid, collapse in zip((-1, 1), self.effusion, self.atelectasis, strict=True):
            half = plane.x * side > 0
            if collapse > 0:
                level = 82 - collapse * float(np.interp(plane.z, (-150, -60, 40), (1, 0.7, 0.2)))
                share = inside(level + 3 * coarse - plane.y, 14.0) * half
                air = paint(air, share * 0.75, -300 + 110 * coarse + 60 * fine)
            if fluid > 0:
                level = 88 - fluid * float(np.interp(plane.z, (-150, -60, 50), (1, 0.6, 0)))
                bow = np.abs(plane.x) - 60.0
                surface = level - 6 - plane.y + 0.0035 * bow * bow
                air = paint(air, inside(surface - 7 + 5 * folds, 3.0) * half, 25 + 8 * fine)
                cover = inside(surface, 1.5) * half
                air = paint(air, cover, 8.0)
                covers += cover
        return air, covers

    def _fissure(self, plane: Plane) -> Image:
        """Give the distance to the oblique fissures, which run from high behind to low in front."""
        fold = 5 * plane.field(self.folds)
        lines = []
        for side, (start, slope) in zip((-1, 1), self.fissures, strict=True):
            bow = np.abs(plane.x) - np.float32(70)
            line = np.abs(plane.y - (plane.z - start) / slope + 0.004 * bow * bow + fold) * np.float32(0.8)
            lines.append(np.where(plane.x * side > 0, line, 9).astype(np.float32))
        height, slope_y, slope_x = self.minor
        if abs(plane.z - height) > 45:
            return np.minimum(lines[0], lines[1])
        sheet = np.float32(plane.z - height) - slope_y * plane.y - slope_x * (plane.x + 70) + fold * np.float32(0.8)
        behind = plane.y - (plane.z - self.fissures[0][0]) / self.fissures[0][1]
        sheet = np.maximum(np.maximum(np.abs(sheet), behind), plane.x) + np.float32(0.2)
        return np.minimum(np.minimum(lines[0], lines[1]), sheet)

    def _bronchi(self) -> Pipes:
        """Give bronchi beside the larger arteries."""
        radii = self.arteries.radii[:, 1]
        large = self.arteries.chosen(radii > 2.0)
        along = large.ends - large.starts
        across = np.cross(along, np.asarray([0.6, 0.8, 0.0], np.float32))
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-3)
        beside = across * (large.radii.mean(axis=1, keepdims=True) * 1.75 + 0.6)
        return Pipes(large.starts + beside, large.ends + beside, large.radii * np.float32(0.75))

    def _nodules(self, random: np.random.Generator, points: Points) -> Pipes:
        """Draw up to four nodules as short thick pipes, some with thin spikes."""
        starts, ends, radii = [], [], []
        for _ in range(int(random.integers(0, 5))):
            centre = points[random.integers(0, len(points))] + random.uniform(-2, 2, 3)
            radius = float(np.clip(2 + random.exponential(2.4), 2, 10))
            starts.append(centre)
            ends.append(centre + random.standard_normal(3) * 0.4 * radius)
            radii.append((radius, 0.8 * radius))
            for _ in range(int(random.integers(6, 16)) if random.random() < 0.35 else 0):
                away = random.standard_normal(3)
                starts.append(centre)
                ends.append(centre + away / np.linalg.norm(away) * radius * random.uniform(1.4, 2.2))
                radii.append((0.5 * radius, 0.25))
        arrays: list[NDArray[np.float32]] = [np.asarray(part, np.float32) for part in (starts, ends, radii)]
        return Pipes(arrays[0].reshape(-1, 3), arrays[1].reshape(-1, 3), arrays[2].reshape(-1, 2))

    @staticmethod
    def _picked(random: np.random.Generator, points: Points) -> Points:
        """Choose the places that twigs grow to."""
        picks = points[random.integers(0, len(points), _LEAVES)]
        return picks + random.uniform(-2, 2, picks.shape).astype(np.float32)

    @staticmethod
    def _heights(random: np.random.Generator, chance: float, sizes: tuple[float, float]) -> list[float]:
        """Draw how high a finding reaches from the back in each lung: mostly nowhere."""
        return [float(random.uniform(*sizes)) if random.random() < chance else 0.0 for _ in range(2)]
