"""What training makes small: the distance of outputs from targets, and of outputs from their own shifts."""

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from recon.metrics.quality import ssim

LossName = Literal["mse", "l1", "ssim"]
Network = Callable[[Tensor], Tensor]


def reconstruction_loss(name: LossName, output: Tensor, target: Tensor, data_range: Tensor) -> Tensor:
    """Give the mean squared error, the mean absolute error, or 1 - SSIM of images (B, C, H, W), all in one scale.

    `data_range` (B,) is the peak of SSIM; the others do not need it.
    """
    if name == "mse":
        return F.mse_loss(output, target)
    if name == "l1":
        return F.l1_loss(output, target)
    return 1 - ssim(output.float(), target.float(), data_range).mean()


def equivariance_loss(network: Network, inputs: Tensor, outputs: Tensor, *, furthest: int) -> Tensor:
    """Give the mean squared difference between shifted outputs and outputs of shifted inputs, for a random shift.

    One shift (rows, columns), uniform from -furthest to furthest, for the batch, from torch's random numbers. This is
    the way to train equivariance in where the layers do not have it.
    """
    rows, columns = torch.randint(-furthest, furthest + 1, (2,)).tolist()
    shifted = network(inputs.roll((rows, columns), dims=(-2, -1)))
    return F.mse_loss(shifted, outputs.roll((rows, columns), dims=(-2, -1)))
