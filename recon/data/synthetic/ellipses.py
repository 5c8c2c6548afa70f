"""dival's random ellipses as a second scene for CT."""

from collections.abc import Iterator

import numpy as np
from dival.datasets.ellipses_dataset import EllipsesDataset
from numpy.typing import NDArray

from recon.data.lodopab import Part

BRIGHTEST = 25.0  # 1/m, a little above water: dival's ellipses end at 1


def attenuations(
    size: int, part: Part, slices: range, patients: range, n_slices: int, seed: int
) -> Iterator[NDArray[np.float32]]:
    """Take slices of a part from `EllipsesDataset`, as attenuations in 1/m; there are no patients.

    They come in order, so that those before the first slice are drawn as well.
    """
    seeds = {part: int(np.random.SeedSequence((seed, patients.start)).generate_state(1)[0])}
    lengths = {f"{part}_len": slices.stop}
    dataset = EllipsesDataset(image_size=size, fixed_seeds=seeds, **lengths)
    for index, image in enumerate(dataset.generator(part)):
        if index in slices:
            yield np.asarray(image, np.float32) * np.float32(BRIGHTEST)
