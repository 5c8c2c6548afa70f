"""Everything that is drawn at random about one knee: its tubes, textures, lesions, and how it lies in the scanner."""

from dataclasses import dataclass

import numpy as np

from recon.data.scenes.drawing import Texture
from recon.data.scenes.knee.anatomy import Build
from recon.data.scenes.knee.bones import Bones
from recon.data.scenes.knee.cords import CRUCIATE, POSTERIOR_CRUCIATE, RETINACULA, TENDONS, VESSELS
from recon.data.scenes.knee.courses import MUSCLES
from recon.data.scenes.knee.tubes import Pose, Tube, Warp


@dataclass(frozen=True, slots=True)
class Spot:
    """A lesion at (y, x, z) of the tables, with radii in mm and the strength with which it covers what is there."""

    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    strength: float


@dataclass(frozen=True, slots=True)
class Textures:
    """The random fields that give the tissues their grain."""

    lobules: Texture
    strands: Texture
    fibres: Texture
    bundles: Texture
    patches: Texture
    trabeculae: Texture
    mottle: Texture
    bias: Texture


class Patient:
    """One patient's knee, side and pose."""

    def __init__(self, random: np.random.Generator) -> None:
        """Draw it."""
        self.build = build = Build(random)
        self.bones = Bones(random, build)
        self.pose = Pose(
            offset=(float(random.normal(0, 6)), float(random.normal(0, 5))),
            angle=float(random.normal(0, 0.06)),
            mirrored=bool(random.integers(2)),
            scale=float(random.uniform(0.88, 1.06)),
        )
        self.warp = Warp(random)
        self.textures = Textures(
            lobules=Texture(random, (9.0, 22.0, 5.5)),
            strands=Texture(random, (7.0, 10.0, 4.0)),
            fibres=Texture(random, (4.0, 9.0, 0.8)),
            bundles=Texture(random, (6.0, 16.0, 1.9)),
            patches=Texture(random, 11.0),
            trabeculae=Texture(random, (3.0, 1.5, 0.5)),
            mottle=Texture(random, (6.0, 5.0, 5.0)),
            bias=Texture(random, 45.0, period=16),
        )
        self._draw_tubes(random)
        self._draw_condition(random)

    def extent(self) -> tuple[float, float]:
        """Give the depths at which the skin begins and ends within 60 mm of the joint line."""
        near = slice(len(self.skin.z) // 2 - 300, len(self.skin.z) // 2 + 300)
        front, back = self.skin.z - self.skin.rz, self.skin.z + self.skin.rz
        return float(front[near].min()), float(back[near].max())

    def _draw_tubes(self, random: np.random.Generator) -> None:
        build = self.build
        self.skin, self.fat, self.envelope = build.skin(0.0), build.skin(1.5), build.envelope()
        self.inner_envelope = build.envelope(inner=True)
        self.muscles = [
            build.tube(knots, size=build.muscle * float(random.uniform(1.0, 1.15)), shift=_shift(random))
            for knots in MUSCLES.values()
        ]
        self.tendons = [build.tube(knots, size=float(random.uniform(0.85, 1.2))) for knots in TENDONS.values()]
        self.retinacula = [build.tube(knots, size=float(random.uniform(0.85, 1.2))) for knots in RETINACULA.values()]
        self.cruciate = build.tube(CRUCIATE, size=float(random.uniform(0.85, 1.1)))
        self.posterior_cruciate = build.tube(POSTERIOR_CRUCIATE, size=float(random.uniform(0.85, 1.1)))
        self.vessels = {
            name: build.tube(knots, size=float(random.uniform(0.85, 1.25)), shift=_shift(random))
            for name, knots in VESSELS.items()
        }
        self.branches = [_branch(random, build) for _ in range(30)]

    def _draw_condition(self, random: np.random.Generator) -> None:
        self.tones = {
            name: float(random.uniform(0.88, 1.12)) for name in ("fat", "marrow", "muscle", "cartilage", "fluid")
        }
        self.red_marrow = float(random.uniform(0.0, 0.5))
        self.scars = (float(random.uniform(-33, -27)), float(random.uniform(17, 21)))
        self.scar_strength = float(random.uniform(0.1, 0.7))
        self.effusion = float(np.clip(random.normal(0.7, 1.2), 0, 2.6))
        self.saturation_failure = float(min(random.lognormal(-0.9, 0.7), 1.5))
        self.oedema = [_spot(random, 8.0, 0.8) for _ in range(int(random.choice(3, p=(0.72, 0.18, 0.1))))]
        self.cysts = [_spot(random, 2.5, 1.0) for _ in range(int(random.choice(3, p=(0.75, 0.17, 0.08))))]
        self.tear = (int(random.choice((-1, 1))), float(random.uniform(-12, 18))) if random.random() < 0.35 else None
        self.chemical_shift = float(random.choice((-1, 1)) * random.uniform(0.2, 0.6))  # mm along the rows


def _shift(random: np.random.Generator) -> tuple[float, float]:
    return float(random.normal(0, 1.5)), float(random.normal(0, 1.5))


def _spot(random: np.random.Generator, size: float, strength: float) -> Spot:
    """Draw a lesion under the joint surface of the femur or the tibia."""
    side, down = (float(value) for value in random.choice((-1, 1), 2))
    y = 6 + 0.6 * size if down > 0 else -0.6 * size
    centre = (y, side * float(random.uniform(12, 30)), float(random.uniform(-15, 18)))
    radii = tuple(size * float(random.uniform(0.6, 1.4)) for _ in range(3))
    return Spot(centre, (radii[0], radii[1], radii[2]), strength * float(random.uniform(0.5, 1)))


def _branch(random: np.random.Generator, build: Build) -> Tube:
    """Draw a small vessel, mostly in the fat around the joint."""
    y, angle = float(random.uniform(-90, 90)), float(random.uniform(0, 2 * np.pi))
    reach = float(random.uniform(0.75, 1.12))
    x, z, radius = 48 * reach * np.cos(angle), 46 * reach * np.sin(angle), float(random.uniform(0.4, 1.0))
    lean_x, lean_z, length = float(random.normal(0, 0.5)), float(random.normal(0, 0.3)), float(random.uniform(5, 18))
    knots = [
        (
            y + step * length,
            x + lean_x * step * length + float(random.normal(0, 0.07)) * length,
            z + lean_z * step * length,
            size,
            radius,
        )
        for step, size in ((-1.0, -0.5), (-0.5, radius), (0.0, radius), (0.5, radius), (1.0, -0.5))
    ]
    return build.tube(knots)
