"""How far a run is: Lightning's progress bar with slices a second, and numbers for whoever follows it."""

import time
from collections.abc import Callable

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import TQDMProgressBar

from recon.training.task import AnyBatch


class SliceProgress(TQDMProgressBar):
    """A bar with the loss, the time left, and the slices (or images) a second of all processes together."""

    def __init__(self, *, refresh_rate: int = 1, noun: str = "slices") -> None:
        super().__init__(refresh_rate=refresh_rate)
        self._noun = noun
        self._seconds, self._slices, self._start = 0.0, 0, 0.0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule, *args: object) -> None:
        """Begin to count."""
        super().on_train_epoch_start(trainer, pl_module, *args)
        self._slices, self._start = 0, time.monotonic()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: object, batch: AnyBatch, batch_idx: int
    ) -> None:
        """Count a batch's slices."""
        self._slices += len(batch) * trainer.world_size
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)  # type: ignore[arg-type]

    def get_metrics(
        self, trainer: Trainer, pl_module: LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """Give what the bar shows."""
        metrics = super().get_metrics(trainer, pl_module)
        metrics.pop("v_num", None)
        elapsed = time.monotonic() - self._start
        if self._slices and elapsed > 0:
            metrics[f"{self._noun}/s"] = f"{self._slices / elapsed:.1f}"
        return metrics


class Followed(Callback):
    """Tells a function, after every step, how many steps are done, of how many, and in which epoch."""

    def __init__(self, told: Callable[[int, int, str], None]) -> None:
        self.told = told

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: object, batch: AnyBatch, batch_idx: int
    ) -> None:
        """Tell."""
        batches, epochs = int(trainer.num_training_batches), trainer.max_epochs or 1
        step = trainer.current_epoch * batches + batch_idx + 1
        self.told(step, epochs * batches, f"epoch {trainer.current_epoch + 1} of {epochs}")
