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
        self.dome = (float(random.uniform(-112, -86)), float(random.uniform(-128, -106)))
        self.liver = float(random.uniform(80, 120) if enhanced else random.uniform(42, 66))
        self.spleen = self.liver + 8 if enhanced else 50.0
        self.vessels = mediastinum.venous * 0.25 + 95 if enhanced else mediastinum.blood - 2
        self.gas_level = float(random.uniform(-40, -5))
        self.stomach_fill = float(random.uniform(10, 70))
        self.grain = Texture(random, 3.0, period=32)
        self.clumps = Texture(random, 14.0, period=32)
        self.liver_vessels = self._liver_vessels(random)

    def diaphragm(self, plane: Plane) -> tuple[Image, Image]:
        """Give the signed distances to the right and the left dome: negative is below the diaphragm.

        Domes reach the wall in front first: lung stays longest in the recess behind. The left one holds the middle.
        """
        right, left = self.dome
        middle = self._dome(plane, top=right - 7, centre=(-32, 8), radii=(46, 56))
        sides = [
            self._dome(plane, top=top, centre=(y, x), radii=(80, 66)) for top, y, x in ((right, 4, -66), (left, 14, 72))
        ]
        return sides[0], smooth_minimum(sides[1], middle, 10)

    def _dome(self, plane: Plane, *, top: float, centre: tuple[float, float], radii: tuple[float, float]) -> Image:
        height = 62.0
        sunk = float(np.clip((top - plane.z) / height, 0, 1.4))
        share = float(np.sqrt(1 - (1 - min(sunk, 1.0)) ** 2)) + max(sunk - 1, 0.0) * 0.25
        if share <= 0.02:
            return np.full(plane.y.shape, 30.0, np.float32)
        forward = 20 * sunk
        size = (share * radii[0] + 0.8 * forward, share * radii[1])
        dy = (plane.y - np.float32(centre[0] - forward)) / np.float32(size[0])
        dx = (plane.x - np.float32(centre[1])) / np.float32(size[1])
        return (np.sqrt(dy * dy + dx * dx) - 1) * np.float32(min(size))

    def paint(self, canvas: Image, plane: Plane, domes: tuple[Image, Image], cavity: Image) -> Image:
        """Lay liver, spleen and stomach under the domes; `cavity` is the signed distance to the rib cage."""
        right, left = domes
        if plane.z > max(self.dome):
            return canvas
        grain, clumps = plane.field(self.grain), plane.field(self.clumps)
        lobe = plane.distance_to_ellipsoid((self.dome[0] - 40, -42, 4), (36, 34, 56), reach=20.0)
        left_fat = inside(np.maximum(left, cavity + 1), EDGE)
        canvas = paint(canvas, left_fat, -100 + 8 * clumps)
        lobe = np.maximum(smooth_minimum(right, np.maximum(lobe, left), 12), cavity + 1)
        canvas = paint(canvas, inside(lobe, EDGE), self.liver + 3 * grain + 3 * clumps)
        vessels = np.maximum(plane.distance_to_pipes(self.liver_vessels), lobe + 4)
        canvas = paint(canvas, inside(vessels, 1.4), self.vessels)
        spleen = plane.distance_to_ellipsoid((self.dome[1] - 44, 44, 86), (46, 38, 30), (1, 0.2, -0.1))
        stomach = plane.distance_to_ellipsoid((self.dome[1] - 42, 0, 60), (46, 42, 33), (1, 0.3, 0.3))
        stomach += 2 * clumps
        canvas = paint(canvas, inside(np.maximum(np.maximum(stomach, left + 1), cavity + 2), EDGE), 45.0)
        lumen = np.maximum(np.maximum(stomach + 4, left + 4), cavity + 5)
        gas = inside(plane.y - np.float32(self.gas_level), 1.0)
        content = self.stomach_fill * 0.5 + 14 * clumps + 18 * grain
        canvas = paint(canvas, inside(lumen, EDGE), gas * -990 + (1 - gas) * content)
        spleen = np.maximum(np.maximum(spleen, left + 0.8), cavity + 1.5)
        canvas = paint(canvas, inside(spleen, EDGE), self.spleen + 3 * grain)
        return canvas

    def _liver_vessels(self, random: np.random.Generator) -> Pipes:
        """Grow hepatic veins from the vena cava into the right dome."""
        spread = random.uniform(-1, 1, (90, 3)) * (50, 62, 56) + (self.dome[0] - 58, -4, -66)
        targets: Points = spread.astype(np.float32)
        return grown_tree(random, (self.dome[0] - 16, 6, -28), targets, tip=1.0)
