"""What is drawn at random for each training image: its mirroring, its circular shift, a part of it."""

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from recon.data.batches import Draw

_MOVES, _PARTS = 12, 13  # tell these random numbers from others with the same seed
_AREAS, _ASPECTS = (0.08, 1.0), (3 / 4, 4 / 3)  # of random parts: Szegedy et al. (2015), section 6
_TRIES = 10


@dataclass(frozen=True, slots=True)
class Move:
    """An image mirrored from left to right, or not, and then shifted circularly."""

    flip: bool
    shift: tuple[int, int]

    def __call__(self, image: Tensor) -> Tensor:
        """Move an image (..., H, W)."""
        return (image.flip(-1) if self.flip else image).roll(self.shift, dims=(-2, -1))


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How training images are moved; all that is random follows from the seed, the epoch and the index.

    Args:
        seed: of the data module.
        flip: whether every second one, at random, is mirrored from left to right.
        furthest: the furthest circular shift along each axis.
    """

    seed: int
    flip: bool = True
    furthest: int = 0

    def move(self, draw: Draw) -> Move:
        """Draw a move."""
        random = np.random.default_rng((self.seed, draw.epoch, draw.index, _MOVES))
        flip = bool(random.integers(2)) and self.flip
        rows, columns = random.integers(-self.furthest, self.furthest, size=2, endpoint=True).tolist()
        return Move(flip, (rows, columns))

    def random(self, draw: Draw) -> np.random.Generator:
        """Give random numbers for which part of an image is taken."""
        return np.random.default_rng((self.seed, draw.epoch, draw.index, _PARTS))


def random_part(size: tuple[int, int], random: np.random.Generator) -> tuple[int, int, int, int]:
    """Draw a part of an image of `size` (columns, rows): (left, top, right, bottom).

    Its area is uniform from 8 % to all of the image's, the logarithm of its width over its height uniform between those
    of 3/4 and 4/3. Where ten draws do not fit into the image, it is the largest middle part whose shape is allowed.
    """
    columns, rows = size
    for _ in range(_TRIES):
        area = columns * rows * random.uniform(*_AREAS)
        aspect = math.exp(random.uniform(math.log(_ASPECTS[0]), math.log(_ASPECTS[1])))
        width, height = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < width <= columns and 0 < height <= rows:
            left, top = (int(random.integers(rest, endpoint=True)) for rest in (columns - width, rows - height))
            return left, top, left + width, top + height
    width = min(columns, max(1, round(rows * _ASPECTS[1])))
    height = min(rows, max(1, round(columns / _ASPECTS[0])))
    left, top = (columns - width) // 2, (rows - height) // 2
    return left, top, left + width, top + height
