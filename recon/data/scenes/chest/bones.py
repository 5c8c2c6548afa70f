"""The chest's bones: ribs and cartilages, sternum, clavicles, scapulae and spine."""

import numpy as np

from recon.data.scenes.chest.plane import Pipes, Plane, joined, pipe_along, smooth_minimum
from recon.data.scenes.chest.polar import ANGLES, EDGE, Polar, Table
from recon.data.scenes.drawing import Image, Texture, ellipse_distance, inside, paint

_PITCH = 22.0  # mm from vertebra to vertebra, and from rib to rib


class Bones:
    """One patient's skeleton. Millimetres are a standard patient's; the scene scales them."""

    def __init__(self, random: np.random.Generator) -> None:
        """Draw sizes, densities, marrow and the places of bones."""
        self.rib_phase = float(random.uniform(-9, 9))
        self.rib_drop = float(random.uniform(0.85, 1.15))
        self.marrow = float(random.uniform(90, 240))
        self.cortex = float(random.uniform(550, 1050))
        self.cartilage = float(random.uniform(80, 200))
        self.calcified = bool(random.random() < 0.5)
        self.kyphosis = float(random.uniform(-6, 6))
        self.trabeculae = Texture(random, (2.5, 1.1, 1.1), period=32)
        self.lobules = Texture(random, (14, 7, 7), period=32)
        self.pipes = self._long_bones(random)

    def paint_ribs(self, canvas: Image, plane: Plane, polar: Polar, depth: Image) -> Image:
        """Lay the ribs' arcs and the costal cartilages in front of them."""
        offset, cartilage = self._rib_offsets(plane.z)
        arc, soft = polar.lookup(offset), polar.lookup(cartilage)
        across = (depth - np.float32(4.8)) / np.float32(4.3)
        rib = (np.sqrt(arc * arc + across * across) - 1) * 4
        texture = plane.field(self.trabeculae)
        edge, core = self.cortex * (1 - soft), (self.marrow + 60 * texture) * (1 - soft)
        rim = self.cartilage + (500.0 if self.calcified else 0.0) * np.clip(texture - 0.6, 0, 1)
        canvas = paint(canvas, inside(rib, EDGE), edge + soft * rim)
        return paint(canvas, inside(rib + np.float32(1.3), 1.4), core + soft * self.cartilage)

    def paint(self, canvas: Image, plane: Plane, front: float) -> Image:
        """Lay the sternum, just before the cavity's `front` (y), clavicles, scapulae, rib necks and the spine."""
        texture = plane.field(self.trabeculae)
        canal, spine, disc = self._spine(plane)
        soft = inside(canal - 2.5, EDGE)
        bones = np.minimum(spine, plane.distance_to_pipes(self.pipes, reach=4.0))
        bones = np.minimum(bones, self._sternum(plane, front)) + 0.08 * texture
        around = np.float32(40) - np.float32(130) * np.clip(0.5 * plane.field(self.lobules) + 0.3 * texture, 0, 1)
        canvas = paint(canvas, inside(np.maximum(spine - 5, self.spine_bulge(plane) + 1), 2.0) * inside(-disc), around)
        canvas = paint(canvas, inside(disc, EDGE), 85.0)
        canvas = paint(canvas, inside(bones, EDGE), self.cortex)
        canvas = paint(canvas, inside(bones + np.float32(1.5), 1.6), self.marrow + 0.22 * self.marrow * texture)
        canvas = paint(canvas, soft, -40.0)
        canvas = paint(canvas, inside(canal - 1.0, EDGE), 12.0)
        return paint(canvas, inside(canal + 3.2, EDGE), 40.0)

    def pleura(self, z: float, polar: Polar, depth: Image) -> Image:
        """Give the signed distance to the rib cage's lining, which ribs press in a little."""
        return depth + polar.lookup(0.4 + 1.8 * np.exp(-(self._rib_offsets(z)[0] ** 2) / 2))

    def spine_bulge(self, plane: Plane) -> Image:
        """Give the signed distance to what the spine pushes into the cavity: bodies, heads of ribs, muscles."""
        centre = self.spine_centre(plane.z)
        body = ellipse_distance(plane.y, plane.x, centre=(centre, 0), radii=(17, 20))
        wide = 29 + 7 * float(np.exp(-(((self._phase(plane.z) - 0.62) / 0.3) ** 2)))
        behind = ellipse_distance(plane.y, plane.x, centre=(centre + 31, 0), radii=(18, wide))
        return smooth_minimum(body, behind, 10)

    def spine_centre(self, z: float) -> float:
        """Give y of the vertebral bodies' middle at height z."""
        return 46 + self.kyphosis * float(np.cos(z / 60)) - 0.0006 * max(z, 0.0) ** 2

    def _phase(self, z: float) -> float:
        """Give where in its vertebra height z lies: 0 at the disc below, growing towards the head."""
        return (z - self.rib_phase) / _PITCH % 1

    def _rib_offsets(self, z: float) -> tuple[Table, Table]:
        """Give |z - rib| / half height of the nearest rib, and how much cartilage it is, per angle."""
        forward = 1 - np.abs(ANGLES) / np.pi  # 0 at the back, 1 in front
        offset = np.full_like(ANGLES, 9.0)
        cartilage = np.zeros_like(ANGLES)
        sides = np.where(ANGLES < 0, 2.0, -2.0)
        for rib in range(12):
            head = 86 - _PITCH * rib + self.rib_phase + sides
            drop = self.rib_drop * (34 + 60 * min(rib, 6) / 6 + 4 * rib) * np.minimum(forward * 1.18, 0.86) ** 0.9
            rise = max(0.0, 13 * (rib - 3)) * np.clip((forward - 0.73) / 0.27, 0, 1)
            height = head - drop + rise
            near = np.abs(z - height) / (6.2 - 1.2 * forward)
            near = np.where(forward > (0.5 if rib > 9 else 0.93), 9.0, near)
            near = np.where(forward < 0.075, 9.0, near)
            better = near < offset
            offset = np.where(better, near, offset)
            start = 0.84 - 0.02 * rib
            cartilage = np.where(better, np.clip((forward - start) / 0.012, 0, 1), cartilage)
        return offset, cartilage

    def _sternum(self, plane: Plane, front: float) -> Image:
        z = plane.z
        if not -92 < z < 60:
            return np.full(plane.y.shape, 9.0, np.float32)
        half = float(np.interp(z, (-92, -80, -60, 10, 18, 24, 55, 60), (4, 8, 17, 14, 13, 24, 29, 20)))
        thick = float(np.interp(z, (-92, 10, 20, 60), (4.5, 6, 6.5, 8)))
        return ellipse_distance(plane.y, plane.x, centre=(front - 6.5, 0), radii=(thick, half))

    def _spine(self, plane: Plane) -> tuple[Image, Image, Image]:
        """Give the signed distances to the canal, the bone and the discs."""
        phase, pitch = self._phase(plane.z), _PITCH
        centre = self.spine_centre(plane.z)
        middle = plane.pixels(np.asarray([centre + 15], np.float32), np.zeros(1, np.float32))
        window = plane.windows(middle, middle, np.array([50.0]))[0]
        y, x = plane.y[window], plane.x[window]
        size = float(np.interp(plane.z, (-160, 80), (1.1, 0.84))) * (1 - 0.06 * np.sin(np.pi * phase))
        body = ellipse_distance(y, x, centre=(centre, 0), radii=(14.5 * size, 18 * size))
        body = np.maximum(body, y - np.float32(centre + 10.5 * size))
        back = centre + 19.5
        canal = ellipse_distance(y, x, centre=(back, 0), radii=(7.2, 8.2))
        lean = np.float32(0.07) * (y - np.float32(centre))  # end-plates are tilted and hollow
        near_disc = np.minimum(np.float32(phase * pitch) + lean, np.float32((1 - phase) * pitch) - lean)
        gap = np.maximum(1.4 + np.clip(-body / np.float32(9), 0, 1.2) - near_disc, np.float32(-2.6))
        disc, bone = body, np.maximum(body, gap)
        parts = [bone]
        x = np.abs(x)
        pedicle = _presence(phase, 0.62, 0.26)
        if pedicle > -3:
            parts.append(_stroke(y, x, (centre + 8, 11), (back + 4, 13), 3.0) - np.float32(min(pedicle, 0.8)))
            parts.append(_stroke(y, x, (back + 4, 13), (back + 13, 33), 4.2) - np.float32(min(pedicle, 0.8)))
        if phase < 0.3 or phase > 0.8:
            parts.append(_stroke(y, x, (back + 3, 13), (back + 9, 13), 3.4))
        parts.append(_stroke(y, x, (back + 12.5, 0), (back + 3, 12), 2.2))
        tip = 17 + 13 * abs(((phase + 0.2) % 1) - 0.5) * 2
        parts.append(_stroke(y, x, (back + 11, 0), (back + tip, 0), 2.4))
        bone = parts[0]
        for part in parts[1:]:
            bone = smooth_minimum(bone, part, 2.0)
        bone = np.maximum(bone, -canal - np.float32(0.5))
        return plane.spread(canal, window), plane.spread(bone, window), plane.spread(disc, window)

    def _long_bones(self, random: np.random.Generator) -> Pipes:
        """Draw the clavicles, the scapulae as fans of thin pipes, and the ribs' necks."""
        pipes: list[Pipes] = []
        lift = float(random.uniform(-4, 10))
        for side in (-1.0, 1.0):
            clavicle = [(52, -60, 20, 8.5), (57, -60, 40, 6.5), (68, -46, 75, 5.5), (80 + lift, -22, 112, 6.0)]
            pipes.append(pipe_along([(z, y, side * x, r) for z, y, x, r in clavicle]))
            swing = float(random.uniform(-5, 5))
            for step in range(25):  # from the lower angle upwards
                z, part = -52 + 5.5 * step + lift, step / 24
                width = 10 + 62 * part**0.7
                middle = (86 - 20 * part + swing, 112 - 10 * part)
                low = (middle[0] + 0.36 * width, middle[1] - 0.36 * width)
                high = (middle[0] - 0.42 * width, middle[1] + 0.3 * width)
                points = [(z, *low, 2.6), (z, middle[0] - 1.0, middle[1] - 1.0, 1.7), (z, *high, 3.6 + 2.5 * part)]
                pipes.append(pipe_along([(a, b, side * c, d) for a, b, c, d in points], step=20))
            for rib in range(12):
                z = 86 - _PITCH * rib + self.rib_phase - 2 * side
                y = self.spine_centre(z)
                neck = [(z + 3, y + 5, 20, 4.0), (z, y + 18, 27, 3.2), (z - 3, y + 34, 40, 3.6)]
                pipes.append(pipe_along([(a, b, side * c, d) for a, b, c, d in neck], step=12))
        return joined(pipes)


def _presence(phase: float, middle: float, half: float) -> float:
    """Give how far, in mm of growth, a part that exists around a phase of the vertebra is from vanishing."""
    return (half - abs(phase - middle)) * 22


def _stroke(y: Image, x: Image, start: tuple[float, float], end: tuple[float, float], radius: float) -> Image:
    """Give the signed distance in mm to a thick line from start to end, as (y, x)."""
    dy, dx = y - np.float32(start[0]), x - np.float32(start[1])
    down, right = end[0] - start[0], end[1] - start[1]
    t = np.clip((dy * np.float32(down) + dx * np.float32(right)) / np.float32(down**2 + right**2), 0, 1)
    return np.sqrt((dy - t * np.float32(down)) ** 2 + (dx - t * np.float32(right)) ** 2) - np.float32(radius)
