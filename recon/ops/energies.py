"""Exact energies of phases: a shift of the image permutes them and changes no bit of them.

A phase's energy is a sum over its pixels, and a floating-point sum depends on its order, which a shift changes. So the
sum over the channels of one pixel is made of element-wise operations alone (the same at every pixel), and the sum over
pixels is made of integers, whose sum is the same in every order.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from recon.ops.checks import require_divisible
from recon.ops.memory import memory_format
from recon.ops.tracing import recording

FRACTION_BITS = 36  # the largest pixel becomes 2**36, so 2**27 pixels of a phase still sum within 63 bits


def fixed_point(values: Tensor) -> tuple[Tensor, Tensor]:
    """Scale each image's values (B, ...) so that its largest magnitude is 2**36, and round: integers and scales (B,).

    The largest magnitude does not depend on where it lies, so a shifted image gives the same integers, shifted.

    >>> fixed_point(torch.tensor([[1.0, 0.5]]))[0].tolist() == [[2**36, 2**35]]
    True
    """
    wide = values.double()
    largest = wide.abs().flatten(1).amax(1)
    scale = 2.0**FRACTION_BITS / torch.where(largest > 0, largest, 1.0)
    scale = torch.minimum(scale, largest_power(scale))  # below 8e-298 the integers only become smaller
    scaled = wide * scale.reshape(-1, *[1] * (values.ndim - 1))
    return scaled.round().to(torch.int64), scale


def largest_power(like: Tensor) -> Tensor:
    """Give 2**1023 in the shape of a float64 tensor, computed, since ONNX keeps no constants that float32 cannot hold.

    >>> largest_power(torch.zeros(1, dtype=torch.float64)).item() == 2.0**1023
    True
    """
    return torch.exp2(torch.full_like(like, 1023.0))


def integer_sum(integers: Tensor, axes: Sequence[int]) -> Tensor:
    """Sum 64-bit integers over some axes, modulo 2**64.

    ONNX Runtime sums them in float64, which loses digits beyond 2**53 and stops at 2**63, but accumulates them exactly.

    >>> integer_sum(torch.tensor([[2**53, 1], [2**62, 2**62]]), [1]).tolist() == [2**53 + 1, -(2**63)]
    True
    """
    if not recording():
        return integers.sum(tuple(axes))
    for axis in sorted((axis % integers.ndim for axis in axes), reverse=True):
        integers = integers.cumsum(axis).select(axis, -1)
    return integers


def pixel_energies(x: Tensor, *, p: float = 2.0) -> Tensor:
    """Give the sum over channels of |x|**p (for p = inf: the largest |x|) of (B, C, *spatial) as float64 (B, *spatial).

    Computed in float32 or wider from the tensor as it is; a value too large for that counts as the largest there is.

    >>> pixel_energies(torch.tensor([[[3.0], [4.0]]])).tolist()
    [[25.0]]
    """
    x = x if x.dtype == torch.float64 else x.float()
    if p == math.inf:
        energies = x.abs().amax(1)
    elif x.device.type == "cpu" and not recording() and memory_format(x) != torch.contiguous_format:
        # With the channels side by side in memory, each pixel's norm is one run of the same instructions.
        norms = torch.linalg.vector_norm(x, ord=p, dim=1).double()
        energies = norms.square() if p == 2 else norms
    else:
        energies = _sum_over_channels(x.square() if p == 2 else x.abs())
    return energies.double().clamp(max=torch.finfo(x.dtype).max)


def phase_energies(x: Tensor, stride: int = 2, *, p: float = 2.0) -> Tensor:
    """Give the energies (B, stride**d) of the phases of (B, C, *spatial): int64, in units of the largest pixel / 2**36.

    e_k = sum over n and c of |x[c, stride n + k]|**p; for p = inf the largest |x| of the phase. The largest energy is
    the phase that adaptive polyphase sampling keeps (Chaman and Dokmanic 2021, section 2).

    >>> (phase_energies(torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])) * 16 // 2**36).tolist()
    [[10, 20]]
    """
    require_divisible(x, stride, name="x")
    energies, _ = fixed_point(pixel_energies(x, p=p))
    grouped = energies
    for axis in reversed(range(1, energies.ndim)):
        grouped = grouped.unflatten(axis, (grouped.shape[axis] // stride, stride))  # (B, h, s, w, s)
    pixels = tuple(range(1, grouped.ndim, 2))
    return (grouped.amax(pixels) if p == math.inf else integer_sum(grouped, pixels)).flatten(1)


def _sum_over_channels(terms: Tensor) -> Tensor:
    """Sum (B, C, *spatial) over C by halving, so that every pixel's sum is made in the same order."""
    odd_ones: Tensor | None = None
    while terms.shape[1] > 1:
        half = terms.shape[1] // 2
        if terms.shape[1] % 2:
            last = terms[:, -1]
            odd_ones = last if odd_ones is None else odd_ones + last
        terms = terms[:, :half] + terms[:, half : 2 * half]
    return terms[:, 0] if odd_ones is None else terms[:, 0] + odd_ones
