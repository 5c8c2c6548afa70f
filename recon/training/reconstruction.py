"""The training task of reconstruction: a network that turns inputs into targets."""

from typing import get_args

from torch import Tensor

from recon.data.samples import Batch
from recon.errors import ConfigError, require_known
from recon.nn.converted import Converted
from recon.nn.unet import UNet
from recon.training.losses import LossName, equivariance_loss, reconstruction_loss
from recon.training.task import AnyBatch, OptimizerName, ScheduleName, Task


class ReconstructionTask(Task):
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
        schedule: `step` multiplies the rate by `gamma` every `step_epochs` epochs, `milestones` at certain epochs;
            `cosine` lowers it to 0 over the run, epoch by epoch, `poly` as (1 - t)**0.9, step by step; `constant`.
        step_epochs: see `schedule`.
        milestones: see `schedule`.
        gamma: see `schedule`.
        temperature_end: the Gumbel-softmax temperature of learned samplings falls from 1 to this over the run.
        selection_lr: the rate of learned selections, where there are any, as a multiple of `lr`.
        channels_last: lay images and weights out channels last, which is faster on most devices.
        compile: compile the network with torch.compile.
    """

    def __init__(
        self,
        network: UNet | Converted,
        *,
        loss: LossName = "mse",
        equivariance_weight: float = 0.0,
        equivariance_range: int = 16,
        optimizer: OptimizerName = "adam",
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        schedule: ScheduleName = "step",
        step_epochs: int = 5,
        milestones: tuple[int, ...] = (),
        gamma: float = 0.5,
        temperature_end: float = 0.1,
        selection_lr: float = 1.0,
        channels_last: bool = False,
        compile: bool = False,
    ) -> None:
        super().__init__(
            network,
            optimizer=optimizer,
            lr=lr,
            weight_decay=weight_decay,
            schedule=schedule,
            step_epochs=step_epochs,
            milestones=milestones,
            gamma=gamma,
            temperature_end=temperature_end,
            selection_lr=selection_lr,
            channels_last=channels_last,
            compile=compile,
        )
        self.loss: LossName = require_known(loss, get_args(LossName), name="loss")  # type: ignore[assignment]
        self.equivariance_weight, self.equivariance_range = equivariance_weight, equivariance_range

    def loss_of(self, batch: Batch, output: Tensor) -> Tensor:
        """Give the difference from the targets."""
        return reconstruction_loss(self.loss, output, _target(batch), batch.data_range / batch.scale.flatten())

    def training_step(self, batch: AnyBatch, batch_idx: int) -> Tensor:
        """Give the loss of a batch, and what is added for an output that does not move with its input."""
        if not self.equivariance_weight:
            return super().training_step(batch, batch_idx)
        assert isinstance(batch, Batch)  # as the data module gives them
        output = self(batch.input)
        loss = self.loss_of(batch, output)
        apart = equivariance_loss(self, batch.input, output, furthest=self.equivariance_range)
        self.log("train/equivariance", apart.detach(), batch_size=len(batch))
        loss = loss + self.equivariance_weight * apart
        self.log("train/loss", loss.detach(), prog_bar=True, batch_size=len(batch))
        return loss


def _target(batch: Batch) -> Tensor:
    if batch.target is None:
        raise ConfigError("training data must have targets, got a part without; choose another part")
    return batch.target
