"""The training task of classifiers and segmenters: a network that gives a label to an image, or to each pixel."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from recon.data.labels.samples import IGNORED, LabelledBatch
from recon.errors import ConfigError
from recon.metrics.labels import confusion_matrix, mean_iou
from recon.nn.converted import Converted
from recon.nn.labels import Classifier, Segmenter
from recon.training.task import AnyBatch, OptimizerName, ScheduleName, Task

_NEVER = -100  # no label
_BACKBONE = "backbone"  # in the names of a segmenter's weights


class LabelTask(Task):
    """Train a classifier or a segmenter by cross-entropy; the defaults are those of MASS on CIFAR-10.

    Args:
        network: from images to logits (B, K) or (B, K, H, W).
        label_smoothing: how much of the target's probability is shared out to all labels.
        backbone_lr: the rate of a segmenter's backbone, as a multiple of `lr`.
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

    loss = "cross-entropy"
    equivariance_weight = 0.0

    def __init__(
        self,
        network: Classifier | Segmenter | Converted,
        *,
        label_smoothing: float = 0.0,
        backbone_lr: float = 1.0,
        optimizer: OptimizerName = "sgd",
        lr: float = 0.2,
        weight_decay: float = 5e-4,
        schedule: ScheduleName = "cosine",
        step_epochs: int = 30,
        milestones: tuple[int, ...] = (),
        gamma: float = 0.1,
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
        if not 0 <= label_smoothing < 1:
            raise ConfigError(f"label_smoothing must be at least 0 and less than 1, got {label_smoothing}")
        if not backbone_lr >= 0:
            raise ConfigError(f"backbone_lr must not be negative, got {backbone_lr}")
        self.label_smoothing, self.backbone_lr = label_smoothing, backbone_lr
        self._confusion = torch.zeros(0)

    def loss_of(self, batch: LabelledBatch, output: Tensor) -> Tensor:
        """Give the cross-entropy: the mean over images, or over all pixels that are judged."""
        _require_logits(batch, output)
        ignored = _ignored(batch)
        loss = F.cross_entropy(
            output.float(), batch.target, ignore_index=ignored, label_smoothing=self.label_smoothing, reduction="sum"
        )
        return loss / (batch.target != ignored).sum().clamp(min=1)

    def on_fit_start(self) -> None:
        """Refuse a network that has too few labels for the data."""
        super().on_fit_start()
        classes = len(self.trainer.datamodule.classes)  # type: ignore[attr-defined]
        words = self.network.arguments.get("classes")
        if isinstance(words, int) and words < classes:
            raise ConfigError(
                f"the network must have a logit for each of the data's {classes} classes, got {words}; set "
                f"network.classes"
            )

    def on_validation_epoch_start(self) -> None:
        """Begin to count which labels were given for which."""
        super().on_validation_epoch_start()
        self._confusion = torch.zeros(0)

    def validated(self, batch: AnyBatch, output: Tensor) -> None:
        """Add up the loss, and count labels."""
        super().validated(batch, output)
        assert isinstance(batch, LabelledBatch)  # as the data module gives them
        found = confusion_matrix(output.argmax(1), batch.target, output.shape[1], ignored=_ignored(batch))
        self._confusion = found if not self._confusion.numel() else self._confusion + found

    def on_validation_epoch_end(self) -> None:
        """Log the loss, the accuracy of images or pixels, mIoU of segmenters, and the error: 1 less the last one."""
        super().on_validation_epoch_end()
        confusion = self.trainer.strategy.reduce(self._confusion, reduce_op="sum")
        accuracy = confusion.diagonal().sum() / confusion.sum().clamp(min=1)
        figures = {"val/accuracy": accuracy.float()}
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        if data.task == "segmentation":
            figures["val/miou"] = torch.as_tensor(mean_iou(confusion), dtype=torch.float32)
        figures["val/error"] = 1 - figures.get("val/miou", figures["val/accuracy"])
        self.log_dict(figures, prog_bar=True)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Give the backbone's weights a rate of their own, where that is asked for."""
        if self.backbone_lr == 1:
            return super().parameter_groups()
        named = list(self.network.named_parameters())
        backbone = [weights for name, weights in named if _BACKBONE in name.split(".")]
        if not backbone:
            raise ConfigError("backbone_lr is for networks with a backbone, got one without; leave it at 1")
        rest = [weights for name, weights in named if _BACKBONE not in name.split(".")]
        return [*self.grouped(rest, self.lr), *self.grouped(backbone, self.lr * self.backbone_lr)]


def _ignored(batch: LabelledBatch) -> int:
    """Give the label that is not judged: among pixels 255, among images none (ImageNet has a class 255)."""
    return IGNORED if batch.target.ndim > 1 else _NEVER


def _require_logits(batch: LabelledBatch, output: Tensor) -> None:
    """Refuse outputs that are not the logits of the targets."""
    fits = output.ndim == batch.target.ndim + 1 and output.shape[2:] == batch.target.shape[1:]
    if not fits:
        raise ConfigError(
            f"the network must give logits (B, K) of images or (B, K, H, W) of pixels, got {tuple(output.shape)} for "
            f"targets of shape {tuple(batch.target.shape)}; choose the network for the task"
        )
