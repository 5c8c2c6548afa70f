"""What is evaluated: anything that turns images into images, or into logits, and what records say of it."""

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from recon.errors import require_at_least, require_known
from recon.evaluation.outputs import Task, require_output
from recon.records import Subject

Precision = Literal["float32", "bfloat16", "float16"]


class Model:
    """Images (B, C, H, W) in, images or logits out, in batches, on one device, without gradients; it counts the images.

    Args:
        subject: what records say of it.
        function: what it does: a network in eval mode, or any other callable.
        module: the network, for protocols that look inside; None for what is closed.
        batch_size: the most images that are given at once.
        device: where it computes.
        precision: float32 as it is; the others by autocast.
        task: what it must give: images (`reconstruction`), logits (B, K) of them (`classification`), or logits
            (B, K, H, W) of their pixels (`segmentation`).
    """

    def __init__(
        self,
        subject: Subject,
        function: Callable[[Tensor], Tensor],
        *,
        module: nn.Module | None = None,
        batch_size: int = 8,
        device: str = "cpu",
        precision: Precision = "float32",
        task: Task = "reconstruction",
    ) -> None:
        self.subject, self.function, self.module = subject, function, module
        self.batch_size = require_at_least(batch_size, 1, name="batch_size")
        self.device = torch.device(device)
        self.precision = require_known(precision, get_args(Precision), name="precision")
        self.task: Task = task
        self.on_pass: Callable[[int], None] = lambda count: None

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.subject.name

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Give what the network makes of images, in float32 at least, on the model's device."""
        outputs = []
        for batch in images.to(self.device).split(self.batch_size):
            with torch.autocast(self.device.type, getattr(torch, self.precision), enabled=self.precision != "float32"):
                output = self.function(batch)
            require_output(output, batch, self.task, name=self.name)
            outputs.append(output if output.dtype == torch.float64 else output.float())
            self.on_pass(len(batch))
        return torch.cat(outputs)
