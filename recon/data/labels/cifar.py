"""CIFAR-10's images and classes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from recon.data.batches import Draw, draw_of
from recon.data.labels.augmentation import Augmentation
from recon.data.labels.choosing import Rows
from recon.data.labels.cifar_files import CIFARBatch, CIFARFolder
from recon.data.labels.names import CIFAR10_DEVIATION, CIFAR10_MEAN
from recon.data.labels.pictures import normalised
from recon.data.labels.samples import Labelled, LabelledSample, require_index
from recon.data.samples import Origin
from recon.data.scanning import OnBadFile, warn_of_skipped
from recon.errors import DataError


class CIFAR10Images(Labelled):
    """Some of the images of batches, normalised by the mean and deviation of CIFAR-10; they stay in memory as bytes."""

    def __init__(
        self,
        folder: CIFARFolder,
        batches: Sequence[CIFARBatch],
        *,
        rows: Rows | None = None,
        augmentation: Augmentation | None = None,
    ) -> None:
        """Take the images with the given numbers among all of the batches'; None takes all."""
        self.classes, self.synthetic = folder.classes, folder.synthetic
        self.batches, self.augmentation = tuple(batches), augmentation
        self._ends = np.cumsum([len(batch.labels) for batch in batches])
        self.rows = np.arange(self._ends[-1]) if rows is None else rows

    def __len__(self) -> int:
        """Count the images."""
        return len(self.rows)

    @property
    def files(self) -> Sequence[Path]:
        """The batches' files."""
        return [batch.path for batch in self.batches]

    def __getitem__(self, key: int | Draw) -> LabelledSample:
        """Give one image and its class; in training it may be mirrored and shifted."""
        draw = draw_of(key)
        row = int(self.rows[require_index(draw.index, len(self))])
        number = int(np.searchsorted(self._ends, row, side="right"))
        batch = self.batches[number]
        place = row - int(self._ends[number]) + len(batch.labels)
        image = normalised(batch.images[place], CIFAR10_MEAN, CIFAR10_DEVIATION)
        if self.augmentation is not None:
            image = self.augmentation.move(draw)(image)
        origin = Origin("CIFAR-10", batch.path.name, place, "", "", self.synthetic)
        return LabelledSample(image, torch.tensor(int(batch.labels[place])), origin)


def read_batches(folder: CIFARFolder, names: Sequence[str], on_bad_file: OnBadFile) -> list[CIFARBatch]:
    """Read batches by their names; those that cannot be read are an error, or left out with a warning."""
    found, skipped = [], []
    for name in names:
        try:
            found.append(folder.read(name))
        except DataError as error:
            if on_bad_file == "error":
                raise
            skipped.append(str(error))
    if not found:
        raise DataError(f"{folder.path} must have a readable batch among {', '.join(names)}, got none: {skipped[0]}")
    warn_of_skipped(skipped)
    return found


def labels_of(batches: Sequence[CIFARBatch]) -> Rows:
    """Give the classes of all images of batches."""
    return np.concatenate([batch.labels for batch in batches])
