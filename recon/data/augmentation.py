"""Shift augmentation: training slices moved circularly by random amounts, input and target alike."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from recon.data.batches import Draw, draw_of
from recon.data.samples import Sample, Skipped, Slices
from recon.errors import require_at_least

_SHIFTS = 7  # tells these random numbers from others with the same seed


class ShiftedSlices(Slices):
    """Another data set whose slices are rolled by whole pixels, uniformly from -furthest to furthest on both axes.

    As in the baseline with data augmentation of Chaman and Dokmanic (2021), whose range is 16. What is drawn follows
    from the seed, the epoch and the index.
    """

    def __init__(self, slices: Slices, *, furthest: int = 16, seed: int = 0) -> None:
        """Move the slices of a data set."""
        self.slices, self.seed = slices, seed
        self.furthest = require_at_least(furthest, 0, name="furthest")

    def __len__(self) -> int:
        """Count the slices."""
        return len(self.slices)

    @property
    def groups(self) -> Sequence[range]:
        """The groups of the data set."""
        return self.slices.groups

    def __getitem__(self, key: int | Draw) -> Sample | Skipped:
        """Read a slice and move it."""
        draw = draw_of(key)
        sample = self.slices[draw]
        if isinstance(sample, Skipped):
            return sample
        random = np.random.default_rng((self.seed, draw.epoch, draw.index, _SHIFTS))
        rows, columns = random.integers(-self.furthest, self.furthest, size=2, endpoint=True).tolist()

        def moved(image: Tensor) -> Tensor:
            return image.roll((rows, columns), dims=(-2, -1))

        return replace(
            sample, input=moved(sample.input), target=None if sample.target is None else moved(sample.target)
        )
