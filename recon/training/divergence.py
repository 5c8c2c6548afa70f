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
        raise _diverged(f"the loss must stay finite, got {loss.item()}", f" for {slices}{more}", trainer, self.folder)


def require_finite_weights(module: LightningModule, trainer: Trainer, folder: Path) -> None:
    """Refuse to save a network whose weights are no longer numbers: the loss shows it only a step later."""
    if not all(bool(weights.isfinite().all()) for weights in module.parameters()):
        raise _diverged("the weights must stay finite, got NaN or infinite ones", "", trainer, folder)


def _diverged(what: str, where: str, trainer: Trainer, folder: Path) -> DivergenceError:
    last = folder / "last.ckpt"
    saved = f"the last good checkpoint is {last}" if last.exists() else "there is no checkpoint yet"
    return DivergenceError(
        f"{what} at step {trainer.global_step} of epoch {trainer.current_epoch}{where}; {saved}. Lower the learning "
        f"rate, clip gradients, or look at the data with `recon data check`"
    )
