"""What can be watched while a classifier or segmenter trains: how its labels change under one fixed shift."""

from pathlib import Path

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from recon.data.labels.samples import Labelled, LabelledBatch, collate_labelled
from recon.errors import require_at_least
from recon.ops.periodic import roll_images

SHIFT = (5, 11)  # odd, so that it is none of the sampling's own periods


class WatchLabels(Callback):
    """After each validation, logs the share of labels that one circular shift leaves as they are, on a fixed handful.

    Args:
        folder: the run's folder.
        images: how many, spread evenly over the validation data.
    """

    def __init__(self, folder: Path, *, images: int = 64) -> None:
        self.folder, self.images = folder, require_at_least(images, 1, name="images")
        self._batch: LabelledBatch | None = None

    @torch.no_grad()
    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure and log."""
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        if self._batch is None:
            self._batch = handful(trainer.datamodule.datasets["validation"], self.images)  # type: ignore[attr-defined]
        images = self._batch.input.to(pl_module.device)
        before = pl_module(images).argmax(1)
        after = pl_module(roll_images(images, SHIFT)).argmax(1)
        moved = roll_images(before[:, None], SHIFT)[:, 0] if before.ndim == images.ndim - 1 else before
        pl_module.log("watch/consistency", (after == moved).float().mean(), rank_zero_only=True, prog_bar=True)


def handful(dataset: Labelled, count: int) -> LabelledBatch:
    """Give so many images spread evenly over a data set."""
    places = np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int)
    return collate_labelled([dataset[int(index)] for index in dict.fromkeys(places.tolist())])
