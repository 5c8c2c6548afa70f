"""Mean and variance over pixels, the same to the bit wherever the pixels lie."""

import torch
from torch import Tensor

from recon.ops.energies import largest_power

_BITS = 30  # of the largest magnitude; sums of up to 2**22 such integers are exact in float64


def exact_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Give the mean and the variance (B, C), in float64, over the pixels of (B, C, *spatial).

    Values are rounded to 2**-30 of their channel's largest magnitude, and so are their squares; the rounding is
    invisible to the gradient. Exact up to 2**22 pixels.

    >>> [round(float(m), 6) for m in exact_moments(torch.tensor([[[1.0, 3.0]]]))]
    [2.0, 1.0]
    """
    wide = x.double().flatten(2)
    mean = _exact_mean(wide)
    return mean, _exact_mean((wide - mean[..., None]).square())


def _exact_mean(values: Tensor) -> Tensor:
    """The mean over the last axis, of values rounded to so few bits that their sum is exact."""
    largest = values.detach().abs().amax(-1, keepdim=True)
    scale = 2.0**_BITS / torch.where(largest > 0, largest, 1.0)
    scale = torch.minimum(scale, largest_power(scale))
    scaled = values * scale
    scaled = scaled + (scaled.detach().round() - scaled.detach())
    return scaled.sum(-1) / values.shape[-1] / scale.squeeze(-1)
