"""The training task: a network that turns inputs into targets."""

from typing import Any, Literal, get_args

import numpy as np
import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LRScheduler, StepLR

from recon.data.samples import Batch, Slices
from recon.errors import ConfigError, DataError, require_known
from recon.nn.selectors import temperature_at
from recon.nn.unet import UNet
from recon.training.losses import LossName, equivariance_loss, reconstruction_loss

OptimizerName = Literal["adam", "adamw", "sgd"]
ScheduleName = Literal["step", "cosine", "constant"]

RESUME_FORMAT = 1  # of what a checkpoint says of its network


class ReconstructionTask(LightningModule):
    """Train a network on pairs of inputs and targets.

    Args:
        network: the network.
        loss: `mse` as in the APS paper, `l1`, or `ssim` (1 - SSIM as fastMRI has it).
        equivariance_weight: adds so many times the mean squared difference between the output of a shifted input and
            the shifted output; 0 leaves it out, and saves the second pass that it costs.
        equivariance_range: the furthest that the input is shifted for it, along each axis.
        optimizer: `adam`, `adamw` or `sgd` (with momentum 0.9).
        lr: the learning rate to begin with.
        weight_decay: of the optimiser.
        schedule: `step` multiplies the rate by `gamma` every `step_epochs` epochs, `cosine` lowers it to 0 over the
            run, `constant` leaves it.
        step_epochs: see `schedule`.
        gamma: see `schedule`.
        temperature_end: the Gumbel-softmax temperature of learned samplings falls from 1 to this over the run.
        channels_last: lay images and weights out channels last, which is faster on most devices.
        compile: compile the network with torch.compile.
    """

    def __init__(
        self,
        network: UNet,
        *,
        loss: LossName = "mse",
        equivariance_weight: float = 0.0,
        equivariance_range: int = 16,
        optimizer: OptimizerName = "adam",
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        schedule: ScheduleName = "step",
        step_epochs: int = 5,
        gamma: float = 0.5,
        temperature_end: float = 0.1,
        channels_last: bool = False,
        compile: bool = False,
    ) -> None:
        super().__init__()
        self.loss: LossName = require_known(loss, get_args(LossName), name="loss")  # type: ignore[assignment]
        self.optimizer = require_known(optimizer, get_args(OptimizerName), name="optimizer")
        self.schedule = require_known(schedule, get_args(ScheduleName), name="schedule")
        if not lr > 0:
            raise ConfigError(f"lr must be positive, got {lr}")
        self.lr, self.weight_decay = lr, weight_decay
        self.step_epochs, self.gamma = step_epochs, gamma
        self.equivariance_weight, self.equivariance_range = equivariance_weight, equivariance_range
        self.temperature_end = temperature_end
        self.channels_last = channels_last
        self.network = network.to(memory_format=torch.channels_last) if channels_last else network
        if compile:
            self.network.compile()
        self.steps_seed = 0
        self._validated = torch.zeros(2)

    def forward(self, inputs: Tensor) -> Tensor:
        """Reconstruct (B, C, H, W)."""
        if self.channels_last:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        output: Tensor = self.network(inputs)
        return output

    def on_fit_start(self) -> None:
        """Refuse more processes than can take part in the validation."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        require_share(data.datasets["validation"], self.trainer.world_size)

    def on_train_epoch_start(self) -> None:
        """Lower the temperature of learned samplings."""
        epochs = max(self.trainer.max_epochs or 1, 1)
        progress = self.current_epoch / max(epochs - 1, 1)
        self.network.set_temperature(temperature_at(progress, end=self.temperature_end))

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Let what is random in a step follow from the seed, the step and the process: a resumed run draws alike."""
        key = (self.steps_seed, self.current_epoch, batch_idx, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Give the loss of a batch."""
        output = self(batch.input)
        loss = reconstruction_loss(self.loss, output, _target(batch), batch.data_range / batch.scale.flatten())
        if self.equivariance_weight:
            apart = equivariance_loss(self, batch.input, output, furthest=self.equivariance_range)
            self.log("train/equivariance", apart.detach(), batch_size=len(batch))
            loss = loss + self.equivariance_weight * apart
        self.log("train/loss", loss.detach(), prog_bar=True, batch_size=len(batch))
        return loss

    def on_validation_epoch_start(self) -> None:
        """Begin to add up."""
        self._validated = torch.zeros(2, device=self.device)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add up the loss of a batch, weighted by its size."""
        output = self(batch.input)
        loss = reconstruction_loss(self.loss, output, _target(batch), batch.data_range / batch.scale.flatten())
        self._validated += torch.stack((loss * len(batch), torch.full_like(loss, len(batch))))

    def on_validation_epoch_end(self) -> None:
        """Log the mean over the slices of all processes (Lightning's own rounds the mean of their counts)."""
        total, count = self.trainer.strategy.reduce(self._validated, reduce_op="sum")
        self.log("val/loss", total / count, prog_bar=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Give the optimiser and its schedule, which steps once an epoch."""
        optimizer = self._optimizer()
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": self._scheduler(optimizer), "name": "lr"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Note which network the state is of."""
        checkpoint["recon"] = {"format": RESUME_FORMAT, "network": self.network.arguments}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the state of another network, and of a newer recon."""
        about = checkpoint.get("recon", {})
        if about.get("format", 0) > RESUME_FORMAT:
            raise DataError(
                f"the checkpoint is of format {about['format']}, and this recon knows up to {RESUME_FORMAT}; "
                f"update recon"
            )
        saved, wanted = about.get("network", {}), self.network.arguments
        different = [
            f"{name} {saved.get(name)!r}, not {wanted[name]!r}" for name in wanted if saved.get(name) != wanted[name]
        ]
        if different:
            raise DataError(
                f"the checkpoint must be of the network of this run, got one with {'; '.join(different)}; leave the "
                f"network as it was, or begin a new run"
            )

    def _optimizer(self) -> Optimizer:
        weights, lr, decay = self.network.parameters(), self.lr, self.weight_decay
        if self.optimizer == "sgd":
            return SGD(weights, lr=lr, momentum=0.9, weight_decay=decay)
        return (Adam if self.optimizer == "adam" else AdamW)(weights, lr=lr, weight_decay=decay)

    def _scheduler(self, optimizer: Optimizer) -> LRScheduler:
        if self.schedule == "step":
            return StepLR(optimizer, self.step_epochs, self.gamma)
        if self.schedule == "cosine":
            return CosineAnnealingLR(optimizer, max(self.trainer.max_epochs or 1, 1))
        return ConstantLR(optimizer, factor=1.0)


def require_share(validation: Slices, processes: int) -> None:
    """Refuse to validate in processes that would have nothing to do, for which the others would wait for ever."""
    if len(validation.groups) < processes:
        raise ConfigError(
            f"there must be at least one validation volume or file for each process, got {len(validation.groups)} for "
            f"{processes}; use fewer devices"
        )


def _target(batch: Batch) -> Tensor:
    if batch.target is None:
        raise ConfigError("training data must have targets, got a part without; choose another part")
    return batch.target
