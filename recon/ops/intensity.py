"""Central crops, and an image's own mean and deviation taken out and put back."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from recon.errors import ShapeError

FASTMRI_EPSILON = 1e-11  # what fastMRI's U-Net transform adds to the deviation


class Normalised(NamedTuple):
    """An image with mean 0 and deviation 1, and the numbers that undo it: `image * scale + mean`."""

    image: Tensor
    mean: Tensor
    scale: Tensor


def centre_crop(image: Tensor, size: Sequence[int]) -> Tensor:
    """Give the middle (height, width) of an image (..., H, W), starting at index (n - size) // 2, as fastMRI does.

    >>> centre_crop(torch.arange(5).expand(4, 5), (2, 3))
    tensor([[1, 2, 3],
            [1, 2, 3]])
    """
    (height, width), (rows, columns) = size, image.shape[-2:]
    if not (0 < height <= rows and 0 < width <= columns):
        raise ShapeError(
            f"image must be at least as large as its crop of {height} x {width}, got {rows} x {columns}; crop less"
        )
    top, left = (rows - height) // 2, (columns - width) // 2
    return image[..., top : top + height, left : left + width]


def normalise(image: Tensor, *, epsilon: float = FASTMRI_EPSILON) -> Normalised:
    """Take the mean out of an image of any shape and divide by its deviation: (x - mean) / (deviation + epsilon).

    The deviation is the unbiased one (n - 1), as in fastMRI's `normalize_instance`. An image of one pixel, or a
    constant one, has the deviation 0.

    >>> normalise(torch.tensor([1.0, 2.0, 3.0])).image
    tensor([-1.,  0.,  1.])
    """
    mean = image.mean()
    deviation = image.std() if image.numel() > 1 else torch.zeros_like(mean)
    scale = deviation + epsilon
    return Normalised((image - mean) / scale, mean, scale)
