"""The mediastinum: great vessels, airways, gullet, and the fat that keeps the lungs apart."""

import numpy as np

from recon.data.scenes.chest.heart import Heart
from recon.data.scenes.chest.plane import Pipes, Plane, joined, pipe_along, smooth_minimum
from recon.data.scenes.chest.polar import EDGE
from recon.data.scenes.drawing import Image, Texture, inside, paint

Path = list[tuple[float, float, float, float]]  # (z, y, x, radius) in mm; z = 0 is the carina, x grows to the left side

_AORTA: Path = [
    (-44, -16, 2, 14), (-22, -24, -15, 15), (8, -24, -19, 14.5), (24, -17, -13, 14), (32, -3, -1, 13),
    (31, 13, 12, 12.5), (18, 29, 23, 12), (-10, 37, 27, 11.5), (-60, 36, 23, 11), (-110, 31, 14, 11), (-200, 27, 4, 10),
]  # fmt: skip
_ARTERIES: list[Path] = [
    [(34, -10, -6, 6), (50, -12, -12, 6), (70, -6, -22, 5.5), (84, 4, -45, 4.5), (82, -8, -90, 4)],
    [(36, 1, 4, 3.8), (60, -2, 14, 3.6), (100, 2, 22, 3.4)],
    [(34, 12, 11, 4.8), (58, 10, 24, 4.6), (78, 4, 38, 4.4), (84, -4, 60, 4), (82, -10, 100, 4)],
]
_VEINS: list[Path] = [
    [(-42, -9, -30, 9), (-20, -16, -29, 9), (10, -18, -26, 8), (34, -24, -25, 8), (55, -30, -27, 7), (85, -14, -36, 6)],
    [(27, -25, -24, 6.5), (33, -36, -6, 6), (40, -36, 12, 6), (54, -32, 27, 6.5), (85, -16, 38, 6)],
    [(-200, 20, -26, 12), (-124, 12, -24, 12), (-106, 5, -27, 11.5)],
    [(10, -12, -27, 4), (13, 4, -22, 4), (11, 22, -13, 3.8), (0, 31, -8, 3.5), (-80, 33, -4, 3.5), (-200, 30, -5, 3)],
]  # fmt: skip
_PULMONARY_ARTERIES: list[Path] = [
    [
        (-46, -44, 10, 13),
        (-28, -34, 16, 13),
        (-14, -18, 19, 12.5),
        (-6, -2, 28, 10),
        (-4, 10, 37, 9),
        (-18, 18, 43, 7.5),
    ],
    [(-14, -16, 16, 11), (-18, -5, 2, 10), (-20, -1, -16, 9.5), (-22, 2, -33, 8.5), (-30, 8, -43, 7)],
]
_PULMONARY_VEINS: list[Path] = [
    [(-46, 8, -14, 8), (-38, -4, -30, 6.5), (-28, -12, -42, 5.5)],
    [(-44, 6, 16, 8), (-30, -6, 30, 6.5), (-20, -14, 42, 5.5)],
    [(-52, 12, -16, 8), (-56, 15, -34, 6.5), (-60, 20, -46, 5.5)],
    [(-52, 12, 18, 8), (-56, 16, 32, 6.5), (-62, 22, 44, 5.5)],
]
_AIRWAYS: list[Path] = [
    [(130, 4, 0, 8.5), (60, 8, 0, 8.5), (20, 12, -2, 8.5), (0, 14, -2, 9)],
    [(2, 14, -5, 7), (-14, 15, -14, 7), (-24, 16, -25, 6), (-40, 15, -33, 5), (-54, 20, -40, 4)],
    [(-19, 16, -20, 5), (-12, 12, -46, 3.6)],
    [(2, 14, 2, 6.5), (-16, 15, 13, 6.2), (-30, 17, 28, 5.6), (-38, 20, 39, 4.6), (-54, 27, 47, 3.6)],
    [(-29, 18, 27, 4.6), (-24, 6, 44, 3.4)],
]
_GULLET: Path = [
    (130, 20, 4, 6),
    (20, 29, 5, 6.5),
    (-40, 28, 4, 6.5),
    (-90, 22, 8, 6.5),
    (-135, 14, 18, 7),
    (-150, 12, 28, 8),
]


class Mediastinum:
    """One patient's mediastinum; `contrast` tells whether the vessels are enhanced."""

    def __init__(self, random: np.random.Generator) -> None:
        """Draw sizes, enhancement, calcifications and textures."""
        self.contrast = bool(random.random() < 0.5)
        self.blood = float(random.uniform(36, 48))
        enhanced = self.contrast
        self.arterial = float(random.uniform(150, 300)) if enhanced else self.blood
        self.pulmonary = float(random.uniform(140, 320)) if enhanced else self.blood
        self.venous = float(random.uniform(110, 380)) if enhanced else self.blood
        self.fat = float(random.uniform(2.0, 6.0))
        self.air_in_gullet = bool(random.random() < 0.4)
        wide = float(random.uniform(0.9, 1.18))
        aorta = [(z, y, x, r * wide) for z, y, x, r in _AORTA]
        self.aorta = _joined([_moved(random, path) for path in [aorta, *_ARTERIES]])
        self.veins = _joined([_moved(random, path) for path in _VEINS])
        self.pulmonary_arteries = _joined([_moved(random, path) for path in _PULMONARY_ARTERIES])
        self.pulmonary_veins = _joined(_PULMONARY_VEINS)
        self.airways = _joined(_AIRWAYS)
        self.gullet = _joined([_moved(random, _GULLET)])
        self.heart = Heart(random, arterial=self.arterial, pulmonary=self.pulmonary, venous=self.venous)
        self.plaques = self._plaques(random)
        self.nodes = self._nodes(random)
        self.grain = Texture(random, 3.0, period=32)
        self.clumps = Texture(random, 14.0, period=32)

    def distance(self, plane: Plane, front: float, chambers: dict[str, Image]) -> Image:
        """Give the signed distance to all that keeps the lungs apart, its fat included; `front` is the sternum's y."""
        z, reach = plane.z, 16.0
        vessels = self.aorta + self.veins + self.pulmonary_arteries + self.airways + self.gullet
        field = plane.distance_to_pipes(vessels, reach=reach) - np.float32(self.fat * 0.7)
        field = np.minimum(field, plane.distance_to_pipes(self.pulmonary_veins, reach=16.0) - 1.0)
        heart = chambers["right atrium"]
        blend = float(np.interp(z, (-115, -85), (34, 16)))  # one sac of fat where the chambers end one by one
        for name in ("right ventricle", "left atrium", "left ventricle"):
            heart = smooth_minimum(heart, chambers[name], blend)
        if -140 < z < -20:
            field = smooth_minimum(field, heart - np.float32(self.fat), 10)
        x, y = plane.x, plane.y
        wedge = float(np.interp(z, (-100, -40, 0, 25, 60, 90), (12, 5, 3, 8, 22, 30)))
        flare = np.clip((front + 34 - y) / 34, 0, 1) ** 2 * np.float32(22)
        slab = np.maximum(np.abs(x - np.float32(2)) - wedge - flare, y - 15.0)
        core = np.maximum(np.abs(x - np.float32(3)) - np.float32(11), np.abs(y - np.float32(18)) - 30.0)
        return smooth_minimum(smooth_minimum(field, slab, 9), core, 9)

    def paint_vessels(self, canvas: Image, plane: Plane, lung: Image) -> Image:
        """Lay great vessels, gullet, airways, calcified plaques, and lymph nodes outside the lungs."""
        grain = plane.field(self.grain)
        layers = (
            (self.pulmonary_veins, 0.9 * self.arterial),
            (self.pulmonary_arteries, self.pulmonary),
            (self.veins, self.venous if plane.z > -60 else 0.4 * self.venous + 30),
        )
        uneven = np.clip(0.8 * plane.field(self.clumps), -1, 1)
        nodes = np.maximum(plane.distance_to_pipes(self.nodes), 1 - lung)
        canvas = paint(canvas, inside(nodes, EDGE), 70.0 if self.contrast else 40.0)
        for pipes, value in layers:
            shape = plane.distance_to_pipes(pipes, reach=3.0) + uneven
            canvas = paint(canvas, inside(shape, EDGE), value + 4 * grain)
        gullet = plane.distance_to_pipes(self.gullet, reach=6.0)
        canvas = paint(canvas, inside(gullet + 0.4 * grain, EDGE), 38 + 6 * grain)
        if self.air_in_gullet:
            canvas = paint(canvas, inside(gullet + 4.6 + 0.8 * grain, 1.5), -700.0)
        aorta = plane.distance_to_pipes(self.aorta, reach=2.0)
        canvas = paint(canvas, inside(aorta - 1.2, EDGE), 45 + 5 * grain)
        canvas = paint(canvas, inside(aorta, EDGE), self.arterial + 4 * grain)
        canvas = paint(canvas, inside(plane.distance_to_pipes(self.plaques), EDGE), 800.0)
        airway = plane.distance_to_pipes(self.airways, reach=3.0)
        canvas = paint(canvas, inside(airway - 1.4, EDGE), 30.0)
        return paint(canvas, inside(airway, EDGE), -990.0)

    def _plaques(self, random: np.random.Generator) -> Pipes:
        """Draw calcifications: short thin pipes on the walls of the aorta and of the coronary arteries."""
        walls = joined([self.aorta, self.heart.coronaries])
        count = int(random.integers(0, 26)) if random.random() < 0.6 else 0
        picks = random.integers(0, len(walls.radii), max(count, 1))
        around = random.standard_normal((len(picks), 3), dtype=np.float32)
        around /= np.linalg.norm(around, axis=1, keepdims=True)
        start = walls.starts[picks] + around * walls.radii[picks, :1]
        end = start + random.standard_normal((len(picks), 3), dtype=np.float32) * 2.0
        sizes = random.uniform(0.3, 1.3, (len(picks), 2)).astype(np.float32)
        return Pipes(start, end.astype(np.float32), sizes).chosen(np.arange(len(picks)) < count)

    def _nodes(self, random: np.random.Generator) -> Pipes:
        """Draw lymph nodes: short pipes in the fat around the windpipe and the hila."""
        count = 34
        low, high = (-55, -40, -30), (60, 28, 34)
        start = random.uniform(low, high, (count, 3)).astype(np.float32)
        end = start + random.standard_normal((count, 3), dtype=np.float32) * 2.5
        sizes = np.repeat(random.uniform(1.2, 3.6, (count, 1)), 2, axis=1).astype(np.float32)
        return Pipes(start, end.astype(np.float32), sizes)


def _moved(random: np.random.Generator, path: Path) -> Path:
    """Shift a path's knots a little, as anatomies differ."""
    shifts = random.normal(0, (1.5, 1.3, 1.3, 0.25), (len(path), 4))
    return [
        (z + float(a), y + float(b), x + float(c), max(r + float(d), 1.0))
        for (z, y, x, r), (a, b, c, d) in zip(path, shifts, strict=True)
    ]


def _joined(paths: list[Path]) -> Pipes:
    return joined([pipe_along(path) for path in paths])
