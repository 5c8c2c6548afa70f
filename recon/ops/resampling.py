"""Upsampling of periodic images by element-wise operations: by repetition, and by linear interpolation."""

import torch
from torch import Tensor


def upsample_nearest(y: Tensor, stride: int = 2) -> Tensor:
    """Repeat every pixel of (B, C, *small) stride times along each axis: x[stride n + k] = y[n].

    >>> upsample_nearest(torch.tensor([[[1.0, 2.0]]])).tolist()
    [[[1.0, 1.0, 2.0, 2.0]]]
    """
    for axis in range(2, y.ndim):
        y = _interleave([y] * stride, axis)
    return y


def upsample_linear(y: Tensor, stride: int = 2) -> Tensor:
    """Interpolate (B, C, *small) linearly and circularly, pixel n lying at the middle of its stride new pixels.

    x[stride n + k] = (1 - |t|) y[n] + |t| y[n + sign t],  t = (k + 1/2) / stride - 1/2

    (torch's bilinear upsampling with align_corners=False, on a circle.)

    >>> upsample_linear(torch.tensor([[[0.0, 4.0]]])).tolist()
    [[[1.0, 1.0, 3.0, 3.0]]]
    """
    for axis in range(2, y.ndim):
        before, after = torch.roll(y, 1, axis), torch.roll(y, -1, axis)
        places = [(k + 0.5) / stride - 0.5 for k in range(stride)]
        y = _interleave([y * (1 - abs(t)) + (after if t > 0 else before) * abs(t) for t in places], axis)
    return y


def _interleave(parts: list[Tensor], axis: int) -> Tensor:
    """Interleave images along one axis."""
    return torch.stack(parts, dim=axis + 1).flatten(axis, axis + 1)
