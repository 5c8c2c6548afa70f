"""The choice of a phase: made once for a grid in a forward pass, by the first operation that leads there."""

from contextlib import nullcontext

import torch
from torch import Tensor, nn

from recon.nn.anchor import Anchor
from recon.nn.conversion.windows import SampleDown
from recon.nn.selectors import LearnedSelector, Phase, Selector
from recon.ops.checks import require_divisible
from recon.ops.phases import phase_grid
from recon.ops.tracing import without_gradients
from recon.samplings import Look


class PhaseChoice(nn.Module):
    """Choose the phase of each image: all that samples down to the same grid follows it.

    Args:
        selector: scores the phases.
        down: the operation that leads to the grid first.
        look: whether the selector sees the operation's input (MASS), or its result at every pixel (APS, LPS).
    """

    def __init__(self, selector: Selector, down: SampleDown, *, look: Look) -> None:
        super().__init__()
        self.selector, self.down, self.look = selector, down, look

    def forward(self, x: Tensor, anchor: Anchor | None, *tensors: Tensor | None) -> Phase:
        """Choose from the input (B, C, *spatial) of the operation.

        Args:
            x: the operation's input.
            anchor: breaks ties; None (in training) takes the first of tied phases.
            tensors: the operation's weights.
        """
        require_divisible(x, self.down.stride, name="the image")
        if self.selector.stays:
            return Phase(x.new_zeros(x.shape[0], x.ndim - 2, dtype=torch.int64))
        learned = self.selector if isinstance(self.selector, LearnedSelector) and self.selector.training else None
        with nullcontext() if learned is not None else without_gradients():
            scores = self.selector(self.down.dense(x, *tensors) if self.look == "result" else x)
        if learned is not None:
            return _drawn(learned, scores, x.ndim - 2)
        return Phase(self.selector.choose(scores, x.ndim - 2, anchor))


def _drawn(selector: LearnedSelector, logits: Tensor, dims: int) -> Phase:
    """Draw the mixture of phases that stands for the choice while LPS trains."""
    weights = selector.mixture(logits)
    return Phase(phase_grid(selector.stride, dims, device=logits.device)[weights.argmax(1)], weights)
