"""What every training task shares: a network, an optimiser and schedule, steps that repeat exactly, a validation."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypeAlias, get_args

import numpy as np
import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LambdaLR, LRScheduler, MultiStepLR, StepLR

from recon.data.datamodule import Grouped
from recon.errors import ConfigError, DataError, require_known
from recon.nn.converted import Converted
from recon.nn.labels import Classifier, Segmenter
from recon.nn.selectors import LearnedSelector, temperature_at
from recon.nn.unet import UNet
from recon.records import Word

Network: TypeAlias = UNet | Classifier | Segmenter | Converted
OptimizerName = Literal["adam", "adamw", "sgd"]
ScheduleName = Literal["step", "milestones", "cosine", "poly", "constant"]

MOMENTUM = 0.9
RESUME_FORMAT = 1  # of what a checkpoint says of its network

_POWER = 0.9  # of the polynomial schedule


class AnyBatch(Protocol):
    """What a task needs of a batch."""

    @property
    def input(self) -> Tensor:
        """The images (B, C, H, W)."""

    def __len__(self) -> int:
        """Count the images."""


class Task(LightningModule, ABC):
    """Train a network; what it is trained for says the `loss` of a subclass.

    Args:
        network: the network.
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
        network: Network,
        *,
        optimizer: OptimizerName,
        lr: float,
        weight_decay: float,
        schedule: ScheduleName,
        step_epochs: int,
        milestones: tuple[int, ...],
        gamma: float,
        temperature_end: float,
        selection_lr: float,
        channels_last: bool,
        compile: bool,
    ) -> None:
        super().__init__()
        self.optimizer = require_known(optimizer, get_args(OptimizerName), name="optimizer")
        self.schedule = require_known(schedule, get_args(ScheduleName), name="schedule")
        if not lr > 0:
            raise ConfigError(f"lr must be positive, got {lr}")
        self.lr, self.weight_decay = lr, weight_decay
        self.step_epochs, self.milestones, self.gamma = step_epochs, tuple(milestones), gamma
        if not selection_lr >= 0:
            raise ConfigError(f"selection_lr must not be negative, got {selection_lr}")
        self.temperature_end, self.selection_lr = temperature_end, selection_lr
        self.channels_last = channels_last
        self.network = network.to(memory_format=torch.channels_last) if channels_last else network
        if compile:
            self.network.compile()
        self.steps_seed = 0
        self.start: dict[str, Word] = {}  # whose weights the network began with
        self._validated = torch.zeros(2)

    @abstractmethod
    def loss_of(self, batch: Any, output: Tensor) -> Tensor:  # noqa: ANN401  # each task has its own kind of batch
        """Give the loss of a batch's output, a mean over its images."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Give the network's output for (B, C, H, W)."""
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

    def on_train_batch_start(self, batch: AnyBatch, batch_idx: int) -> None:
        """Let what is random in a step follow from the seed, the step and the process: a resumed run draws alike."""
        key = (self.steps_seed, self.current_epoch, batch_idx, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))

    def training_step(self, batch: AnyBatch, batch_idx: int) -> Tensor:
        """Give the loss of a batch."""
        loss = self.loss_of(batch, self(batch.input))
        self.log("train/loss", loss.detach(), prog_bar=True, batch_size=len(batch))
        return loss

    def on_validation_epoch_start(self) -> None:
        """Begin to add up."""
        self._validated = torch.zeros(2, device=self.device)

    def validation_step(self, batch: AnyBatch, batch_idx: int) -> None:
        """Add up the loss of a batch, weighted by its size."""
        self.validated(batch, self(batch.input))

    def validated(self, batch: AnyBatch, output: Tensor) -> None:
        """Add up what a batch's output is worth."""
        loss = self.loss_of(batch, output)
        self._validated += torch.stack((loss * len(batch), torch.full_like(loss, len(batch))))

    def on_validation_epoch_end(self) -> None:
        """Log the mean over the images of all processes (Lightning's own rounds the mean of their counts)."""
        total, count = self.trainer.strategy.reduce(self._validated, reduce_op="sum")
        self.log("val/loss", total / count, prog_bar=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Give the optimiser and its schedule, which steps once an epoch, or once a step."""
        optimizer = self._optimizer()
        interval = "step" if self.schedule == "poly" else "epoch"
        scheduler = self._scheduler(optimizer)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "name": "lr", "interval": interval}}

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

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Give the weights that are trained, in groups of one rate each."""
        return self.grouped(list(self.network.parameters()), self.lr)

    def grouped(self, weights: Sequence[nn.Parameter], rate: float) -> list[dict[str, Any]]:
        """Give weights that have the same rate, but for those of learned selections among them."""
        if self.selection_lr == 1:
            return [{"params": list(weights), "lr": rate}]
        selections = [module for module in self.network.modules() if isinstance(module, LearnedSelector)]
        chosen = {id(weight) for module in selections for weight in module.parameters()}
        groups = [
            {"params": [weight for weight in weights if id(weight) not in chosen], "lr": rate},
            {"params": [weight for weight in weights if id(weight) in chosen], "lr": rate * self.selection_lr},
        ]
        return [group for group in groups if group["params"]]

    def _optimizer(self) -> Optimizer:
        groups, lr, decay = self.parameter_groups(), self.lr, self.weight_decay
        if self.optimizer == "sgd":
            return SGD(groups, lr=lr, momentum=MOMENTUM, weight_decay=decay)
        return (Adam if self.optimizer == "adam" else AdamW)(groups, lr=lr, weight_decay=decay)

    def _scheduler(self, optimizer: Optimizer) -> LRScheduler:
        if self.schedule == "step":
            return StepLR(optimizer, self.step_epochs, self.gamma)
        if self.schedule == "milestones":
            return MultiStepLR(optimizer, list(self.milestones), self.gamma)
        if self.schedule == "cosine":
            return CosineAnnealingLR(optimizer, max(self.trainer.max_epochs or 1, 1))
        if self.schedule == "poly":
            steps = max(int(self.trainer.estimated_stepping_batches), 1)
            return LambdaLR(optimizer, lambda step: max(1 - step / steps, 0) ** _POWER)
        return ConstantLR(optimizer, factor=1.0)


def require_share(validation: Grouped, processes: int) -> None:
    """Refuse to validate in processes that would have nothing to do, for which the others would wait for ever."""
    if len(validation.groups) < processes:
        raise ConfigError(
            f"there must be at least one validation volume or file for each process, got {len(validation.groups)} for "
            f"{processes}; use fewer devices"
        )
