"""Operations that read a window of pixels around every pixel, or around those of the phase that each image chose."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recon.nn.anchor import Anchor
from recon.nn.selectors import Phase
from recon.ops.checks import require_divisible
from recon.ops.periodic import periodic_window, roll_images
from recon.ops.phases import split_phases
from recon.ops.tracing import recording

Result = Tensor | tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class Windowed:
    """An operation that makes each pixel of its result from a window of a periodic image.

    Args:
        function: takes the image, padded to what all windows read, the stride, the tensors and the options.
        span: pixels of a window, along each axis.
        before: how many of them lie before the pixel that the window belongs to.
        after: by how many pixels the original pads at the end; where that is more than a strided operation reads, the
            image is padded by as many all the same, since the bits of a convolution may depend on its input's size.
        options: what else the function takes.
    """

    function: Callable[..., Result]
    span: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    options: Mapping[str, object] = field(default_factory=dict)

    def at(self, x: Tensor, offset: Tensor | None, stride: int, *tensors: Tensor | None) -> Result:
        """Give the result at the pixels stride * n + offset of (B, C, *spatial), offset (B, d); None: phase 0."""
        require_divisible(x, stride, name="the image")
        size = [n - stride + span for n, span in zip(x.shape[2:], self.span, strict=True)]
        if stride > 1 and not recording():  # a recorded graph's sizes stay multiples of the image's
            widths = zip(x.shape[2:], self.before, self.after, strict=True)
            size = [max(least, n + before + after) for least, (n, before, after) in zip(size, widths, strict=True)]
        start: Tensor | list[int]
        start = [-b for b in self.before] if offset is None else offset - offset.new_tensor(self.before)
        return self.function(periodic_window(x, start, size), stride, *tensors, **self.options)

    def __call__(self, x: Tensor, *tensors: Tensor | None) -> Result:
        """Give the result at every pixel."""
        return self.at(x, None, 1, *tensors)


class SampleDown(nn.Module):
    """A strided operation at the phase that each image chose.

    Args:
        operation: what is done.
        stride: distance of the pixels at which it is done.
        blur: a low-pass filter after the operation at every pixel, or None.
    """

    def __init__(self, operation: Windowed, stride: int, blur: nn.Module | None = None) -> None:
        super().__init__()
        self.operation, self.stride, self.blur = operation, stride, blur

    def dense(self, x: Tensor, *tensors: Tensor | None) -> Tensor:
        """Give the result at every pixel, blurred."""
        result = self.operation(x, *tensors)
        result = result if isinstance(result, Tensor) else result[0]
        return result if self.blur is None else self.blur(result)

    def forward(self, x: Tensor, phase: Phase, *tensors: Tensor | None) -> Result:
        """Give the result at the pixels of a phase; while LPS trains, the mixture of the results at all phases."""
        if phase.weights is not None:
            return _mixture(self.dense(x, *tensors), phase.weights, self.stride)
        offset = phase.offset
        if self.blur is None:
            return self.operation.at(x, offset, self.stride, *tensors)
        require_divisible(x, self.stride, name="the image")
        result = self.operation(x, *tensors)
        assert isinstance(result, Tensor)  # planning refuses to blur where the places of maxima are asked for
        return self.blur(result, stride=self.stride, start=offset)


def convolution(
    x: Tensor,
    stride: int,
    weight: Tensor,
    bias: Tensor | None,
    *,
    dilation: tuple[int, ...],
    groups: int,
) -> Tensor:
    """Convolve without padding, every pixel alike to the bit."""
    dims = x.ndim - 2
    if not always_onednn(x, weight):
        convolve = (F.conv1d, F.conv2d, F.conv3d)[dims - 1]
        return convolve(x, weight, bias, stride=[stride] * dims, dilation=list(dilation), groups=groups)
    if dims == 1:
        x, weight, dilation = x.unsqueeze(2), weight.unsqueeze(2), (1, *dilation)
        strides = [1, stride]
        return torch.mkldnn_convolution(x, weight, bias, [0, 0], strides, dilation, groups).squeeze(2)
    return torch.mkldnn_convolution(x, weight, bias, [0] * dims, [stride] * dims, dilation, groups)


def always_onednn(x: Tensor, weight: Tensor) -> bool:
    """Whether to call oneDNN's convolutions, which treat all pixels alike, where torch may take a matrix product.

    It may on a CPU in float32; a recorded graph keeps torch's own choice.
    """
    if recording() or x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return False
    return x.dtype == weight.dtype == torch.float32 and torch.backends.mkldnn.is_available() and x.numel() > 0


def max_pool(x: Tensor, stride: int, *, kernel: tuple[int, ...], dilation: tuple[int, ...], indices: bool) -> Result:
    """Take maxima, and with indices where in the image they were."""
    pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[x.ndim - 3]
    result: Result = pool(x, kernel, [stride] * len(kernel), [0] * len(kernel), dilation, return_indices=indices)  # type: ignore[call-overload]
    return result


def average_pool(x: Tensor, stride: int, *, kernel: tuple[int, ...], divisor: int | None = None) -> Tensor:
    """Take means."""
    if x.ndim == 3:
        return F.avg_pool1d(x, kernel, [stride])
    if x.ndim == 4:
        return F.avg_pool2d(x, kernel, [stride] * 2, divisor_override=divisor)
    return F.avg_pool3d(x, kernel, [stride] * 3, divisor_override=divisor)


def power_pool(x: Tensor, stride: int, *, kernel: tuple[int, ...], p: float) -> Tensor:
    """Take (sum of x**p)**(1/p)."""
    count = 1
    for k in kernel:
        count *= k
    means = average_pool(x**p if p != 2 else x.square(), stride, kernel=kernel)
    sums = torch.sign(means) * F.relu(torch.abs(means)) * count
    return sums if p == 1 else sums.sqrt() if p == 2 else torch.exp(torch.log(sums) / p)


def keep(x: Tensor, stride: int) -> Tensor:
    """Keep the pixels as they are."""
    return x[(slice(None), slice(None), *[slice(None, None, stride)] * (x.ndim - 2))].contiguous()


def unshuffle(x: Tensor, stride: int, *, factor: int) -> Tensor:
    """Make channels (C * factor**2) of the pixels of windows of factor**2 pixels."""
    sizes = [(n - factor) // stride + 1 for n in x.shape[2:]]
    parts = [
        x[..., i : i + stride * (sizes[0] - 1) + 1 : stride, j : j + stride * (sizes[1] - 1) + 1 : stride]
        for i in range(factor)
        for j in range(factor)
    ]
    return torch.stack(parts, dim=2).flatten(1, 2)


def descend(anchor: Anchor | None, phase: Phase, x: Tensor, stride: int) -> Anchor | None:
    """Give the anchor as seen from the coarser grid; there is none in training."""
    return None if anchor is None else anchor.below(phase.offset, stride, tuple(x.shape[2:]))


def return_to_grid(x: Tensor, phases: Sequence[Phase], strides: Sequence[int], *, scale: int = 1) -> Tensor:
    """Move an image that was sampled up as if all phases were 0 onto the grid that its pixels come from.

    Args:
        x: (B, C, *spatial) on the finest grid.
        phases: those that were chosen on the way down to the coarse grid, finest first.
        strides: of the same levels.
        scale: pixels of x for one of the finest level's.
    """
    total: Tensor | None = None
    for phase, stride in zip(phases, strides, strict=True):
        if phase.weights is not None:
            x = _moved_mixture(x, phase.weights, stride, scale)
        else:
            total = phase.offset * scale if total is None else total + phase.offset * scale
        scale *= stride
    return x if total is None else roll_images(x, total)


def _mixture(dense: Tensor, weights: Tensor, stride: int) -> Tensor:
    """Mix the phases of an image (Rojas-Gomez et al. 2022, equation 17)."""
    shares = weights.to(dense.dtype).reshape(*weights.shape, *[1] * (dense.ndim - 1))
    return (split_phases(dense, stride) * shares).sum(1)


def _moved_mixture(x: Tensor, weights: Tensor, stride: int, scale: int) -> Tensor:
    """Mix an image moved to every phase (Rojas-Gomez et al. 2022, equation 25)."""
    dims = x.ndim - 2
    mixed = torch.zeros_like(x)
    for number, share in enumerate(weights.to(x.dtype).unbind(1)):
        digits = [number // stride ** (dims - 1 - axis) % stride for axis in range(dims)]
        moved = torch.roll(x, [digit * scale for digit in digits], list(range(2, x.ndim)))
        mixed = mixed + share.reshape(-1, *[1] * (x.ndim - 1)) * moved
    return mixed
