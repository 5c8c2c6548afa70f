"""Checkpoints that are whole or not there, from which a run goes on to the very same end."""

import contextlib
import copy
import os
import signal
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO
from torch import Tensor

from recon import checkpoints
from recon.errors import ConfigError, DataError, require_at_least
from recon.records import Word
from recon.training.divergence import require_finite_weights
from recon.training.run_folder import data_description, training_description
from recon.training.task import AnyBatch, Task

RESUME_STATE = "last.ckpt"


class WholeCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its place, flushes it to the disk and renames it; loads nothing but plain values."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: object = None) -> None:
        """Write a checkpoint; the one that was there stays until the new one is whole."""
        partial = Path(f"{path}.{os.getpid()}.partial")
        try:
            partial.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except (OSError, RuntimeError) as error:  # torch's writer turns a full disk into a RuntimeError
            raise DataError(
                f"the checkpoint {path} cannot be written: {error}; the one before is whole. Make room, and go on with "
                f"--resume"
            ) from error
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any = None,  # noqa: ANN401
        weights_only: bool | None = True,
    ) -> dict[str, Any]:
        """Read a checkpoint without unpickling anything but tensors and plain values."""
        try:
            loaded: dict[str, Any] = torch.load(path, map_location=map_location or "cpu", weights_only=True)
        except FileNotFoundError as error:
            raise DataError(f"{path} must be a checkpoint to resume from, got nothing there") from error
        except Exception as error:
            raise DataError(f"{path} must be a whole checkpoint, got one that cannot be read: {error}") from error
        return loaded


class Checkpoints(Checkpoint):
    """Keeps `last` and `best`: the network as safetensors, and beside it Lightning's state to resume from.

    `last` is written every `every_steps` steps (or `every_seconds`, whichever comes first), after each epoch, and when
    the run is asked to stop by Ctrl-C, SIGTERM or `SIGUSR1`; `best` when the validation's loss is the lowest so far.

    Args:
        folder: where to.
        every_steps: steps between two saves within an epoch; 0 saves by time alone.
        every_seconds: seconds between two saves within an epoch; 0 saves by steps alone.
        monitor: what is to be low.
    """

    def __init__(
        self, folder: Path, *, every_steps: int = 0, every_seconds: float = 600.0, monitor: str = "val/loss"
    ) -> None:
        self.folder = folder
        self.every_steps = require_at_least(every_steps, 0, name="every_steps")
        if every_seconds < 0:
            raise ConfigError(f"every_seconds must not be negative, got {every_seconds}")
        self.every_seconds, self.monitor = every_seconds, monitor
        self.best: float | None = None
        self.stop = StopRequest()
        self._weights: dict[str, Tensor] = {}
        self._saved_at = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        """Give the lowest value so far."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the lowest value so far."""
        self.best = state_dict["best"]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to listen for requests to stop (after Lightning did), and clear away what a killed run left half."""
        self._saved_at = time.monotonic()
        self.stop.listen()
        if trainer.is_global_zero:
            for partial in self.folder.glob("*.partial"):
                partial.unlink(missing_ok=True)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: object, batch: AnyBatch, batch_idx: int
    ) -> None:
        """Save if it is time to, or if the run is asked to stop."""
        if trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            return  # the epoch's end saves, after the validation
        if (batch_idx + 1) % trainer.accumulate_grad_batches:
            return  # gradients that are still gathered would be lost
        by_steps = self.every_steps > 0 and trainer.global_step % self.every_steps == 0
        by_time = self.every_seconds > 0 and time.monotonic() - self._saved_at >= self.every_seconds
        if trainer.strategy.reduce_boolean_decision(self.stop.requested or by_steps or by_time, all=False):
            self.save(trainer, pl_module, "last")
            self._stop_if_asked(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the best network so far."""
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        found = trainer.callback_metrics.get(self.monitor)
        if found is not None and (self.best is None or found.item() < self.best):
            self.best = found.item()
            self.save(trainer, pl_module, "best")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save at the end of an epoch."""
        self.save(trainer, pl_module, "last")
        self._stop_if_asked(trainer)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Take the network's weights as they are saved (averaged, if they are): they go into a file of their own."""
        prefix = "network."
        weights = checkpoint["state_dict"]
        self._weights = {name.removeprefix(prefix): weights[name] for name in weights if name.startswith(prefix)}

    def save(self, trainer: Trainer, pl_module: LightningModule, name: str) -> None:
        """Write Lightning's state and the network of this moment."""
        require_finite_weights(pl_module, trainer, self.folder)
        for logger in trainer.loggers:
            logger.save()  # what was logged until here is kept with it
        trainer.save_checkpoint(self.folder / f"{name}.ckpt", weights_only=False)
        if trainer.is_global_zero:
            assert isinstance(pl_module, Task)
            network = copy.deepcopy(pl_module.network).to("cpu")
            network.load_state_dict({key: value.cpu() for key, value in self._weights.items()})
            about: dict[str, Word] = {
                "epoch": trainer.current_epoch,
                "step": trainer.global_step,
                "data": data_description(trainer),
                "training": training_description(trainer, pl_module),
            }
            checkpoints.save(network, self.folder / f"{name}.safetensors", about=about)
        self._weights = {}
        self._saved_at = time.monotonic()

    def _stop_if_asked(self, trainer: Trainer) -> None:
        asked = torch.tensor(self.stop.number, device=trainer.strategy.root_device)
        number = int(trainer.strategy.reduce(asked, reduce_op="max"))  # one process may be asked alone
        if number:
            raise StoppedError(self.folder.parent, number)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Stop listening."""
        self.stop.leave()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Stop listening; Lightning tears nothing down after an error."""
        self.stop.leave()


class StoppedError(Exception):
    """The run was asked to stop by a signal, and is saved; `status` is the exit status that says so."""

    def __init__(self, run: Path, number: int) -> None:
        reason = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        super().__init__(f"stopped by {reason}; the run is saved, go on with: recon train --resume {run}")
        self.status = 128 + number


class StopRequest:
    """Whether the process has been asked to stop: by Ctrl-C (a second one stops at once), SIGTERM or SIGUSR1."""

    def __init__(self) -> None:
        self.number = 0
        self._before: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether a signal came."""
        return self.number > 0

    def listen(self) -> None:
        """Take over the signals; only a process's main thread can."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
                self._before[number] = signal.signal(number, self._note)

    def leave(self) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.number = number
