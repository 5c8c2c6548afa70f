"""Low-pass filtering of periodic images: by a fixed filter, or by one predicted for every pixel."""

from collections.abc import Sequence
from functools import reduce
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from recon.ops.checks import require_divisible
from recon.ops.periodic import periodic_window
from recon.ops.tracing import recording

_JOINT_TAPS = 64  # up to here one d-dimensional filter is faster than one for each axis


def blur(
    x: Tensor,
    taps: Tensor,
    *,
    stride: int = 1,
    start: Tensor | Sequence[int] | None = None,
    delayed: bool = False,
) -> Tensor:
    """Filter every channel of (B, C, *spatial) with separable taps, circularly; keep every stride-th pixel from start.

    y[n] = sum over k of taps[k] x[start + stride n + k - left],  left = (len(taps) - 1) // 2, or len(taps) // 2 if
    delayed

    An even filter has no middle: the first form looks half a pixel ahead, the delayed form half a pixel back, so a down
    layer of the first form followed by an up layer of the second does not drift.

    Args:
        x: images (B, C, *spatial).
        taps: a filter of one axis, of sum 1 to keep the mean.
        stride: which pixels to keep.
        start: the first pixel, one for each image (B, d), or d numbers for all; zero if None.
        delayed: the form for up layers.

    >>> blur(torch.tensor([[[4.0, 0.0, 0.0, 0.0]]]), torch.tensor([0.25, 0.5, 0.25])).tolist()
    [[[2.0, 1.0, 0.0, 1.0]]]
    """
    require_divisible(x, stride, name="x")
    dims, n_taps = x.ndim - 2, len(taps)
    left = n_taps // 2 if delayed else (n_taps - 1) // 2
    first: Tensor | list[int]
    if start is None:
        first = [-left] * dims
    else:
        first = start - left if isinstance(start, Tensor) else [s - left for s in start]
    window = periodic_window(x, first, [n - stride + n_taps for n in x.shape[2:]])
    taps = taps.to(dtype=window.dtype, device=window.device)
    if n_taps**dims <= _JOINT_TAPS:
        kernel = reduce(lambda outer, axis: outer[..., None] * axis, [taps] * dims)
        return _depthwise(window, kernel, [stride] * dims)
    for axis in range(dims):
        shape = [n_taps if i == axis else 1 for i in range(dims)]
        window = _depthwise(window, taps.reshape(shape), [stride if i == axis else 1 for i in range(dims)])
    return window


def adaptive_blur(x: Tensor, logits: Tensor, size: int, *, delayed: bool = False) -> Tensor:
    """Filter (B, C, *spatial) circularly with its own normalised filter at every pixel, shared by groups of channels.

    y[g, c, n] = sum over k of w[g, k, n] x[g, c, n + k - left],  w = softmax over k of the logits

    (Zou et al. 2020, "Delving deeper into anti-aliasing in convnets", equation 1.) The softmax is made of element-wise
    operations in a fixed order, so that every pixel is treated alike to the bit.

    Args:
        x: images (B, C, *spatial); C is a multiple of the number of groups.
        logits: (B, G, size**d, *spatial), taps in the order of rows.
        size: taps along each axis.
        delayed: the form for up layers (see `blur`).

    >>> x = torch.tensor([[[1.0, 2.0, 6.0]]])
    >>> adaptive_blur(x, torch.zeros(1, 1, 3, 3), 3).tolist()
    [[[3.0, 3.0, 3.0]]]
    """
    dims, groups = x.ndim - 2, logits.shape[1]
    left = size // 2 if delayed else (size - 1) // 2
    window = periodic_window(x, [-left] * dims, [n + size - 1 for n in x.shape[2:]])
    window = window.unflatten(1, (groups, x.shape[1] // groups))
    terms = logits.unbind(2)
    peak = reduce(torch.maximum, terms)
    weights = [torch.exp(term - peak) for term in terms]
    total = reduce(torch.add, weights)
    y: Tensor | None = None
    for weight, at in zip(weights, product(range(size), repeat=dims), strict=True):
        seen = window[(..., *(slice(k, k + n) for k, n in zip(at, x.shape[2:], strict=True)))]
        term = (weight / total).unsqueeze(2) * seen
        y = term if y is None else y + term
    assert y is not None  # size is at least 1
    return y.flatten(1, 2)


def _depthwise(x: Tensor, kernel: Tensor, stride: Sequence[int]) -> Tensor:
    """Convolve every channel of x with the same kernel (d-dimensional), without padding."""
    if recording():
        return _convolve(x, kernel, stride)
    return _Depthwise.apply(x, kernel, tuple(stride))


class _Depthwise(torch.autograd.Function):
    """The convolution with a constant kernel, which unlike torch's own keeps no copy of its input for backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, stride: tuple[int, ...]) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(kernel)
        ctx.stride = stride
        return _convolve(x, kernel, stride)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        (kernel,) = ctx.saved_tensors
        weight = kernel.to(grad.dtype).expand(grad.shape[1], 1, *kernel.shape)
        spread = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[kernel.ndim - 1]
        return spread(grad, weight, stride=list(ctx.stride), groups=grad.shape[1]), None, None


def _convolve(x: Tensor, kernel: Tensor, stride: Sequence[int]) -> Tensor:
    """The depthwise convolution in torch's own operation."""
    weight = kernel.expand(x.shape[1], 1, *kernel.shape)
    return (F.conv1d, F.conv2d, F.conv3d)[kernel.ndim - 1](x, weight, stride=list(stride), groups=x.shape[1])
