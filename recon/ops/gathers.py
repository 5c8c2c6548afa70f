"""Windows of periodic images by one gather: for recorded graphs, which may not copy blocks, and GPUs, which need not.

The block copies of `recon.ops.periodic` and `recon.ops.phases` read the starts of the windows as Python numbers. These
forms compute indices from them instead, without waiting for a GPU, and their backward is as deterministic.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from recon.ops.memory import memory_format
from recon.ops.tracing import recording


def gather_window(x: Tensor, start: Tensor, size: Sequence[int], stride: int = 1) -> Tensor:
    """Give (B, C, *size) with y[n] = x[(start + stride n) mod shape], for x (B, C, *spatial) and start (B, d).

    Differentiable.

    >>> gather_window(torch.arange(4.0).reshape(1, 1, 4), torch.tensor([[3]]), [4]).tolist()
    [[[3.0, 0.0, 1.0, 2.0]]]
    """
    if recording():
        return _gathered(x, start, size, stride)
    return _Gather.apply(x, start, tuple(size), stride)


def spread_window(y: Tensor, start: Tensor, shape: Sequence[int], stride: int = 1) -> Tensor:
    """Give (B, C, *shape), the adjoint of `gather_window`: x[m] = sum of y[n] over (start + stride n) mod shape = m.

    >>> spread_window(torch.ones(1, 1, 2), torch.tensor([[1]]), [4], stride=2).tolist()
    [[[0.0, 1.0, 0.0, 1.0]]]
    """
    if recording():
        return _spread(y, start, shape, stride)
    return _Spread.apply(y, start, tuple(shape), stride)


def wrapped(index: Tensor, n: int) -> Tensor:
    """Take indices modulo n, which in a recorded graph may be symbolic: no exporter divides by that unless as a tensor.

    >>> wrapped(torch.tensor([-1, 3]), 3).tolist()
    [2, 0]
    """
    return index % (torch.zeros_like(index) + n if recording() else n)


class _Gather(torch.autograd.Function):
    """The window; backward is the adjoint."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, start: Tensor, size: tuple[int, ...], stride: int) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(start)
        ctx.shape, ctx.stride = tuple(x.shape[2:]), stride
        return _gathered(x, start, size, stride)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:  # noqa: ANN401
        return _Spread.apply(grad, ctx.saved_tensors[0], ctx.shape, ctx.stride), None, None, None


class _Spread(torch.autograd.Function):
    """The adjoint of the window; backward is the window."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, start: Tensor, shape: tuple[int, ...], stride: int) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(start)
        ctx.size, ctx.stride = tuple(y.shape[2:]), stride
        return _spread(y, start, shape, stride)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:  # noqa: ANN401
        return _Gather.apply(grad, ctx.saved_tensors[0], ctx.size, ctx.stride), None, None, None


def _gathered(x: Tensor, start: Tensor, size: Sequence[int], stride: int) -> Tensor:
    """The window, from the indices of its pixels along each axis."""
    indices = []
    for axis, length in enumerate(size):
        n = x.shape[axis + 2]
        index = start[:, axis : axis + 1] + stride * torch.arange(length, device=x.device)  # (B, length)
        indices.append(wrapped(index, n))
    return _take(x, indices)


def _spread(y: Tensor, start: Tensor, shape: Sequence[int], stride: int) -> Tensor:
    """The adjoint, axis by axis: every pixel gathers those of the window that were read from it."""
    dims = len(shape)
    for axis, n in enumerate(shape):
        length = y.shape[axis + 2]
        ahead = (torch.arange(n, device=y.device) - start[:, axis : axis + 1]) % n  # (B, n)
        total: Tensor | None = None
        for turn in range(-(-stride * length // n)):
            place = ahead + turn * n
            read = (place % stride == 0) & (place < stride * length)
            index = [torch.arange(m, device=y.device).expand(y.shape[0], m) for m in y.shape[2:]]
            index[axis] = torch.where(read, place // stride, 0)
            mask = read.reshape(y.shape[0], *(n if i == axis + 1 else 1 for i in range(dims + 1)))
            part = torch.where(mask, _take(y, index), 0)
            total = part if total is None else total + part
        y = total if total is not None else y
    return y


def _take(x: Tensor, indices: Sequence[Tensor]) -> Tensor:
    """Take from each image of (B, C, *spatial) the pixels at the product of the indices (B, n) along each axis."""
    batch, dims = x.shape[0], x.ndim - 2
    size = [index.shape[1] for index in indices]
    flat = torch.zeros([batch] + [1] * dims, dtype=torch.int64, device=x.device)
    for axis, index in enumerate(indices):
        view = [batch, *(index.shape[1] if i == axis else 1 for i in range(dims))]
        flat = flat * x.shape[axis + 2] + index.reshape(view)
    flat = flat.flatten(1)  # (B, pixels)
    if not recording() and memory_format(x) != torch.contiguous_format:
        pixels = x.movedim(1, -1).reshape(-1, x.shape[1])  # one row for each pixel
        first = torch.arange(batch, device=x.device)[:, None] * (pixels.shape[0] // max(batch, 1))
        return pixels.index_select(0, (flat + first).flatten()).reshape(batch, *size, x.shape[1]).movedim(-1, 1)
    taken = x.flatten(2).gather(2, flat[:, None].expand(-1, x.shape[1], -1))
    return taken.reshape(batch, x.shape[1], *size)
