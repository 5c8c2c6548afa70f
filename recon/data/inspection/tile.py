"""One case of a contact sheet."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tile:
    """One case: images side by side on one grey scale (None where there is no target), and what they are.

    An image is grey (rows, columns), or in colour (rows, columns, 3) and in [0, 1].
    """

    images: tuple[Image | None, ...]
    range: tuple[float, float]
    name: str
    about: str = ""
    synthetic: bool = False
