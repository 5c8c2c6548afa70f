"""A run whose loss is no longer a number stops, and says where."""

import math
from pathlib import Path

from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from recon.data.samples import Batch
from recon.errors import ReconError


class DivergenceError(ReconError, ArithmeticError):
    """The loss became NaN or infinite."""


class StopAtDivergence(Callback):
    """Stops the run at a NaN or infinite loss, and names the step, the batch's slices and the last checkpoint."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: object, batch: Batch, batch_idx: int
    ) -> None:
        """Look at the loss."""
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        if not isinstance(loss, Tensor) or math.isfinite(loss.item()):
            return
        slices = "; ".join(map(str, batch.origins[:4]))
        more = f" and {len(batch) - 4} more" if len(batch) > 4 else ""
        last = self.folder / "last.ckpt"
        saved = f"the last good checkpoint is {last}" if last.exists() else "there is no checkpoint yet"
        raise DivergenceError(
            f"the loss must stay finite, got {loss.item()} at step {trainer.global_step} of epoch "
            f"{trainer.current_epoch} for {slices}{more}; {saved}. Lower the learning rate, clip gradients, or look at "
            f"the data with `recon data check`"
        )
