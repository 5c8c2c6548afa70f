"""The heart: its chambers, their muscle, and the coronary arteries in the fat of its grooves."""

import numpy as np

from recon.data.scenes.chest.plane import Pipes, Plane, joined, pipe_along, smooth_minimum
from recon.data.scenes.chest.polar import EDGE
from recon.data.scenes.drawing import Image, Texture, inside, paint

# Between which chambers each coronary artery runs, its radius in mm, and the heights it passes.
_GROOVES = (
    ("right ventricle", "left ventricle", 1.9, range(-52, -112, -8)),
    ("right atrium", "right ventricle", 1.8, range(-56, -105, -8)),
    ("left atrium", "left ventricle", 1.6, range(-54, -80, -6)),
)


class Heart:
    """One patient's heart, with blood of the given values in HU."""

    def __init__(self, random: np.random.Generator, *, arterial: float, pulmonary: float, venous: float) -> None:
        """Draw its size, muscle and textures, and lay the coronary arteries."""
        self.arterial, self.pulmonary, self.venous = arterial, pulmonary, venous
        self.muscle = float(random.uniform(90, 120)) if arterial > 100 else 48.0
        self.size = float(random.uniform(0.88, 1.18))
        self.grain = Texture(random, 3.0, period=32)
        self.clumps = Texture(random, 14.0, period=32)
        self.coronaries = self._grooves()

    def chambers(self, plane: Plane) -> dict[str, Image]:
        """Give the signed distances to the heart's parts."""
        s = self.size
        parts = {
            "right atrium": ((-70, -12, -34), (36, 27, 22), (1, 0, 0)),
            "right ventricle": ((-82, -40, 4), (40, 24, 37), (1, 0.1, -0.55)),
            "septum": ((-80, -9, 0), (38, 21, 19), (1, 0, -0.3)),
            "left atrium": ((-50, 6, 4), (21, 18, 33), (1, 0, 0)),
            "left ventricle": ((-84, -17, 40), (48, 31, 30), (0.38, 0.5, -0.8)),
        }
        found = {}
        for name, (centre, radii, axis) in parts.items():
            middle = (centre[0], 6 + (centre[1] - 6) * s, centre[2] * s)
            found[name] = plane.distance_to_ellipsoid(middle, [r * s for r in radii], axis, reach=25.0)
        return found

    def paint(self, canvas: Image, plane: Plane, chambers: dict[str, Image], limit: Image) -> Image:
        """Lay the chambers; `limit` is negative where the heart may be."""
        if not -145 < plane.z < -15:
            return canvas
        grain = plane.field(self.grain)
        rough = 0.5 * plane.field(self.clumps)
        fills = {
            "left atrium": (self.arterial, 1.2),
            "right atrium": (0.5 * (self.venous + self.pulmonary), 1.8),
            "right ventricle": (self.pulmonary, 3.0),
            "left ventricle": (self.arterial, 10.5),
        }
        whole = chambers["left ventricle"]
        blend = float(np.interp(plane.z, (-110, -85), (20, 5)))
        for name in ("left atrium", "right atrium", "right ventricle", "septum"):
            whole = smooth_minimum(whole, chambers[name], blend)
        shape = np.maximum(whole + rough, limit)
        canvas = paint(canvas, plane.cover(shape, EDGE), self.muscle + 4 * grain)
        for name, (blood, wall) in fills.items():
            shape = np.maximum(chambers[name] + rough, limit)
            if name == "left ventricle":
                canvas = paint(canvas, inside(shape, EDGE), self.muscle + 4 * grain)
            canvas = paint(canvas, plane.cover(shape + np.float32(wall) + 0.6 * grain, 1.6), blood + 4 * grain)
        arteries = plane.distance_to_pipes(self.coronaries, reach=6.0)
        groove = np.maximum(np.maximum(arteries - 3.2 + rough, -3.5 - whole), limit)
        canvas = paint(canvas, inside(groove, 1.5), -90 + 4 * grain)
        return paint(canvas, inside(np.maximum(arteries, limit), EDGE), self.arterial)

    def _grooves(self) -> Pipes:
        """Give the coronary arteries: in the grooves between two chambers, where both walls are near."""
        step = 1.5
        rows, columns = np.arange(-75, 40, step, np.float32), np.arange(-70, 80, step, np.float32)
        y, x = np.meshgrid(rows, columns, indexing="ij")
        to_pixels = np.array([[1, 0, -float(rows[0])], [0, 1, -float(columns[0])]]) / step
        still, pipes = np.zeros_like(y), []
        outward = np.hypot(y + np.float32(10), x - np.float32(5))
        for first, second, radius, levels in _GROOVES:
            path: list[tuple[float, float, float, float]] = []
            for z in levels:
                plane = Plane(float(z), y, x, to_pixels, (still, still), rows[:, None], columns[None, :])
                parts = self.chambers(plane)
                pair = (parts[first] - np.float32(1.5)) ** 2 + (parts[second] - np.float32(1.5)) ** 2
                within = np.minimum.reduce([part for name, part in parts.items() if name not in (first, second)])
                best = int(np.argmin(pair + 9 * np.maximum(2 - within, 0) - 1.5 * outward))
                path.append((float(z), float(y.flat[best]), float(x.flat[best]), radius - 0.1 * len(path)))
            pipes.append(pipe_along(path, step=5.0))
        return joined(pipes)
