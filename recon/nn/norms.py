"""Normalisations whose statistics do not depend on where in the image a value lies."""

from typing import Literal

import torch
from torch import Tensor, nn

from recon.ops.exact_statistics import exact_moments

_BATCH_NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


class ExactInstanceNorm(nn.Module):
    """Normalise every channel of every image of (B, C, *spatial) by its own mean and variance.

    y = (x - mean) / sqrt(variance + epsilon)

    (Ulyanov et al. 2016; no trained scale, as in fastMRI's U-Net.) In eval mode the sums over pixels are made of
    integers, so that a shift of the image changes no bit of them; `torch.nn.InstanceNorm2d` sums in an order that a
    shift changes.
    """

    def __init__(self, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        if self.training:
            flat = x.flatten(2)
            mean, variance = flat.mean(2), flat.var(2, unbiased=False)
        else:
            mean, variance = exact_moments(x)
        shape = (*mean.shape, *[1] * (x.ndim - 2))
        factor = torch.rsqrt(variance + self.epsilon)
        return (x - mean.reshape(shape).to(x.dtype)) * factor.reshape(shape).to(x.dtype)


def make_norm(name: Literal["batch", "instance"], channels: int, *, dims: int) -> nn.Module:
    """Build the normalisation of that name."""
    return ExactInstanceNorm() if name == "instance" else _BATCH_NORMS[dims](channels)
