"""Upsampling of periodic images by what networks use for it, every pixel alike to the bit, as if all phases were 0."""

import torch.nn.functional as F
from torch import Tensor

from recon.nn.conversion.windows import always_onednn, convolution
from recon.ops.memory import memory_format
from recon.ops.periodic import pad_periodic
from recon.ops.phases import place_phase
from recon.ops.resampling import upsample_linear, upsample_nearest


def transposed_convolution(
    y: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    *,
    stride: int,
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
) -> Tensor:
    """Transposed convolution of (B, C, *small) to (B, C', *small * stride) on a circle.

    x[m] = sum over n and k with stride n + dilation k - padding = m (mod size) of weight[k] y[n]
    """
    dims = y.ndim - 2
    if always_onednn(y, weight):
        return _of_zeros(y, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)
    around = [d * (k - 1) // stride + 1 for d, k in zip(dilation, weight.shape[2:], strict=True)]
    padded = pad_periodic(y, around, around)
    spread = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[dims - 1]
    x = spread(padded, weight, bias, stride=[stride] * dims, groups=groups, dilation=list(dilation))
    for axis, (a, p, n) in enumerate(zip(around, padding, y.shape[2:], strict=True)):
        x = x.narrow(axis + 2, a * stride + p, n * stride)
    return x.contiguous(memory_format=memory_format(padded))  # as it is in memory where it is rolled afterwards


def _of_zeros(
    y: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    *,
    stride: int,
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
) -> Tensor:
    """The same by a convolution over zeros between the samples, for which oneDNN treats all pixels alike."""
    dims = y.ndim - 2
    flipped = weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1).flip(list(range(2, weight.ndim)))
    x = place_phase(y, [0] * dims, stride) if stride > 1 else y
    reach = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
    before = [r - p for r, p in zip(reach, padding, strict=True)]
    x = pad_periodic(x, before, padding)
    return convolution(x, 1, flipped, bias, dilation=dilation, groups=groups)


def interpolate(y: Tensor, *, enlargement: int, mode: str) -> Tensor:
    """Interpolate (B, C, *small) to (B, C, *small * enlargement) on a circle."""
    return upsample_nearest(y, enlargement) if mode.startswith("nearest") else upsample_linear(y, enlargement)


def unpool(y: Tensor, indices: Tensor, *, enlargement: int) -> Tensor:
    """Put maxima back where the indices say that they were in an image so many times as large."""
    function = (F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)[y.ndim - 3]
    kernel = [enlargement] * (y.ndim - 2)
    return function(y, indices, kernel, kernel, output_size=[n * enlargement for n in y.shape[2:]])
