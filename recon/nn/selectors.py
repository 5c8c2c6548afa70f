"""Selectors: modules that score the phases of what they look at, and the one place where the best is chosen."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from recon.errors import ConfigError
from recon.nn.anchor import Anchor
from recon.nn.convolution import Convolution
from recon.ops.checks import require_one_each
from recon.ops.energies import fixed_point, integer_sum, phase_energies
from recon.ops.phases import phase_grid, split_phases
from recon.ops.selection import choose_phase, tied_phases
from recon.ops.tracing import without_gradients


class Phase(NamedTuple):
    """What a down layer hands to its up layer.

    Args:
        offset: (B, d), the phase that each image chose: its samples lie at stride * n + offset.
        weights: (B, stride**d) while a learned selection trains: the mixture of phases that stands for the choice.
        codes: (B, C, *small) where the up layer unpools: the place of each maximum in its window.
    """

    offset: Tensor
    weights: Tensor | None = None
    codes: Tensor | None = None


class Selector(nn.Module):
    """Base of all selectors: forward gives the scores (B, stride**d) of the phases of (B, C, *spatial).

    Scores are integers, equal for equal phases to the bit, so that a shift permutes them exactly.

    Args:
        stride: distance of the samples of a phase.
        largest: choose the largest score; otherwise the smallest.
    """

    stays = False  # whether phase 0 is always chosen

    def __init__(self, *, stride: int = 2, largest: bool = True) -> None:
        super().__init__()
        self.stride, self.largest = stride, largest

    def forward(self, x: Tensor) -> Tensor:
        """Give the scores."""
        raise TypeError(f"{type(self).__name__} does not score phases: derive from Selector and define forward")

    def choose(self, scores: Tensor, dims: int, anchor: Anchor | None) -> Tensor:
        """Choose the offset (B, d) of the best score; ties are broken by the anchor, or without one by order."""
        tied = tied_phases(scores, largest=self.largest)
        position = None if anchor is None else anchor.position(tied.sum(1) > 1)
        return choose_phase(tied, self.stride, dims, position)


class FixedSelector(Selector):
    """Always the phase of the given offset, whatever the image: what plain strided layers do with offset 0."""

    def __init__(self, *, stride: int = 2, offset: tuple[int, ...] = (0, 0)) -> None:
        super().__init__(stride=stride)
        if not all(isinstance(o, int) and 0 <= o < stride for o in offset):
            raise ConfigError(f"offset must be whole numbers from 0 to {stride - 1}, got {offset!r}")
        self.offset = tuple(offset)
        self.stays = not any(offset)

    def forward(self, x: Tensor) -> Tensor:
        """Score the fixed phase 1 and all others 0."""
        require_one_each(x, self.offset, name="offset")
        grid = phase_grid(self.stride, len(self.offset), device=x.device)
        chosen = (grid == torch.tensor(self.offset, device=x.device)).all(1)
        return chosen.to(torch.int64).expand(x.shape[0], -1)


class NormSelector(Selector):
    """The phase of the largest (or smallest) p-norm, exactly (Chaman and Dokmanic 2021, section 2)."""

    def __init__(self, *, stride: int = 2, p: float = 2.0, largest: bool = True) -> None:
        super().__init__(stride=stride, largest=largest)
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Give the energies of the phases."""
        with without_gradients():
            return phase_energies(x, self.stride, p=self.p)


class LearnedSelector(Selector):
    """The phase that a small network prefers (LPS: Rojas-Gomez et al. 2022, equations 20 and 23).

    Every phase passes the same two circular convolutions, and the mean over channels and pixels is its logit. In
    training the choice is a Gumbel-softmax mixture, whose temperature a schedule lowers; in eval mode it is the
    largest logit, summed exactly. Computed in the type of its weights, float32 unless converted, also under autocast.

    Args:
        channels: channels of what it looks at.
        hidden: channels of the small network; a quarter of `channels`, at least 4, if None.
        stride: distance of the samples of a phase.
        dims: spatial dimensions.
        temperature: of the Gumbel-softmax, to start with.
    """

    temperature: Tensor

    def __init__(
        self, channels: int, *, hidden: int | None = None, stride: int = 2, dims: int = 2, temperature: float = 1.0
    ) -> None:
        super().__init__(stride=stride)
        hidden = max(channels // 4, 4) if hidden is None else hidden
        self.first = Convolution(channels, hidden, dims=dims)
        self.second = Convolution(hidden, hidden, dims=dims)
        self.register_buffer("temperature", torch.tensor(float(temperature)))

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits (float) in training, and exact sums of them (int64) in eval mode."""
        with torch.autocast(x.device.type, enabled=False):
            x = x.to(self.first.conv.weight.dtype)
            phases = split_phases(x, self.stride)  # (B, P, C, *small)
            features = self.second(torch.relu(self.first(phases.flatten(0, 1))))
            features = features.unflatten(0, (-1, phases.shape[1])).flatten(2)  # (B, P, hidden * pixels)
            if self.training:
                return features.mean(2)
            above = features - features.amin((1, 2), keepdim=True)
            return integer_sum(fixed_point(above)[0], [2])

    def mixture(self, logits: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw the weights (B, P) of a Gumbel-softmax from logits (B, P)."""
        noise = -torch.empty_like(logits).exponential_(generator=generator).log()
        return ((logits + noise) / self.temperature).softmax(1)


def temperature_at(progress: float, *, start: float = 1.0, end: float = 0.1) -> float:
    """Give the Gumbel-softmax temperature after that share of the training: start * (end / start)**progress.

    >>> temperature_at(0.0), round(temperature_at(0.5), 3), round(temperature_at(1.0), 3)
    (1.0, 0.316, 0.1)
    """
    return start * (end / start) ** min(max(progress, 0.0), 1.0)
