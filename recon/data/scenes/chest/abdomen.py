"""The upper abdomen: the domes of the diaphragm, and liver, spleen and stomach below them."""

import numpy as np

from recon.data.scenes.chest.mediastinum import Mediastinum
from recon.data.scenes.chest.plane import Pipes, Plane, Points, grown_tree, smooth_minimum
from recon.data.scenes.chest.polar import EDGE
from recon.data.scenes.drawing import Image, Texture, inside, paint


class Abdomen:
    """One patient's organs below the diaphragm, enhanced as the mediastinum's vessels are."""

    def __init__(self, random: np.random.Generator, mediastinum: Mediastinum) -> None:
        """Draw the domes' heights, the organs' values, what the stomach holds, and textures."""
        enhanced = mediastinum.contrast
        self.bottom = -84 - 36 * mediastinum.heart.size  # z where the heart ends, on the diaphragm
        self.dome = (self.bottom + float(random.uniform(16, 34)), self.bottom + float(random.uniform(0, 18)))
        self.liver = float(random.uniform(80, 120) if enhanced else random.uniform(42, 66))
        self.spleen = self.liver + 8 if enhanced else 50.0
        self.vessels = mediastinum.venous * 0.25 + 95 if enhanced else mediastinum.blood - 2
        self.gas_level = float(random.uniform(-65, -5))
        self.stomach_fill = float(random.uniform(10, 70))
        self.grain = Texture(random, 3.0, period=32)
        self.clumps = Texture(random, 14.0, period=32)
        self.aorta = mediastinum.aorta
        self.liver_vessels = self._liver_vessels(random)

    def diaphragm(self, plane: Plane) -> tuple[Image, Image]:
        """Give the signed distances to the right and the left dome: negative is below the diaphragm.

        Domes reach the wall in front first: lung stays longest in the recess behind. The left one holds the middle.
        """
        right, left = self.dome
        middle = self._middle(plane)
        sides = (
            self._dome(plane, top=right, centre=(4, -66), radii=(80, 66), height=62, move=(-20, 0)),
            self._dome(plane, top=left, centre=(14, 72), radii=(80, 66), height=62, move=(-20, 0)),
        )
        return sides[0], smooth_minimum(sides[1], middle, 14)

    def _middle(self, plane: Plane) -> Image:
        """Give the distance to the diaphragm's middle, which rises behind on the right and carries the heart."""
        return self._dome(plane, top=self.bottom + 17, centre=(2, -30), radii=(42, 82), height=34, move=(-34, 36))

    def _dome(
        self,
        plane: Plane,
        *,
        top: float,
        centre: tuple[float, float],
        radii: tuple[float, float],
        height: float,
        move: tuple[float, float],
    ) -> Image:
        """Give the distance to one dome, which grows to its radii and moves as (y, x) over `height` mm below its top.

        Distances are in space, thus smaller than in the slice where the dome is oblique to it.
        """
        sunk = min((top - plane.z) / height, 1.4)
        if sunk <= 0:
            return np.full(plane.y.shape, 30.0, np.float32)
        share = float(np.sqrt(1 - (1 - min(sunk, 1.0)) ** 2)) + max(sunk - 1, 0.0) * 0.25
        size = (share * radii[0] + 0.8 * abs(move[0]) * sunk, share * radii[1])
        dy = (plane.y - np.float32(centre[0] + move[0] * sunk)) / np.float32(size[0])
        dx = (plane.x - np.float32(centre[1] + move[1] * min(sunk, 1.0))) / np.float32(size[1])
        slope = radii[1] / height * max(1 - sunk, 0.0) / share
        return (np.sqrt(dy * dy + dx * dx) - 1) * np.float32(min(size) / np.sqrt(1 + min(slope, 1.5) ** 2))

    def paint(self, canvas: Image, plane: Plane, domes: tuple[Image, Image], cavity: Image) -> Image:
        """Lay liver, spleen and stomach under the domes; `cavity` is the signed distance to the rib cage."""
        right, left = domes
        if plane.z > max(self.dome):
            return canvas
        grain, clumps = plane.field(self.grain), plane.field(self.clumps)
        lobe = plane.distance_to_ellipsoid((self.bottom - 20, -34, 2), (54, 50, 64), (1, -0.3, -0.25))
        lobe = np.maximum(lobe, self._middle(plane) + np.float32(1))
        canvas = paint(canvas, plane.cover(np.maximum(left, cavity + 0.5), EDGE), 40.0)
        left_fat = plane.cover(np.maximum(left + 2.2, cavity + 2), EDGE)
        canvas = paint(canvas, left_fat, -100 + 8 * clumps)
        canvas = self._crura(canvas, plane, left)
        lobe = np.maximum(smooth_minimum(right, lobe, 24), cavity + 1)
        canvas = paint(canvas, plane.cover(lobe, EDGE), self.liver + 3 * grain + 3 * clumps)
        vessels = np.maximum(plane.distance_to_pipes(self.liver_vessels), lobe + 4)
        canvas = paint(canvas, inside(vessels, 1.4), self.vessels)
        spleen = plane.distance_to_ellipsoid((self.dome[1] - 46, 46, 84), (54, 46, 36), (1, 0.2, -0.1))
        stomach = plane.distance_to_ellipsoid((self.dome[1] - 44, -6, 50), (54, 48, 40), (1, 0.3, 0.3))
        stomach += 2 * clumps
        canvas = paint(canvas, inside(np.maximum(np.maximum(stomach, left + 1), cavity + 2), EDGE), 45.0)
        lumen = np.maximum(np.maximum(stomach + 4, left + 2.5), cavity + 5)
        gas = inside(plane.rows - np.float32(self.gas_level), 1.0)  # level, however the patient lies
        content = self.stomach_fill * 0.5 + 14 * clumps + 18 * grain
        canvas = paint(canvas, inside(lumen, EDGE), gas * -990 + (1 - gas) * content)
        spleen = np.maximum(np.maximum(spleen, left + 0.8), cavity + 1.5)
        canvas = paint(canvas, inside(spleen, EDGE), self.spleen + 3 * grain)
        return canvas

    def _crura(self, canvas: Image, plane: Plane, dome: Image) -> Image:
        """Lay the diaphragm's legs as bands on both sides of the aorta."""
        if plane.z > self.bottom + 8:
            return canvas
        around = plane.distance_to_pipes(self.aorta, reach=16.0)
        band = np.abs(around - np.float32(4.5) + 2 * plane.field(self.clumps)) - np.float32(2.4)
        centre = float(np.interp(plane.z, (-200, -110), (27, 31)))
        band = np.maximum(np.maximum(band, plane.y - np.float32(centre + 12)), dome - 10)
        return paint(canvas, inside(band, EDGE), 48.0)

    def _liver_vessels(self, random: np.random.Generator) -> Pipes:
        """Grow hepatic veins from the vena cava into the right dome."""
        spread = random.uniform(-1, 1, (90, 3)) * (50, 62, 56) + (self.dome[0] - 58, -4, -66)
        targets: Points = spread.astype(np.float32)
        return grown_tree(random, (self.dome[0] - 16, 6, -28), targets, tip=1.0)
