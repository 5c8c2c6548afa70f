"""Whole pictures: objects of given classes in front of a background, and which pixel belongs to which class."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recon.data.scenes.drawing import Grid
from recon.data.scenes.objects.backgrounds import background, period
from recon.data.scenes.objects.classes import ObjectClass
from recon.data.scenes.objects.colours import vivid_pair
from recon.data.scenes.objects.things import Thing

NOT_JUDGED = 255  # as VOC marks the pixels along outlines
_BORDER = 1.0  # pixels on either side of an outline that are not judged
_TRIES = 60  # to find a place beside the other objects


@dataclass(frozen=True, slots=True)
class Look:
    """How hard a picture is to read: the objects' reach, the contrast of their patterns, the noise.

    The reach, and the margin along the picture's border that objects keep free, are shares of its side.
    """

    reach: tuple[float, float]
    margin: float = 0.0
    contrast: tuple[float, float] = (0.22, 0.55)
    noise: tuple[float, float] = (0.01, 0.06)
    oversampling: int = 2


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture (rows, columns, 3), and the number of each pixel's object (1, 2 ..; 0 background; 255 not judged)."""

    values: NDArray[np.uint8]
    owners: NDArray[np.uint8]
    classes: tuple[ObjectClass, ...]


def draw(random: np.random.Generator, classes: Sequence[ObjectClass], size: int, look: Look) -> Picture:
    """Draw a picture of size x size pixels with an object of each class given, wholly inside it.

    Objects that find no place are left out; there is always the first.
    """
    grid = Grid((size, size), 1.0, look.oversampling)
    canvas = background(random, grid)
    owners = np.zeros((size, size), np.uint8)
    things: list[Thing] = []
    shown: list[ObjectClass] = []
    for one in classes:
        thing = _placed(random, one, size, look, things)
        if thing is None:
            continue
        things.append(thing)
        shown.append(one)
        thing.paint(canvas, grid)
        _own(owners, thing, len(things), size)
    values = np.stack([grid.average(channel) for channel in canvas], axis=-1)
    values += np.float32(random.uniform(*look.noise)) * random.standard_normal(values.shape, dtype=np.float32)
    return Picture(np.round(255 * values.clip(0, 1)).astype(np.uint8), owners, tuple(shown))


def _placed(
    random: np.random.Generator, one: ObjectClass, size: int, look: Look, others: Sequence[Thing]
) -> Thing | None:
    """Draw an object that lies inside the picture and hides little of the others; None if there is no such place."""
    for _ in range(_TRIES):
        reach = float(random.uniform(*look.reach) * size)
        room = (0.5 - look.margin) * size - reach
        centre = (float(random.uniform(-room, room)), float(random.uniform(-room, room)))
        if all(math.dist(centre, other.centre) > 0.78 * (reach + other.reach) for other in others):
            return _thing(random, one, size, look, centre=centre, reach=reach)
    return None


def _thing(
    random: np.random.Generator,
    one: ObjectClass,
    size: int,
    look: Look,
    *,
    centre: tuple[float, float],
    reach: float,
) -> Thing:
    far = 0.12 * reach
    return Thing(
        shape=one.shape,
        pattern=one.pattern,
        centre=centre,
        reach=reach,
        angle=float(random.uniform(0, 2 * math.pi)),
        colours=vivid_pair(random, look.contrast),
        period=period(random, size),
        grain=float(random.uniform(0, 2 * math.pi)),
        phase=(float(random.uniform()), float(random.uniform())),
        shadow=(far, far),
    )


def _own(owners: NDArray[np.uint8], thing: Thing, number: int, size: int) -> None:
    """Give an object its pixels, by their centres, and leave those along its outline to nobody."""
    pixels = Grid((size, size), 1.0, oversampling=1)
    rows, columns = thing.window(pixels)
    distance = thing.distance(pixels.y[rows], pixels.x[:, columns])
    part = owners[rows, columns]
    part[distance < 0] = number
    part[np.abs(distance) < _BORDER] = NOT_JUDGED
