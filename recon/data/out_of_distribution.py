"""Images of anything, scaled as a network's training data are: what it meets out of its distribution."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from recon.data.batches import Draw, draw_of
from recon.data.fastmri import CLAMP
from recon.data.images import GreyImage, ImageFolder
from recon.data.natural import natural_images
from recon.data.samples import Origin, Sample, Skipped, Slices
from recon.errors import ConfigError, DataError, require_at_least
from recon.ops.intensity import normalise


@dataclass(frozen=True, slots=True)
class Normalising:
    """As MRI inputs are: each image by its own mean and deviation, then clamped; `clamp=None` leaves the ends."""

    clamp: float | None = CLAMP


@dataclass(frozen=True, slots=True)
class Range:
    """As CT inputs are: black becomes the lowest and white the highest intensity of the training data."""

    lowest: float
    highest: float

    def __post_init__(self) -> None:
        """Refuse an empty range."""
        if not self.lowest < self.highest:
            raise ConfigError(f"lowest must be below highest, got {self.lowest} and {self.highest}")


class GreySlices(Slices):
    """Grey images as samples without targets; their scaling is undone to [0, 1]."""

    def __init__(self, images: Sequence[GreyImage], scaling: Normalising | Range) -> None:
        """Take the images as they are, read when asked for."""
        self.images, self.scaling = images, scaling

    def __len__(self) -> int:
        """Count the images."""
        return len(self.images)

    @property
    def groups(self) -> Sequence[range]:
        """All of them together: the images have one size."""
        return [range(len(self.images))]

    def __getitem__(self, key: int | Draw) -> Sample | Skipped:
        """Read and scale one image."""
        image = self.images[draw_of(key).index]
        values = torch.from_numpy(np.array(image.values))
        if isinstance(self.scaling, Range):
            scale = 1 / (self.scaling.highest - self.scaling.lowest)
            scaled, mean = values / scale + self.scaling.lowest, -self.scaling.lowest * scale
        else:
            scaled, mean_found, scale_found = normalise(values)
            mean, scale = mean_found.item(), scale_found.item()
            if self.scaling.clamp is not None:
                scaled = scaled.clamp(-self.scaling.clamp, self.scaling.clamp)
        origin = Origin("images", image.file, image.slice, image.file, "", synthetic=False)
        return Sample(scaled[None], None, mean, scale, 1.0, origin)


def grey_images(folder: Path | None, *, size: int, count: int | None = 1000) -> Sequence[GreyImage]:
    """Give the first images of a folder, or, where none is given, the photographs inside installed libraries."""
    return natural_images(size, count=count) if folder is None else ImageFolder(folder, size=size, count=count)


def range_of_targets(dataset: Slices, *, count: int = 64) -> Range:
    """Give the range of a data set's targets: the medians of their lowest and highest values, of `count` or all.

    The slices are spread evenly over the data set.
    """
    require_at_least(count, 1, name="count")
    picked = np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int))
    samples = [dataset[int(index)] for index in picked]
    targets = [sample.target for sample in samples if isinstance(sample, Sample) and sample.target is not None]
    if not targets:
        raise DataError("the data set must have targets to take their range from, got none")
    lowest = float(np.median([target.min().item() for target in targets]))
    return Range(lowest, float(np.median([target.max().item() for target in targets])))
