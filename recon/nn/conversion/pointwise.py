"""Operations on single pixels and statistics over all of them, made so that every pixel is treated alike to the bit."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from recon.errors import ShapeError
from recon.nn.conversion.windows import convolution
from recon.ops.exact_statistics import exact_moments
from recon.ops.tracing import recording

_LANES = 64  # a multiple of the values that a processor's vector instructions take at once
_GRAIN = 32768  # values of a tensor from which on torch shares the work among threads


def alike(function: Callable[..., Tensor], x: Tensor, *args: object, **options: object) -> Tensor:
    """Apply an element-wise function, for which torch takes other instructions at the last few values of a tensor.

    The tensor is made longer, so that no value is among the last few.
    """
    options.pop("inplace", None)
    if recording() or x.device.type != "cpu":
        return function(x, *args, **options)
    dense = x.is_contiguous() or x.movedim(1, -1).is_contiguous() if x.ndim > 1 else True
    length = _room(x.numel())
    if dense and length == x.numel():
        return function(x, *args, **options)
    longer = F.pad(x.reshape(-1), [0, length - x.numel()])
    return function(longer, *args, **options)[: x.numel()].reshape(x.shape)


def sum_over(x: Tensor, axes: Sequence[int]) -> Tensor:
    """Sum over axes by halving, so that the sum is made in the same order at every pixel; keeps the axes as 1."""
    for axis in axes:
        odd: Tensor | None = None
        while x.shape[axis] > 1:
            half = x.shape[axis] // 2
            if x.shape[axis] % 2:
                last = x.narrow(axis, 2 * half, 1)
                odd = last if odd is None else odd + last
            x = x.narrow(axis, 0, half) + x.narrow(axis, half, half)
        x = x if odd is None else x + odd
    return x


def softmax(x: Tensor, axis: int, *, logarithm: bool = False) -> Tensor:
    """Softmax over an axis on which no pixels lie."""
    above = x - x.amax(axis, keepdim=True)
    powers = above.exp()
    total = sum_over(powers, [axis])
    return above - total.log() if logarithm else powers / total


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Apply a matrix to the last axis of (B, *spatial, C), as a convolution of one pixel."""
    image = x.movedim(-1, 1)
    kernel = weight.reshape(*weight.shape, *[1] * (image.ndim - 2))
    return convolution(image, 1, kernel, bias, dilation=(1,) * (image.ndim - 2), groups=1).movedim(1, -1)


def mean_over(x: Tensor, axes: Sequence[int]) -> Tensor:
    """Take the mean over the pixels, exactly; keeps the axes as 1."""
    mean, _ = exact_moments(_pixels_last(x, axes))
    kept = [1 if axis in axes else n for axis, n in enumerate(x.shape)]
    return mean.reshape(kept).to(x.dtype)


def group_norm(x: Tensor, groups: int, weight: Tensor | None, bias: Tensor | None, *, epsilon: float) -> Tensor:
    """Normalise each group of channels of (B, C, *spatial) by its own mean and variance over channels and pixels."""
    mean, variance = exact_moments(x.unflatten(1, (groups, -1)).flatten(2))
    mean, factor = mean.to(x.dtype), torch.rsqrt(variance + epsilon).to(x.dtype)
    each = x.shape[1] // groups
    shape = (*x.shape[:2], *[1] * (x.ndim - 2))
    y = (x - mean.repeat_interleave(each, 1).reshape(shape)) * factor.repeat_interleave(each, 1).reshape(shape)
    y = y if weight is None else y * weight.reshape(shape[1:])
    return y if bias is None else y + bias.reshape(shape[1:])


def instance_norm(x: Tensor, weight: Tensor | None, bias: Tensor | None, *, epsilon: float) -> Tensor:
    """Normalise each channel of (B, C, *spatial) by its own mean and variance over pixels."""
    return group_norm(x, x.shape[1], weight, bias, epsilon=epsilon)


def only_pixel(x: Tensor, axes: Sequence[int]) -> Tensor:
    """Give an image of one pixel as it is, and refuse larger ones, whose pixels would be told apart by their place."""
    if any(x.shape[axis] != 1 for axis in axes):
        raise ShapeError(
            f"here the network reads a map of {' x '.join(str(x.shape[axis]) for axis in axes)} pixels in a fixed "
            "order, which a shift changes; give images as large as the total stride, so that one pixel is left"
        )
    return x


def everywhere(x: Tensor, axes: Sequence[int], sizes: Sequence[int]) -> Tensor:
    """Repeat the only pixel of x along the axes."""
    shape = list(x.shape)
    for axis, size in zip(axes, sizes, strict=True):
        shape[axis] = size
    return x.expand(shape)


def _pixels_last(x: Tensor, axes: Sequence[int]) -> Tensor:
    """(B, everything else, pixels)."""
    others = [axis for axis in range(1, x.ndim) if axis not in axes]
    pixels = x.permute(0, *others, *axes).flatten(1 + len(others))
    return pixels.flatten(1, -2) if others else pixels.unsqueeze(1)


def _room(n: int) -> int:
    """The next length that torch divides among its threads into whole vectors."""
    length = n
    while True:
        threads = min(torch.get_num_threads(), -(-length // _GRAIN) or 1)
        unit = _LANES * threads
        if length % unit == 0:
            return length
        length = -(-length // unit) * unit
