"""The chest's soft wall: skin, fat, glands and muscles around the rib cage."""

import numpy as np

from recon.data.scenes.chest.plane import Plane
from recon.data.scenes.chest.polar import ANGLES, CENTRE, EDGE, Polar, Table, hill, smoothed
from recon.data.scenes.drawing import Image, Texture, inside, paint

_LEVELS = (-200, -160, -120, -80, -40, 0, 30, 60, 80, 95)  # z of the tables below; 0 is the carina
_HALF_WIDTH = (130, 133, 135, 133, 128, 120, 108, 85, 60, 28)
_FRONT = (80, 83, 86, 86, 84, 80, 72, 54, 24, 4)
_BACK = (70, 72, 76, 77, 77, 75, 72, 66, 54, 42)


class Wall:
    """One patient's chest wall. Millimetres are a standard patient's; the scene scales them."""

    def __init__(self, random: np.random.Generator) -> None:
        """Draw thicknesses, bones and their textures."""
        self.fat = float(3 + 22 * random.beta(1.3, 2.2))
        self.muscle = float(random.uniform(0.65, 1.25))
        self.breast = float(random.uniform(10, 42)) if random.random() < 0.4 else 0.0
        self.gland = float(random.uniform(-0.6, 1.4))
        self.depth_scale = float(random.uniform(0.86, 1.14))
        self.squareness = float(random.uniform(2.05, 2.6))
        self.gutter, self.corner = float(random.uniform(1, 8)), float(random.uniform(-2, 3.5))
        self.waves = random.normal(0, 1.3, (2, 4, 2))  # of the cavity's outline, in mm: still, and changing in z
        self.streaks = Texture(random, (8, 2.2, 5), period=32)
        self.lobules = Texture(random, (14, 7, 7), period=32)
        self.merging = Texture(random, (25, 14, 14), period=32)

    def cavity(self, z: float) -> Table:
        """Give the radius of the rib cage's inner surface at height z, for each angle."""
        width, front, back = (float(np.interp(z, _LEVELS, row)) for row in (_HALF_WIDTH, _FRONT, _BACK))
        across, along, power = np.abs(np.sin(ANGLES)), np.cos(ANGLES), self.squareness
        reach = np.where(along > 0, front * self.depth_scale, back)
        outline = (across**power / width**power + np.abs(along) ** power / reach**power) ** (-1 / power)
        turn, share = np.abs(ANGLES), float(np.interp(z, (30, 95), (1, 0.3)))
        outline = outline + share * (self.gutter * hill(turn, 2.55, 0.32) + self.corner * hill(turn, 0.75, 0.3))
        outline = outline - 2 * share * hill(turn, 0, 0.22)  # behind the sternum
        for number, (still, turning) in enumerate(zip(*self.waves.tolist(), strict=True), start=2):
            size = share * (still[0] + turning[0] * np.sin(z / 70)), share * (still[1] + turning[1] * np.sin(z / 70))
            outline = outline + size[0] * np.cos(number * ANGLES) + size[1] * np.sin(number * ANGLES)
        result: Table = outline
        return result

    def layers(self, z: float, cavity: Table) -> dict[str, tuple[Table, Table]]:
        """Give, for each muscle layer, its inner and outer depth (mm outside the cavity) per angle."""
        turn = np.abs(ANGLES)
        upper = float(np.interp(z, (-80, -30, 20, 60), (0, 0.35, 0.9, 1)))
        lower = float(np.interp(z, (-150, -60, 0, 40), (0.5, 1, 0.6, 0.3)))
        serratus = self.muscle * (3 + 5 * lower) * hill(turn, 1.75, 0.55)
        minor = self.muscle * 7 * upper * hill(turn, 0.85, 0.2)
        subscapular = self.muscle * 15 * upper * hill(turn, 2.0, 0.3)
        top = 8.7 + 22 * hill(turn, 2.92, 0.28) + serratus + minor + subscapular
        dorsal = self.muscle * 13 * (0.25 + lower) * hill(turn, 1.95, 0.4)
        pectoral = self.muscle * 17 * upper * hill(turn, 0.66, 0.33)
        scapular = self.muscle * 16 * upper * hill(turn, 2.15, 0.3)
        trapezius = self.muscle * 5 * (0.3 + upper) * hill(turn, 2.9, 0.45)
        shoulder = float(np.interp(z, (10, 65), (0, 1))) * hill(turn, 2.3, 0.75)  # its muscles fill the girdle
        room = self._trunk(z) - cavity
        top = top + 0.4 * shoulder * np.maximum(room - top, 0)
        under = smoothed(top, 14) + 0.5 + (0.1 * self.fat + 3 * upper) * (0.1 + hill(turn, 1.35, 0.4))
        outer = under + dorsal + pectoral + scapular + trapezius
        outer = outer + shoulder * np.maximum(room - 2 - outer, 0)
        return {"inner": (np.full_like(turn, 8.2), top), "outer": (under, outer)}

    def skin(self, z: float, cavity: Table, muscles: Table) -> Table:
        """Give the body's outline: fat of uneven thickness over the muscles, shoulders and breasts."""
        turn, across, along = np.abs(ANGLES), np.abs(np.sin(ANGLES)), np.cos(ANGLES)
        fat = self.fat * (0.55 + 0.45 * across + 0.25 * (along < 0) * np.abs(along)) + 3
        outline = np.maximum(cavity + muscles, self._trunk(z)) + fat
        level = float(np.exp(-(((z + 50) / 48) ** 2)))
        outline = outline + level * self.breast * hill(turn, 0.78, 0.36) - 3 * hill(turn, np.pi, 0.1)
        behind = np.where(along < -0.35, -along, 0.35)
        table = np.max(outline * np.where(along < -0.35, -along, 0)) - 1.5  # the patient lies on the back
        flat = np.where(along < -0.35, np.minimum(table / behind, outline + 13), outline)
        outline = np.where(along < -0.35, np.maximum(0.35 * outline + 0.65 * flat, outline - 3), outline)
        return smoothed(outline, 10)

    def back(self, z: float) -> float:
        """Give y of the lowest point of the skin at height z."""
        cavity = self.cavity(z)
        outline = self.skin(z, cavity, self.layers(z, cavity)["outer"][1])
        return CENTRE - float(np.min(outline * np.cos(ANGLES)))

    def _trunk(self, z: float) -> Table:
        """Give the outline, less its fat, that the trunk and shoulders have at least."""
        shoulder = float(np.interp(z, (0, 40, 90), (0, 0.5, 1)))
        across, along = np.abs(np.sin(ANGLES)), np.cos(ANGLES)
        front = float(np.interp(z, (20, 60, 95), (95, 82, 62)))
        reach = np.where(along > 0, front, 106)
        outline: Table = ((across / (165 + 25 * shoulder)) ** 2.6 + (np.abs(along) / reach) ** 2.6) ** (-1 / 2.6)
        return outline - 10 * (1 - shoulder)

    def paint(self, canvas: Image, plane: Plane, polar: Polar, depth: Image, cavity: Table) -> Image:
        """Lay skin, fat, glands and muscles; `depth` is the signed distance to the cavity."""
        layers = self.layers(plane.z, cavity)
        skin = polar.distance(self.skin(plane.z, cavity, layers["outer"][1]))
        streaks = plane.field(self.streaks)
        lobules = plane.field(self.lobules)
        canvas = paint(canvas, inside(skin, EDGE), 0.0 + 10 * lobules)
        fat = -105 + 8 * streaks + 14 * np.maximum(lobules - 0.9, 0) * np.float32(10 / (4 + self.fat))
        canvas = paint(canvas, inside(skin + np.float32(1.8), EDGE), fat)
        if self.breast > 0:
            place = polar.lookup(self.breast * hill(np.abs(ANGLES), 0.78, 0.22)) * np.float32(
                np.exp(-(((plane.z + 50) / 34) ** 2))
            )
            gland = 1.3 * (lobules + 0.4 * streaks + (self.gland - 1.0)) + np.minimum(place * 0.06, 1.2) - 0.5
            outside = polar.lookup(layers["outer"][1] + 5) - depth
            gland = np.clip(gland, 0, 1) * np.clip(place * 0.12, 0, 1)
            canvas = paint(canvas, gland * inside(outside, 4) * inside(skin + 6, 5), 30 + 10 * streaks)
        flesh: Image = 55 + 9 * streaks - 55 * np.clip(lobules - 1.1 + 0.5 * streaks, 0, 1.5)
        rough: Image = 1.3 * lobules + 0.4 * streaks
        merged = np.clip(1.5 * plane.field(self.merging) + 0.5 * lobules - 0.5, -0.7, 1.9)  # muscles touch, or part
        uneven = depth + rough
        for low, high in layers.values():
            middle, half = polar.lookup((low + high) / 2), polar.lookup((high - low) / 2 - 0.9)
            thick = np.minimum(half, 2) * np.float32(0.5)
            middle -= uneven
            np.abs(middle, out=middle)
            middle -= half
            middle -= merged * thick
            canvas = paint(canvas, inside(middle, 1.6), flesh)
        between = np.abs(depth - np.float32(4.6) + 0.5 * rough) - np.float32(3.4)
        return paint(canvas, inside(between, EDGE), flesh - 15.0)
