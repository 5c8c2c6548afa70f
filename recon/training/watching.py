"""What can be watched while a network trains: figures of merit and pictures of a fixed handful of validation slices."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor

from recon.data.samples import Batch, Sample, Slices, collate
from recon.errors import require_at_least
from recon.files import written_whole
from recon.metrics.equivariance import equivariance_error
from recon.metrics.quality import nmse, psnr, ssim

SHIFT = (5, 11)  # of the equivariance error while training: odd, so that it is none of the sampling's own periods
_SHOWN = 4


class Watch(Callback):
    """After each validation, measures the network on a fixed handful of validation slices, and shows the first ones.

    Logs the means of NMSE, PSNR, SSIM and of the equivariance error for one fixed shift, and draws input, output,
    target, error and shift error side by side into TensorBoard and `panels/`.

    Args:
        folder: the run's folder.
        slices: how many, spread evenly over the validation data.
    """

    def __init__(self, folder: Path, *, slices: int = 8) -> None:
        self.folder, self.slices = folder, require_at_least(slices, 1, name="slices")
        self._batch: Batch | None = None

    @torch.no_grad()
    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure, log and draw."""
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        if self._batch is None:
            self._batch = handful(trainer.datamodule.datasets["validation"], self.slices)  # type: ignore[attr-defined]
        batch = self._batch.to(pl_module.device)
        if batch.target is None:
            return
        output = pl_module(batch.input).float()
        found, target = batch.undo(output), batch.undo(batch.target)
        peak = batch.data_range
        measured = {
            "watch/nmse": nmse(found, target).mean(),
            "watch/psnr": psnr(found, target, peak).mean(),
            "watch/ssim": ssim(found, target, peak).mean(),
            "watch/equivariance": torch.tensor(equivariance_error(pl_module, batch.input, SHIFT).nmse),
        }
        pl_module.log_dict({name: value.float() for name, value in measured.items()}, rank_zero_only=True)
        if trainer.is_global_zero:
            self._draw(trainer, pl_module, batch, output)

    def _draw(self, trainer: Trainer, pl_module: LightningModule, batch: Batch, output: Tensor) -> None:
        shown = slice(0, _SHOWN)
        shifted = pl_module(batch.input[shown].roll(SHIFT, (-2, -1))).float()
        assert batch.target is not None
        columns = (
            batch.input[shown],
            output[shown],
            batch.target[shown],
            (output[shown] - batch.target[shown]).abs(),
            (shifted - output[shown].roll(SHIFT, (-2, -1))).abs(),
        )
        picture = panel([column[:, 0].cpu() for column in columns])
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image("watch", picture, trainer.global_step, dataformats="HW")
        with written_whole(self.folder / "panels" / f"epoch-{trainer.current_epoch:04d}.png") as path:
            Image.fromarray(picture).save(path, format="PNG")


def handful(dataset: Slices, count: int) -> Batch:
    """Give so many slices spread evenly over a data set; those near the ends of volumes, often blank, come last."""
    places = np.linspace(0, len(dataset) - 1, min(count, len(dataset)) + 2).round().astype(int)[1:-1]
    samples = [dataset[int(index)] for index in dict.fromkeys(places.tolist() or [0])]
    size = next(sample.input.shape for sample in samples if isinstance(sample, Sample))
    return collate([sample for sample in samples if isinstance(sample, Sample) and sample.input.shape == size])


def panel(columns: list[Tensor]) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Lay images (N, H, W) of input, output, target, error and shift error side by side, one row for each slice.

    The first three share the target's grey scale; both errors share one that ends at a fifth of it.
    """
    low, high = columns[2].amin((1, 2), keepdim=True), columns[2].amax((1, 2), keepdim=True)
    span = (high - low).clamp(min=1e-12)
    grey = [(column - low) / span for column in columns[:3]] + [5 * column / span for column in columns[3:]]
    rows = torch.cat([torch.nn.functional.pad(column.clamp(0, 1), (2, 2, 2, 2), value=1) for column in grey], dim=2)
    return (rows.flatten(0, 1) * 255).round().to(torch.uint8).numpy()
