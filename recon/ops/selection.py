"""Choosing one phase from the scores of all, with a rule for ties that a shift carries along."""

import torch
from torch import Tensor

from recon.ops.phases import phase_grid

TIE_BITS = 33  # scores within 2**-33 of the best count as tied: float64 convolutions differ by less between positions


def tied_phases(scores: Tensor, *, largest: bool = True) -> Tensor:
    """Mark (B, P) the phases whose integer scores (B, P) are the best, or as good as the best.

    >>> tied_phases(torch.tensor([[5, 7, 7, 1]])).tolist()
    [[False, True, True, False]]
    """
    best = scores.amax(1, keepdim=True) if largest else scores.amin(1, keepdim=True)
    slack = scores.abs().amax(1, keepdim=True) // 2**TIE_BITS
    return (scores - best).abs() <= slack


def choose_phase(tied: Tensor, stride: int, dims: int, anchor: Tensor | None = None) -> Tensor:
    """Choose one of the tied phases (B, P) for every image: the offset (B, d) that comes first, seen from the anchor.

    The phases are ordered by (offset - anchor) mod stride. Where the image is shifted, its anchor (a pixel singled out
    by the image itself) and its phases move together, so the choice moves too. Without an anchor the order is that of
    `phase_grid`, and ties break equivariance.

    >>> tied = torch.tensor([[True, True]])
    >>> choose_phase(tied, 2, 1).tolist(), choose_phase(tied, 2, 1, anchor=torch.tensor([[3]])).tolist()
    ([[0]], [[1]])
    """
    grid = phase_grid(stride, dims, device=tied.device)  # (P, d)
    seen = grid[None] if anchor is None else grid[None] - (anchor % stride)[:, None]
    seen = torch.where(seen < 0, seen + stride, seen)
    rank = torch.zeros_like(seen[..., 0])
    for axis in range(dims):
        rank = rank * stride + seen[..., axis]
    first = torch.where(tied, stride**dims - rank, 0).argmax(1)
    return grid[first]


def relative_gap(scores: Tensor, *, largest: bool = True) -> Tensor:
    """Give (B,) the gap between the best and the second-best score of (B, P), relative to the largest magnitude.

    Zero for a tie; this is how much the scores may change before the choice can.

    >>> relative_gap(torch.tensor([[100, 75, 10, 0]])).tolist()
    [0.25]
    """
    best = scores.double().topk(2, dim=1, largest=largest).values
    scale = scores.double().abs().amax(1)
    return (best[:, 0] - best[:, 1]).abs() / torch.where(scale > 0, scale, 1.0)
