"""Pooling at every pixel and at chosen ones, and putting pooled maxima back where they were found."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from recon.ops.checks import require_divisible
from recon.ops.periodic import roll_images
from recon.ops.phases import keep_phase, merge_phases, split_phases
from recon.ops.tracing import recording


def dense_max(x: Tensor, size: int = 2) -> Tensor:
    """Give the maximum over the size**d pixels from each pixel of (B, C, *spatial) on (circular max-pooling, stride 1).

    y[n] = max over 0 <= k < size of x[n + k], axis by axis; at equal values the gradient goes to the first along the
    last axis, of those to the first along the axis before (a recorded graph divides it among them).

    >>> dense_max(torch.tensor([[[1.0, 5.0, 2.0, 0.0]]])).tolist()
    [[[5.0, 5.0, 2.0, 1.0]]]
    """
    if recording():
        for axis in range(2, x.ndim):
            y = x
            for k in range(1, size):
                y = torch.maximum(y, torch.roll(x, -k, axis))
            x = y
        return x
    return _DenseMax.apply(x, size)


def dense_mean(x: Tensor, size: int = 2) -> Tensor:
    """Give the mean over the size**d pixels from each pixel of (B, C, *spatial) on (circular mean-pooling, stride 1).

    >>> dense_mean(torch.tensor([[[1.0, 5.0, 2.0, 0.0]]])).tolist()
    [[[3.0, 3.5, 1.0, 0.5]]]
    """
    for axis in range(2, x.ndim):
        y = x
        for k in range(1, size):
            y = y + torch.roll(x, -k, axis)
        x = y
    return x / size ** (x.ndim - 2)


def max_pool_at(x: Tensor, offset: Tensor, stride: int = 2) -> Tensor:
    """Max-pool (B, C, *spatial) with windows of stride**d pixels that start at each image's own offset (B, d).

    y[n] = max over 0 <= k < stride of x[stride n + offset + k]. No shifted copy of the image is made or kept for
    backward.

    >>> max_pool_at(torch.tensor([[[1.0, 5.0, 2.0, 0.0]]]), torch.tensor([[1]])).tolist()
    [[[5.0, 1.0]]]
    """
    require_divisible(x, stride, name="x")
    if recording():
        return max_pool(roll_images(x, -offset), stride)
    return _MaxPoolAt.apply(x, offset, stride)


def max_codes(x: Tensor, stride: int = 2) -> Tensor:
    """Give where in each window of stride**d pixels of (B, C, *spatial) the first maximum lies: (B, C, *small).

    The numbers are positions in `phase_grid`, so they mean the same wherever the window lies.

    >>> max_codes(torch.tensor([[[1.0, 5.0, 2.0, 0.0]]])).tolist()
    [[[1, 0]]]
    """
    return split_phases(x, stride).max(1).indices


def unpool(y: Tensor, codes: Tensor, stride: int = 2) -> Tensor:
    """Put each value of (B, C, *small) at the place in its window that the codes (B, C, *small) name, zeros elsewhere.

    Every place is written once, so the result and its gradient are deterministic.

    >>> unpool(torch.tensor([[[5.0, 2.0]]]), torch.tensor([[[1, 0]]])).tolist()
    [[[0.0, 5.0, 2.0, 0.0]]]
    """
    places = torch.arange(stride ** (y.ndim - 2), device=y.device).reshape(1, -1, *[1] * (y.ndim - 1))
    return merge_phases(torch.where(codes[:, None] == places, y[:, None], 0), stride)


def max_pool(x: Tensor, stride: int = 2) -> Tensor:
    """Max-pool (B, C, *spatial) with windows of stride**d pixels, torch's own way."""
    pooled: Tensor = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[x.ndim - 3](x, stride)
    return pooled


class _MaxPoolAt(torch.autograd.Function):
    """The maxima at a phase; backward pools the shifted image again instead of keeping it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, offset: Tensor, stride: int) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(x, offset)
        ctx.stride = stride
        dense = x
        for axis in range(2, x.ndim):
            dense = _max_along(dense, stride, axis)
        return keep_phase(dense, offset, stride)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        x, offset = ctx.saved_tensors
        again = torch.is_grad_enabled()  # somebody will differentiate this
        with torch.enable_grad():
            shifted = roll_images(x.detach(), -offset).requires_grad_()
            pooled = max_pool(shifted, ctx.stride)
        (shifted_grad,) = torch.autograd.grad(pooled, shifted, grad, create_graph=again)
        return roll_images(shifted_grad, offset), None, None


class _DenseMax(torch.autograd.Function):
    """The dense maximum; the gradient goes to the first of the pixels that attain it, axis by axis."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(x)
        ctx.size = size
        for axis in range(2, x.ndim):
            x = _max_along(x, size, axis)
        return x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        stages = [ctx.saved_tensors[0].detach()]
        for axis in range(2, stages[0].ndim):
            stages.append(_max_along(stages[-1], ctx.size, axis))
        for axis in reversed(range(2, stages[0].ndim)):
            grad = _max_along_backward(grad, stages[axis - 2], stages[axis - 1], ctx.size, axis)
        return grad, None


def _max_along(x: Tensor, size: int, axis: int) -> Tensor:
    """The maximum over `size` pixels along one axis, circularly, without copies of the shifted image."""
    n = x.shape[axis]
    y = x
    for k in (k % n for k in range(1, size)):
        out = torch.empty_like(x)
        torch.maximum(y.narrow(axis, 0, n - k), x.narrow(axis, k, n - k), out=out.narrow(axis, 0, n - k))
        torch.maximum(y.narrow(axis, n - k, k), x.narrow(axis, 0, k), out=out.narrow(axis, n - k, k))
        y = out
    return y


def _max_along_backward(grad: Tensor, x: Tensor, y: Tensor, size: int, axis: int) -> Tensor:
    """Send the gradient of y = max over k of x[n + k] to the first k that attains it."""
    mine = x == y
    total = grad * mine
    left = grad * ~mine
    for k in range(1, size):
        if k < size - 1:
            mine = torch.roll(x, -k, axis) == y
            total += torch.roll(left * mine, k, axis)
            left = left * ~mine
        else:
            total += torch.roll(left, k, axis)
    return total
