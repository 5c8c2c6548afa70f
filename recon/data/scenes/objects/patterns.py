"""What shapes are filled with: how much of the second of two colours, from 0 to 1, over (down, right) in periods."""

import math
from collections.abc import Callable

import numpy as np

from recon.data.scenes.drawing import Image

Pattern = Callable[[Image, Image], Image]


def striped(down: Image, right: Image) -> Image:
    """Straight stripes."""
    return _edged(np.sin(_TURN * down) + 0 * right)


def wavy(down: Image, right: Image) -> Image:
    """Stripes that bend to and fro."""
    return _edged(np.sin(_TURN * (down + np.float32(0.3) * np.sin(np.float32(0.45) * _TURN * right))))


def checked(down: Image, right: Image) -> Image:
    """A chessboard."""
    return _edged(2 * np.sin(_TURN * down / _ROOT) * np.sin(_TURN * right / _ROOT))


def dotted(down: Image, right: Image) -> Image:
    """Dots on a square lattice."""
    return _edged(np.cos(_TURN * down) + np.cos(_TURN * right) - np.float32(0.55))


def latticed(down: Image, right: Image) -> Image:
    """Thin lines both ways."""
    return _edged(2 * (np.maximum(np.cos(_TURN * down), np.cos(_TURN * right)) - np.float32(0.62)))


PATTERNS: dict[str, Pattern] = {pattern.__name__: pattern for pattern in (striped, wavy, checked, dotted, latticed)}

_TURN = np.float32(2 * math.pi)
_ROOT = np.float32(math.sqrt(2))  # the diagonals of the chessboard are as far apart as the stripes


def _edged(values: Image) -> Image:
    """Sharpen a wave around 0 into two flat levels with a soft edge between them."""
    return np.clip(np.float32(0.5) + np.float32(1.6) * values, 0, 1)
