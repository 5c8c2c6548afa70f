"""One object: a shape at a place, turned, filled with a pattern in two colours, shaded, with a shadow below it."""

import math
from dataclasses import dataclass

import numpy as np

from recon.data.scenes.drawing import Grid, Image, inside, paint
from recon.data.scenes.objects.patterns import PATTERNS
from recon.data.scenes.objects.shapes import SHAPES

_SHADOW = 0.45  # how much of the light it takes
_AROUND = 0.4  # of the reach: how far from the shape its shadow is drawn


@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """An object, all lengths in pixels; `pattern` is None for one colour, `angle` and `grain` (its own) in radians."""

    shape: str
    pattern: str | None
    centre: tuple[float, float]
    reach: float
    angle: float
    colours: tuple[Image, Image]
    period: float
    grain: float
    phase: tuple[float, float]
    shadow: tuple[float, float] | None

    def distance(self, down: Image, right: Image) -> Image:
        """Give about the signed distance in pixels to the outline, negative inside."""
        v, u = _turned(down - np.float32(self.centre[0]), right - np.float32(self.centre[1]), self.angle)
        return SHAPES[self.shape](v / np.float32(self.reach), u / np.float32(self.reach)) * np.float32(self.reach)

    def paint(self, canvas: Image, grid: Grid) -> None:
        """Draw the object, with its shadow first, over a canvas (3, rows, columns) of the grid's fine pixels."""
        rows, columns = self.window(grid)
        down, right = grid.y[rows], grid.x[:, columns]
        part = canvas[:, rows, columns]
        if self.shadow is not None:
            dark = inside(self.distance(down - self.shadow[0], right - self.shadow[1]), 0.5 * self.reach)
            part *= 1 - np.float32(_SHADOW) * dark
        cover = inside(self.distance(down, right), grid.spacing / grid.oversampling)
        part[...] = paint(part, cover, self._filling(down, right))

    def window(self, grid: Grid) -> tuple[slice, slice]:
        """Give the fine rows and columns that the object and its shadow can reach."""
        reach = self.reach * (1 + _AROUND)
        rows = _between(grid.y[:, 0], self.centre[0] - reach, self.centre[0] + reach)
        return rows, _between(grid.x[0], self.centre[1] - reach, self.centre[1] + reach)

    def _filling(self, down: Image, right: Image) -> Image:
        v, u = down - np.float32(self.centre[0]), right - np.float32(self.centre[1])
        first, second = self.colours
        light = 1 - np.float32(0.13 / self.reach) * (v + u)  # comes from the upper left
        if self.pattern is None:
            return first * light
        along, across = _turned(v, u, self.grain)
        mix = PATTERNS[self.pattern](
            along / np.float32(self.period) + np.float32(self.phase[0]),
            across / np.float32(self.period) + np.float32(self.phase[1]),
        )
        return (first + mix * (second - first)) * light


def _turned(down: Image, right: Image, angle: float) -> tuple[Image, Image]:
    """Give the coordinates along axes that are turned by an angle."""
    cosine, sine = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    return cosine * down + sine * right, cosine * right - sine * down


def _between(centres: Image, low: float, high: float) -> slice:
    return slice(int(np.searchsorted(centres, low)), int(np.searchsorted(centres, high, side="right")))
