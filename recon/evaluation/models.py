"""What is evaluated: anything that turns images into images, and what records say of it."""

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from recon.errors import ConfigError, DataError, require_at_least, require_known
from recon.records import Subject

Precision = Literal["float32", "bfloat16", "float16"]


class Model:
    """Images (B, C, H, W) in, images out, in batches, on one device, without gradients; it counts the images.

    Args:
        subject: what records say of it.
        function: what it does: a network in eval mode, or any other callable.
        module: the network, for protocols that look inside; None for what is closed.
        batch_size: the most images that are given at once.
        device: where it computes.
        precision: float32 as it is; the others by autocast.
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
    ) -> None:
        self.subject, self.function, self.module = subject, function, module
        self.batch_size = require_at_least(batch_size, 1, name="batch_size")
        self.device = torch.device(device)
        self.precision = require_known(precision, get_args(Precision), name="precision")
        self.on_pass: Callable[[int], None] = lambda count: None

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.subject.name

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Reconstruct images, in float32 at least, on the model's device."""
        outputs = []
        for batch in images.to(self.device).split(self.batch_size):
            with torch.autocast(self.device.type, getattr(torch, self.precision), enabled=self.precision != "float32"):
                output = self.function(batch)
            self._require_images(output, batch)
            outputs.append(output if output.dtype == torch.float64 else output.float())
            self.on_pass(len(batch))
        return torch.cat(outputs)

    def _require_images(self, output: Tensor, batch: Tensor) -> None:
        if not isinstance(output, Tensor):
            raise ConfigError(f"{self.name} must give a tensor, got {type(output).__name__}; wrap it to give images")
        if output.shape[:1] != batch.shape[:1] or output.shape[2:] != batch.shape[2:]:
            raise ConfigError(
                f"{self.name} must give images as many and as large as it gets, got {tuple(output.shape)} for "
                f"{tuple(batch.shape)}; wrap it to give such images"
            )
        if output.is_complex():
            raise ConfigError(f"{self.name} must give real images, got {output.dtype}; wrap it to give magnitudes")
        if not bool(output.isfinite().all()):
            raise DataError(
                f"{self.name} must give finite images, got NaN or infinity; mend it, train it again, "
                "or compute in float32"
            )
