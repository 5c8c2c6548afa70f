"""Blurs of the sampling layers: a fixed filter, or filters predicted from the features (DDAC)."""

import math
import re

import torch
from torch import Tensor, nn

from recon.errors import ConfigError
from recon.filters import filter_taps
from recon.nn.convolution import Convolution
from recon.ops.blur import adaptive_blur, blur
from recon.ops.periodic import roll_images
from recon.ops.phases import keep_phase

ADAPTIVE_GROUPS = 8


class FixedBlur(nn.Module):
    """Filter every channel of (B, C, *spatial) with a named separable filter, circularly.

    Args:
        name: a filter of `recon.filters`.
        gain: factor along each axis; an up layer's is its stride, since it fills the gaps between its samples.
        delayed: the form for up layers, whose half-pixel delay undoes that of the down layer (even filters).
    """

    whole = False  # whether it can only filter all pixels, not every stride-th
    taps: Tensor

    def __init__(self, name: str, *, gain: float = 1.0, delayed: bool = False) -> None:
        super().__init__()
        self.name, self.gain, self.delayed = name, gain, delayed
        self.numbers = tuple(tap * gain for tap in filter_taps(name))
        self.register_buffer("taps", torch.tensor(self.numbers), persistent=False)

    def forward(self, x: Tensor, *, stride: int = 1, start: Tensor | None = None) -> Tensor:
        """Filter, and keep every stride-th pixel from start (B, d)."""
        exact = x.dtype == torch.float64  # more digits than the buffer holds
        taps = torch.tensor(self.numbers, dtype=x.dtype, device=x.device) if exact else self.taps
        return blur(x, taps, stride=stride, start=start, delayed=self.delayed)

    def extra_repr(self) -> str:
        """Name the filter."""
        return f"{self.name!r}, gain={self.gain}, delayed={self.delayed}"


class AdaptiveBlur(nn.Module):
    """Filter (B, C, *spatial) with filters predicted per pixel and group of channels (DDAC: Zou et al. 2020).

    A circular 3**d convolution and a batch normalisation give the logits, a softmax over the taps the filters.

    Args:
        channels: channels of the image.
        size: taps along each axis.
        groups: groups of channels that share a filter; the largest divisor of `channels` up to 8 if None.
        dims: spatial dimensions.
        gain: factor along each axis (see `FixedBlur`).
        delayed: the form for up layers (see `FixedBlur`).
    """

    whole = True

    def __init__(
        self,
        channels: int,
        *,
        size: int = 3,
        groups: int | None = None,
        dims: int = 2,
        gain: float = 1.0,
        delayed: bool = False,
    ) -> None:
        super().__init__()
        self.size, self.delayed, self.factor = size, delayed, gain**dims
        self.groups = math.gcd(channels, ADAPTIVE_GROUPS) if groups is None else groups
        if channels % self.groups:
            raise ConfigError(f"groups must divide the {channels} channels, got groups={self.groups}")
        taps = self.groups * size**dims
        self.predict = Convolution(channels, taps, dims=dims, bias=False)
        self.norm = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[dims](taps)

    def forward(self, x: Tensor, *, stride: int = 1, start: Tensor | None = None) -> Tensor:
        """Filter, and keep every stride-th pixel from start (B, d)."""
        logits = self.norm(self.predict(x)).unflatten(1, (self.groups, -1))
        y = adaptive_blur(x, logits, self.size, delayed=self.delayed)
        y = y if self.factor == 1 else y * self.factor
        if stride == 1:
            return y if start is None else roll_images(y, -start)
        return keep_phase(y, [0] * (x.ndim - 2) if start is None else start, stride)


def make_blur(
    name: str | None, channels: int, *, dims: int = 2, gain: float = 1.0, delayed: bool = False
) -> FixedBlur | AdaptiveBlur | None:
    """Build the blur of that name for so many channels: a filter's name, `adaptive-3` or another size, or None."""
    if name is None:
        return None
    adaptive = re.fullmatch(r"adaptive-(\d+)", name)
    if adaptive is None:
        return FixedBlur(name, gain=gain, delayed=delayed)
    if int(adaptive[1]) < 2:
        raise ConfigError(f"an adaptive blur must have at least 2 taps, got {name!r}")
    return AdaptiveBlur(channels, size=int(adaptive[1]), dims=dims, gain=gain, delayed=delayed)
