"""Chests drawn for CT: one random patient after the other, slice by slice."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from recon.data.lodopab import Part
from recon.data.scenes.chest import Chest
from recon.data.scenes.drawing import Grid

FIELD = 260.0  # mm: height and width of LoDoPaB's images
BLUR = 0.5  # mm: deviation of the blur that the scan behind a ground truth has (1.2 mm across at half height)


def attenuations(
    size: int, part: Part, slices: range, patients: range, n_slices: int, seed: int
) -> Iterator[NDArray[np.float32]]:
    """Draw the attenuation in 1/m of slices of a part's patients, (size, size)."""
    grid = Grid((size, size), FIELD / size, oversampling=1)
    number, chest = -1, None
    for index in slices:
        if chest is None or patients[index // n_slices] != number:
            number = patients[index // n_slices]
            chest = Chest(np.random.default_rng((seed, number)))
        z = ((index % n_slices + 0.5) / n_slices - 0.5) * chest.depth
        yield gaussian_filter(chest.slice(z, grid), BLUR * size / FIELD)
