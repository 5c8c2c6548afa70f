"""Angles around the body's axis: outlines as radius per angle, and their signed distances on a plane."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from recon.data.scenes.chest.plane import Plane
from recon.data.scenes.drawing import Image

Table = NDArray[np.float64]  # a value per angle, from the back over the right side and the front to the back

ANGLES: Table = np.linspace(-np.pi, np.pi, 721)
CENTRE = 8.0  # y of the axis around which angles are measured
EDGE = 0.9  # mm over which tissues blend: a scanner's blur


@dataclass(frozen=True, slots=True)
class Polar:
    """Each pixel's distance from the body's axis and its place in tables of angles."""

    radius: Image
    index: NDArray[np.intp]
    fraction: Image

    @classmethod
    def of(cls, plane: Plane) -> "Polar":
        """Measure a plane's pixels."""
        down = plane.y - np.float32(CENTRE)
        place = (np.arctan2(plane.x, -down) + np.float32(np.pi)) * np.float32(720 / (2 * np.pi))
        index = np.clip(place.astype(np.intp), 0, 719)
        return cls(np.sqrt(down * down + plane.x * plane.x), index, place - index.astype(np.float32))

    def lookup(self, table: Table) -> Image:
        """Give the table's value at each pixel's angle."""
        values = table.astype(np.float32)
        return values[:-1][self.index] + np.diff(values)[self.index] * self.fraction

    def distance(self, outline: Table) -> Image:
        """Give about the signed distance in mm to an outline given as radius per angle."""
        slope = np.gradient(outline, ANGLES) / outline
        steep = self.lookup(1 / np.sqrt(1 + slope**2))
        return (self.radius - self.lookup(outline)) * steep


def hill(turn: Table, middle: float, width: float) -> Table:
    """Give a soft hill of height 1 around an angle."""
    return np.exp(-(np.abs((turn - middle) / width) ** 2.6))


def smoothed(table: Table, width: float) -> Table:
    """Smooth a table around the circle, over `width` half degrees."""
    result: Table = gaussian_filter1d(table[:-1], width, mode="wrap")[np.arange(721) % 720]
    return result
