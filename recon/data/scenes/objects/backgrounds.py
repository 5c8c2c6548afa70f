"""What lies behind the objects: two colours that run into each other, soft clouds, and clutter of all kinds."""

import math

import numpy as np

from recon.data.scenes.drawing import Grid, Image, Texture
from recon.data.scenes.objects.colours import muted
from recon.data.scenes.objects.patterns import PATTERNS
from recon.data.scenes.objects.things import Thing

CLUTTER = ("bar", "half-moon", "cross", "blob")  # shapes that no class has; their patterns are those of the classes
_CLOUDS = 0.09  # deviation of the soft clouds


def background(random: np.random.Generator, grid: Grid) -> Image:
    """Draw a background over the grid's fine pixels, (3, rows, columns)."""
    side = grid.shape[0] * grid.spacing
    first = muted(random)
    second = muted(random, near=first)
    angle, width = random.uniform(0, 2 * math.pi), random.uniform(0.3, 0.8) * side
    along = (np.sin(angle) * grid.y + np.cos(angle) * grid.x).astype(np.float32) / np.float32(width)
    canvas = first + np.clip(along + np.float32(0.5), 0, 1) * (second - first)
    for scale in (side / 5, side / 13):
        canvas = canvas + np.float32(_CLOUDS) * Texture(random, scale, period=16).at(0.0, grid.y, grid.x)
    if random.uniform() < 0.5:
        canvas = canvas + _wallpaper(random, grid)
    for _ in range(random.integers(4, 9)):
        _piece(random, side).paint(canvas, grid)
    return canvas


def _wallpaper(random: np.random.Generator, grid: Grid) -> Image:
    """Draw a faint pattern all over."""
    angle, length = random.uniform(0, math.pi), random.uniform(0.1, 0.3) * grid.shape[0] * grid.spacing
    along = (np.cos(angle) * grid.y + np.sin(angle) * grid.x) / length + random.uniform()
    across = (np.cos(angle) * grid.x - np.sin(angle) * grid.y) / length + random.uniform()
    pattern = PATTERNS[str(random.choice(list(PATTERNS)))]
    return np.float32(random.uniform(0.05, 0.14)) * (pattern(along.astype(np.float32), across.astype(np.float32)) - 0.5)


def _piece(random: np.random.Generator, side: float) -> Thing:
    """Draw one piece of clutter, anywhere, with or without a pattern."""
    first = muted(random)
    return Thing(
        shape=str(random.choice(CLUTTER)),
        pattern=str(random.choice(list(PATTERNS))) if random.uniform() < 0.5 else None,
        centre=(float(random.uniform(-0.5, 0.5) * side), float(random.uniform(-0.5, 0.5) * side)),
        reach=float(random.uniform(0.1, 0.24) * side),
        angle=float(random.uniform(0, 2 * math.pi)),
        colours=(first, muted(random, near=first)),
        period=period(random, side),
        grain=float(random.uniform(0, 2 * math.pi)),
        phase=(float(random.uniform()), float(random.uniform())),
        shadow=None,
    )


def period(random: np.random.Generator, side: float) -> float:
    """Draw a pattern's period in pixels: some 4 in small pictures, more in larger ones, but not in proportion."""
    return float(random.uniform(3.4, 5.2) * math.sqrt(side / 32))
