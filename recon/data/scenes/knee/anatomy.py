"""How one patient's knee departs from the tables of courses: sizes, fat, and how the limb is turned."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from recon.data.scenes.knee.courses import ENVELOPE, FASCIA, FAT, RETINACULUM, Knots
from recon.data.scenes.knee.tubes import Tube

Values = TypeVar("Values", float, NDArray[np.float64])


class Build:
    """How a patient's tubes differ from the table: sizes of bone and muscle, fat, and how the limb is turned."""

    def __init__(self, random: np.random.Generator) -> None:
        """Draw one patient's build."""
        self.muscle = float(random.uniform(0.88, 1.08))
        self.fat = float(np.clip(random.lognormal(np.log(9.0), 0.45), 3.5, 24))
        self.depth_scale = float(random.uniform(0.82, 0.91))
        self.turn = float(random.uniform(-0.14, 0.14))  # about the limb's axis: dz / dx
        self.tilt = float(random.uniform(-0.07, 0.07))  # leaning forwards: dz / dy
        self.bow = float(random.normal(0, 0.025))  # knock knees or bow legs: dx / dy below the joint

    def tube(self, knots: Knots, *, power: float = 2.0, size: float = 1.0, shift: tuple[float, float] = (0, 0)) -> Tube:
        """Shape a table's tube for this patient; `size` scales its radii, `shift` moves it by (x, z)."""
        table = np.asarray(knots, np.float64)
        y, x, z = table[:, 0], table[:, 1] + shift[0], table[:, 2] + shift[1]
        radii = np.where(table[:, 3:] > 0, table[:, 3:] * size, table[:, 3:])
        depth = self.depth(y, x, z)
        placed = np.column_stack([y, x + self.bow * y, depth, radii[:, 0], radii[:, 1] * self.depth_scale])
        return Tube(placed.tolist(), power=power)

    def depth(self, y: Values, x: Values, z: Values) -> Values:
        """Give the depth at which a point of the tables lies in this patient."""
        return self.depth_scale * (z + self.turn * x + self.tilt * y)

    def table_depth(self, z: float, *, y: float, x: float) -> float:
        """Give the table's z of what lies at (y, x) in a slice at depth z: the inverse of `depth`."""
        return z / self.depth_scale - self.turn * x - self.tilt * y

    def skin(self, depth: float) -> Tube:
        """Give the body's surface, `depth` mm below the skin."""
        table, fat = np.asarray(ENVELOPE, np.float64), np.asarray(FAT, np.float64)
        y = table[:, 0]
        medial, lateral, front, back = (
            np.maximum(self.fat * np.interp(y, fat[:, 0], column), 2.5) - depth for column in fat[:, 1:].T
        )
        width = table[:, 3] * (1 + 0.5 * (self.muscle - 1))
        knots = np.column_stack(
            [
                y,
                table[:, 1] + (lateral - medial) / 2,
                table[:, 2] + (back - front) / 2,
                width + (lateral + medial) / 2,
                table[:, 4] + (front + back) / 2,
            ]
        )
        return self.tube(knots.tolist(), power=2.3)

    def envelope(self, *, inner: bool = False) -> Tube:
        """Give the deep fascia: what the subcutaneous fat lies on; its inner side is deeper in the retinacula."""
        table = np.asarray(ENVELOPE, np.float64)
        table[:, 3] *= 1 + 0.5 * (self.muscle - 1)
        if inner:
            front = np.interp(table[:, 0], *np.asarray(RETINACULUM, np.float64).T)
            table[:, 3] -= FASCIA
            table[:, 4] -= FASCIA + front / 2
            table[:, 2] += front / 2
        return self.tube(table.tolist(), power=2.3)
