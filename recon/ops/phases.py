"""Phases: the stride**d subsampled images of which a strided layer keeps one, and putting one back onto its grid."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from recon.errors import ConfigError, require_at_least
from recon.ops.checks import require_divisible, require_one_each
from recon.ops.gathers import gather_window, spread_window
from recon.ops.memory import copies_blocks, empty_resized, memory_format
from recon.ops.tracing import recording


def phase_grid(stride: int, dims: int, *, device: torch.device | None = None) -> Tensor:
    """List the offsets (stride**dims, dims) of all phases, the last axis fastest.

    >>> phase_grid(2, 2).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    require_at_least(stride, 2, name="stride")
    axis = torch.arange(stride, device=device)
    return torch.cartesian_prod(*[axis] * dims).reshape(-1, dims)


def split_phases(x: Tensor, stride: int = 2) -> Tensor:
    """Split (B, C, *spatial) into its phases (B, stride**d, C, *spatial / stride), in the order of `phase_grid`.

    y_k[n] = x[stride n + k]  (Chaman and Dokmanic 2021, section 3.2)

    >>> split_phases(torch.arange(6.0).reshape(1, 1, 6)).tolist()
    [[[[0.0, 2.0, 4.0]], [[1.0, 3.0, 5.0]]]]
    """
    require_divisible(x, stride, name="x")
    dims = x.ndim - 2
    for axis in reversed(range(dims)):
        x = x.unflatten(axis + 2, (x.shape[axis + 2] // stride, stride))  # (B, C, h, s, w, s)
    order = [0, *range(3, 3 + 2 * dims, 2), 1, *range(2, 2 + 2 * dims, 2)]  # (B, s, s, C, h, w)
    return x.permute(order).flatten(1, dims)


def merge_phases(phases: Tensor, stride: int = 2) -> Tensor:
    """Interleave phases (B, stride**d, C, *small) into (B, C, *small * stride): the inverse of `split_phases`.

    >>> x = torch.randn(2, 3, 4, 6)
    >>> torch.equal(merge_phases(split_phases(x)), x)
    True
    """
    dims = phases.ndim - 3
    x = phases.unflatten(1, (stride,) * dims)  # (B, s, s, C, h, w)
    order = [0, dims + 1]
    for axis in range(dims):
        order += [dims + 2 + axis, 1 + axis]
    x = x.permute(order)  # (B, C, h, s, w, s)
    for axis in range(dims):
        x = x.flatten(axis + 2, axis + 3)
    return x


def keep_phase(x: Tensor, offset: Tensor | Sequence[int], stride: int = 2) -> Tensor:
    """Keep of each image (B, C, *spatial) the phase of its own offset (B, d): y[n] = x[stride n + offset].

    >>> keep_phase(torch.arange(6.0).reshape(1, 1, 6), [1]).tolist()
    [[[1.0, 3.0, 5.0]]]
    """
    require_divisible(x, stride, name="x")
    require_one_each(x, offset, name="offset")
    if isinstance(offset, Tensor) and not copies_blocks(x):
        return gather_window(x, offset, [n // stride for n in x.shape[2:]], stride)
    if recording():
        return x[(slice(None), slice(None), *(slice(o, None, stride) for o in offset))]
    return _Keep.apply(x, _offsets(offset, stride), stride)


def place_phase(y: Tensor, offset: Tensor | Sequence[int], stride: int = 2) -> Tensor:
    """Put (B, C, *small) back onto the grid of its phase, zeros elsewhere: x[stride n + offset] = y[n].

    The adjoint of `keep_phase` (equations 1 and 5 of Chaman and Dokmanic 2021).

    >>> place_phase(torch.tensor([[[1.0, 2.0]]]), [1]).tolist()
    [[[0.0, 1.0, 0.0, 2.0]]]
    """
    require_one_each(y, offset, name="offset")
    if isinstance(offset, Tensor) and not copies_blocks(y):
        return spread_window(y, offset, [n * stride for n in y.shape[2:]], stride)
    return _Place.apply(y, _offsets(offset, stride), stride)


def phase_index(offset: Tensor, stride: int) -> Tensor:
    """Number the phases: offsets (B, d) become positions (B,) in `phase_grid`.

    >>> phase_index(torch.tensor([[1, 0]]), 2).tolist()
    [2]
    """
    index = torch.zeros_like(offset[:, 0])
    for axis in range(offset.shape[1]):
        index = index * stride + offset[:, axis]
    return index


def _offsets(offset: Tensor | Sequence[int], stride: int) -> tuple[tuple[int, ...], ...]:
    """The offsets as numbers: one row for each image, or a single row where all images share it."""
    rows: tuple[tuple[int, ...], ...]
    if isinstance(offset, Tensor):
        rows = tuple(tuple(row) for row in offset.tolist()) or ((0,) * offset.shape[1],)  # a batch may be empty
    else:
        rows = (tuple(offset),)
    if not all(0 <= o < stride for row in rows for o in row):
        raise ConfigError(
            f"offset must have whole numbers from 0 to {stride - 1} for a stride of {stride}, got "
            f"{[list(row) for row in rows]}; take them modulo the stride"
        )
    return rows[:1] if len(set(rows)) == 1 else rows


def _grids(offsets: Sequence[Sequence[int]], stride: int) -> Iterator[tuple[slice, ...]]:
    """For each image (or the whole batch) the slices that pick its phase out of the full grid."""
    for i, row in enumerate(offsets):
        image = slice(None) if len(offsets) == 1 else slice(i, i + 1)
        yield (image, slice(None), *(slice(int(o), None, stride) for o in row))


class _Keep(torch.autograd.Function):
    """Keep one phase; backward places it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, offsets: tuple[tuple[int, ...], ...], stride: int) -> Tensor:  # noqa: ANN401
        ctx.offsets, ctx.stride = offsets, stride
        kept = [x[grid] for grid in _grids(offsets, stride)]
        layout = memory_format(x)
        if len(kept) == 1:
            return kept[0].clone(memory_format=layout)
        return torch.cat(kept).contiguous(memory_format=layout)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        return _Place.apply(grad, ctx.offsets, ctx.stride), None, None


class _Place(torch.autograd.Function):
    """Place one phase among zeros; backward keeps it."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, offsets: tuple[tuple[int, ...], ...], stride: int) -> Tensor:  # noqa: ANN401
        ctx.offsets, ctx.stride = offsets, stride
        x = empty_resized(y, [n * stride for n in y.shape[2:]]).zero_()
        for grid in _grids(offsets, stride):
            x[grid] = y[grid[0]]
        return x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        return _Keep.apply(grad, ctx.offsets, ctx.stride), None, None
