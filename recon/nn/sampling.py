"""The sampling pair: one down and one up layer in which selection, operation and blur are put together."""

from contextlib import nullcontext
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from recon.errors import ConfigError, DataError, ShapeError, require_at_least, require_known
from recon.nn.anchor import Anchor
from recon.nn.blurs import AdaptiveBlur, FixedBlur, make_blur
from recon.nn.operations import DownModule, UpModule, make_down_operation, make_up_operation
from recon.nn.selectors import FixedSelector, LearnedSelector, NormSelector, Phase, Selector
from recon.ops.checks import require_divisible, require_finite, require_images
from recon.ops.complex import as_channels, as_complex
from recon.ops.periodic import roll_images
from recon.ops.phases import keep_phase, phase_grid, split_phases
from recon.ops.pooling import max_codes
from recon.ops.tracing import without_gradients
from recon.samplings import Look, Sampling, find_sampling

Ties = Literal["image", "first"]


class Down(nn.Module):
    """Sample (B, C, *spatial) down to (B, C, *spatial / stride): choose a phase, then operate and blur at that phase.

    1. look at the input, or at the result of the dense operation and blur;
    2. select the phase of each image;
    3. operate and blur at the pixels stride * n + offset.

    Args:
        selector: scores the phases.
        operation: what is done at the phase.
        blur: a low-pass filter after the operation (or before it), or None.
        stride: distance of the samples kept.
        dims: spatial dimensions.
        look: what the selector sees.
        blur_first: blur before the operation.
        keeps_codes: hand on the place of every maximum, for unpooling.
        ties: in eval mode, break ties by the `image` (exact for every input), or take the `first` phase of them.
    """

    def __init__(
        self,
        selector: Selector,
        operation: DownModule,
        blur: FixedBlur | AdaptiveBlur | None = None,
        *,
        stride: int = 2,
        dims: int = 2,
        look: Look = "input",
        blur_first: bool = False,
        keeps_codes: bool = False,
        ties: Ties = "image",
    ) -> None:
        super().__init__()
        self.selector, self.operation, self.blur = selector, operation, blur
        self.stride, self.dims, self.look, self.blur_first = stride, dims, look, blur_first
        self.keeps_codes, self.ties = keeps_codes, require_known(ties, get_args(Ties), name="ties")

    def forward(self, x: Tensor, anchor: Anchor | None = None) -> tuple[Tensor, Phase]:
        """Give the samples and the phase of every image.

        Args:
            x: images (B, C, *spatial), spatial sizes divisible by the stride; complex ones count as two channels.
            anchor: breaks ties; that of the network's input as seen from this level, or x's own if None (and then x is
                refused if it has NaN or infinite values).
        """
        if isinstance(x, Tensor) and x.is_complex():
            y, phase = self(as_channels(x), anchor)
            return as_complex(y), phase
        if anchor is None:  # not inside a network that has looked already
            require_images(x, self.dims, name="x")
            require_finite(x, name="x")
        require_divisible(x, self.stride, name="x")
        if self.selector.stays:
            phase = Phase(x.new_zeros(x.shape[0], x.ndim - 2, dtype=torch.int64))
            return self.at(x, None), self._with_codes(x, phase)
        learns = isinstance(self.selector, LearnedSelector) and self.selector.training
        whole = learns or not torch.is_grad_enabled() or (self.blur is not None and self.blur.whole)
        with nullcontext() if whole else without_gradients():
            result = self.dense(x) if self.look == "result" else None
        scores = self.selector(x if result is None else result)
        if learns:
            return self._mixture(self.dense(x) if result is None else result, scores)
        if self.ties == "first" or self.training:
            anchor = None
        elif anchor is None:
            anchor = Anchor(x)
        offset = self.selector.choose(scores, x.ndim - 2, anchor)
        y = keep_phase(result, offset, self.stride) if whole and result is not None else self.at(x, offset)
        return y, self._with_codes(x, Phase(offset))

    def dense(self, x: Tensor) -> Tensor:
        """Operate and blur at every pixel."""
        if self.blur is None:
            return self.operation.dense(x)
        if self.blur_first:
            return self.operation.dense(self.blur(x))
        blurred: Tensor = self.blur(self.operation.dense(x))
        return blurred

    def at(self, x: Tensor, offset: Tensor | None) -> Tensor:
        """Operate and blur at the pixels of the phases (B, d), or of phase 0 where offset is None."""
        if self.blur is None:
            return self.operation.at(x, offset)
        if self.blur_first:
            return self.operation.at(self.blur(x), offset)
        blurred: Tensor = self.blur(self.operation.dense(x), stride=self.stride, start=offset)
        return blurred

    def _mixture(self, result: Tensor, logits: Tensor) -> tuple[Tensor, Phase]:
        """Mix the phases of the dense result by the weights drawn (Rojas-Gomez et al. 2022, equation 17)."""
        assert isinstance(self.selector, LearnedSelector)  # no other gives logits
        weights = self.selector.mixture(logits)
        offset = phase_grid(self.stride, result.ndim - 2, device=result.device)[weights.argmax(1)]
        shares = weights.to(result.dtype).reshape(*weights.shape, *[1] * (result.ndim - 1))
        return (split_phases(result, self.stride) * shares).sum(1), Phase(offset, weights)

    def _with_codes(self, x: Tensor, phase: Phase) -> Phase:
        """Add the places of the maxima to a phase, where the up layer needs them."""
        if not self.keeps_codes:
            return phase
        windows = x if self.selector.stays else roll_images(x, -phase.offset)
        return phase._replace(codes=max_codes(windows.detach(), self.stride))

    def extra_repr(self) -> str:
        """Say what is not seen in the modules."""
        return f"stride={self.stride}, look={self.look!r}, blur_first={self.blur_first}, ties={self.ties!r}"


class Up(nn.Module):
    """Sample (B, C', *small) up to (B, C, *small * stride), onto the grid of the phase that the down layer chose.

    Fill the grid as if phase 0 had been chosen, move it to the phase (while LPS trains: add up the weighted moves to
    all phases), blur.

    Args:
        operation: how the grid is filled.
        blur: a low-pass filter, scaled to fill the gaps, or None.
        stride: that of the down layer.
        follows: False where the down layer always keeps phase 0.
    """

    def __init__(
        self,
        operation: UpModule,
        blur: FixedBlur | AdaptiveBlur | None = None,
        *,
        stride: int = 2,
        follows: bool = True,
    ) -> None:
        super().__init__()
        self.operation, self.blur, self.stride, self.follows = operation, blur, stride, follows

    def forward(self, y: Tensor, phase: Phase) -> Tensor:
        """Give the image on the full grid.

        Args:
            y: samples (B, C', *small); complex ones count as two channels.
            phase: what the down layer returned beside them.
        """
        if not isinstance(phase, Phase):
            raise DataError(f"phase must be what the down layer returned beside y, got {type(phase).__name__}")
        if y.is_complex():
            return as_complex(self(as_channels(y), phase))
        if phase.offset.shape[0] != y.shape[0]:
            raise ShapeError(
                f"phase must be of the same batch as y, got {phase.offset.shape[0]} phases for {y.shape[0]} images"
            )
        x: Tensor = self.operation(y, phase.codes)
        if phase.weights is not None:
            x = self._mixture(x, phase.weights)
        elif self.follows and isinstance(self.blur, FixedBlur):
            return self.blur(x, start=-phase.offset)
        elif self.follows:
            x = roll_images(x, phase.offset)
        return x if self.blur is None else self.blur(x)

    def _mixture(self, x: Tensor, weights: Tensor) -> Tensor:
        """Add up x moved to every phase, weighted (Rojas-Gomez et al. 2022, equation 25)."""
        shares = weights.to(x.dtype).unbind(1)
        moves = phase_grid(self.stride, x.ndim - 2).tolist()
        moved = [
            share.reshape(-1, *[1] * (x.ndim - 1)) * torch.roll(x, move, list(range(2, x.ndim)))
            for share, move in zip(shares, moves, strict=True)
        ]
        return torch.stack(moved).sum(0)

    def extra_repr(self) -> str:
        """Say what is not seen in the modules."""
        return f"stride={self.stride}, follows={self.follows}"


def sampling_pair(
    sampling: str | Sampling,
    channels: int,
    *,
    up_channels: int | None = None,
    blur: str | None = None,
    stride: int = 2,
    dims: int = 2,
    kernel_size: int = 3,
    ties: Ties = "image",
) -> tuple[Down, Up]:
    """Build the down and the up layer of a sampling: `down(x) -> (y, phase)` and `up(y, phase) -> x`.

    Args:
        sampling: a name of `recon.SAMPLINGS`, or a `recon.Sampling` of your own.
        channels: channels of x (twice as many where it is complex).
        up_channels: channels of the up layer's input where that is a transposed convolution; `channels` if None.
        blur: a filter's name, `adaptive-3`, or None for the sampling's own (only `lpf` has one).
        stride: 2 or more.
        dims: spatial dimensions, 1 to 3.
        kernel_size: of a strided convolution (`down="conv"`).
        ties: see `Down`.

    >>> down, up = sampling_pair("aps", 1, blur="tri-3", up_channels=1)
    >>> y, phase = down(torch.randn(3, 1, 8, 12))
    >>> y.shape, phase.offset.shape, up(y, phase).shape
    (torch.Size([3, 1, 4, 6]), torch.Size([3, 2]), torch.Size([3, 1, 8, 12]))
    """
    spec = find_sampling(sampling)
    require_at_least(channels, 1, name="channels")
    require_at_least(stride, 2, name="stride")
    if dims not in (1, 2, 3):
        raise ConfigError(f"dims must be 1, 2 or 3, got {dims!r}")
    if spec.selection == "learned" and spec.up == "unpool":
        raise ConfigError("a learned selection mixes phases while it trains, and maxima cannot be unpooled to that")
    selector: Selector
    if spec.selection == "fixed":
        selector = FixedSelector(stride=stride, offset=(0,) * dims)
    elif spec.selection == "norm":
        selector = NormSelector(stride=stride, p=spec.p, largest=spec.largest)
    else:
        selector = LearnedSelector(channels, stride=stride, dims=dims)
    up_operation = make_up_operation(spec.up, up_channels or channels, channels, stride, dims=dims)
    name = spec.blur if blur is None else blur
    gain = float(stride) if up_operation.sparse else 1.0
    down = Down(
        selector,
        make_down_operation(spec.down, channels, stride, dims=dims, kernel_size=kernel_size),
        make_blur(name, channels, dims=dims),
        stride=stride,
        dims=dims,
        look=spec.look,
        blur_first=spec.blur_first,
        keeps_codes=spec.up == "unpool",
        ties=ties,
    )
    up_blur = make_blur(name, channels, dims=dims, gain=gain, delayed=True)
    return down, Up(up_operation, up_blur, stride=stride, follows=not selector.stays)
