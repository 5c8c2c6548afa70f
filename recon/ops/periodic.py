"""Windows of an image's periodic extension: circular padding, rolling, and both at once, by block copies.

Every network here needs the same primitive: read, for each image of a batch, a window of the image's periodic extension
that starts at any pixel and has any size. A circular padding is a window that starts before the image, a roll is a
window of the image's own size that starts elsewhere, and a blur on a chosen phase is a padded window that starts at
that phase.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from recon.ops.checks import require_one_each
from recon.ops.gathers import gather_window, wrapped
from recon.ops.memory import copies_blocks, empty_resized
from recon.ops.tracing import known_at_most, recording

Run = tuple[slice, slice]  # (where it goes in the window, where it comes from in the image)


def periodic_window(x: Tensor, start: Tensor | Sequence[int], size: Sequence[int]) -> Tensor:
    """Give the window (B, C, *size) of each image's periodic extension: y[n] = x[(start + n) mod shape].

    Differentiable any number of times; keeps the memory format (channels_last stays channels_last).

    Args:
        x: images (B, C, *spatial), one to three spatial dimensions.
        start: first pixel of the window: one per image as an integer tensor (B, d), or the same for all as d numbers.
        size: the window's spatial size.

    >>> x = torch.arange(4.0).reshape(1, 1, 4)
    >>> periodic_window(x, start=[-1], size=[6])
    tensor([[[3., 0., 1., 2., 3., 0.]]])
    """
    require_one_each(x, start, name="start")
    require_one_each(x, size, name="size")
    if isinstance(start, Tensor):
        if not copies_blocks(x):
            return gather_window(x, start, size)
        starts = tuple(tuple(row) for row in start.tolist())
        if len(set(starts)) == 1:
            starts = starts[:1]
    else:
        if recording() and all(int(s) <= 0 for s in start):
            return _padded_window(x, start, size)
        starts = (tuple(start),)
    if tuple(size) == tuple(x.shape[2:]) and all(s % n == 0 for row in starts for s, n in zip(row, size, strict=True)):
        return x
    return _Window.apply(x, starts, tuple(size))


def roll_images(x: Tensor, shift: Tensor | Sequence[int]) -> Tensor:
    """Roll every image of (B, C, *spatial) circularly by its own shift (B, d): y[n] = x[n - shift].

    >>> roll_images(torch.arange(4.0).reshape(1, 1, 4), [1])
    tensor([[[3., 0., 1., 2.]]])
    """
    require_one_each(x, shift, name="shift")
    start = -shift if isinstance(shift, Tensor) else [-s for s in shift]
    return periodic_window(x, start, x.shape[2:])


def pad_periodic(x: Tensor, before: Sequence[int], after: Sequence[int]) -> Tensor:
    """Pad (B, C, *spatial) circularly by any number of pixels before and after, also by more than the image has.

    >>> pad_periodic(torch.arange(3.0).reshape(1, 1, 3), [1], [2])
    tensor([[[2., 0., 1., 2., 0., 1.]]])
    """
    require_one_each(x, before, name="before")
    require_one_each(x, after, name="after")
    size = [n + b + a for n, b, a in zip(x.shape[2:], before, after, strict=True)]
    return periodic_window(x, [-b for b in before], size)


class _Window(torch.autograd.Function):
    """The window; backward is the adjoint, which adds every pixel of the window to the one that it was read from."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, starts: tuple[tuple[int, ...], ...], size: tuple[int, ...]) -> Tensor:  # noqa: ANN401
        ctx.starts, ctx.shape = starts, tuple(x.shape[2:])
        y = empty_resized(x, size)
        for image, start in zip(_images(x, starts), starts, strict=True):
            for block in product(*(_runs(s, n, m) for s, n, m in zip(start, size, ctx.shape, strict=True))):
                y[(image, slice(None), *(to for to, _ in block))] = x[(image, slice(None), *(at for _, at in block))]
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        return _Fold.apply(grad, ctx.starts, ctx.shape), None, None


class _Fold(torch.autograd.Function):
    """The adjoint of the window: x[m] = sum of y[n] over all n with (start + n) mod shape = m."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, starts: tuple[tuple[int, ...], ...], shape: tuple[int, ...]) -> Tensor:  # noqa: ANN401
        ctx.starts, ctx.size = starts, tuple(y.shape[2:])
        x = empty_resized(y, shape)
        for image, start in zip(_images(y, starts), starts, strict=True):
            axes = [_covering_runs(s, n, m) for s, n, m in zip(start, ctx.size, shape, strict=True)]
            if not all(first for first, _ in axes):  # the window is smaller than the image: some pixels were never read
                x[image] = 0
                axes = [([], first + rest) for first, rest in axes]
            for block in product(*(first for first, _ in axes)):
                x[(image, slice(None), *(at for _, at in block))] = y[(image, slice(None), *(to for to, _ in block))]
            for block in product(*(first + rest for first, rest in axes)):
                if any(run in rest for run, (_, rest) in zip(block, axes, strict=True)):
                    x[(image, slice(None), *(at for _, at in block))] += y[
                        (image, slice(None), *(to for to, _ in block))
                    ]
        return x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        return _Window.apply(grad, ctx.starts, ctx.size), None, None


def _images(x: Tensor, starts: Sequence[Sequence[int]]) -> Iterator[slice]:
    """The slices of the batch that share a start: the whole batch, or one image each."""
    return iter([slice(None)] if len(starts) == 1 else [slice(i, i + 1) for i in range(len(x))])


def _runs(start: int, size: int, n: int) -> list[Run]:
    """Cut a window of one axis into runs that are contiguous in an image of n pixels."""
    runs, done = [], 0
    while done < size:
        at = (start + done) % n
        length = min(n - at, size - done)
        runs.append((slice(done, done + length), slice(at, at + length)))
        done += length
    return runs


def _covering_runs(start: int, size: int, n: int) -> tuple[list[Run], list[Run]]:
    """Divide the runs of one axis into some that cover the image exactly once (to copy), and the rest (to add)."""
    if size < n:
        return [], _runs(start, size, n)
    runs = _runs(start, size, n)
    whole = [run for run in runs if run[1] == slice(0, n)]
    if whole:
        return whole[:1], [run for run in runs if run != whole[0]]
    rest = [(slice(to.start + n, to.stop + n), at) for to, at in _runs(start + n, size - n, n)]
    return _runs(start, n, n), rest


def _padded_window(x: Tensor, start: Sequence[int], size: Sequence[int]) -> Tensor:
    """The window in torch's own operations, for a start known beforehand: a circular padding, cut to size."""
    before = [-first for first in start]
    after = [max(length - n - b, 0) for b, length, n in zip(before, size, x.shape[2:], strict=True)]
    if not all(known_at_most(max(b, a), n) for b, a, n in zip(before, after, x.shape[2:], strict=True)):
        return _selected_window(x, start, size)
    widths = [width for pair in zip(reversed(before), reversed(after), strict=True) for width in pair]
    x = F.pad(x, widths, mode="circular") if any(widths) else x
    for axis, length in enumerate(size):
        x = x.narrow(axis + 2, 0, length)
    return x


def _selected_window(x: Tensor, start: Sequence[int], size: Sequence[int]) -> Tensor:
    """The same where it reaches around an image more than once, as torch's own padding cannot."""
    for axis, (first, length) in enumerate(zip(start, size, strict=True)):
        index = torch.arange(length, device=x.device) + first
        x = x.index_select(axis + 2, wrapped(index, x.shape[axis + 2]))
    return x
