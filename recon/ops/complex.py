"""Complex images as real ones with two channels for each complex channel."""

import torch
from torch import Tensor

from recon.errors import ShapeError


def as_channels(x: Tensor) -> Tensor:
    """Turn complex (B, C, *spatial) into real (B, 2 C, *spatial): real part, imaginary part, channel by channel.

    >>> as_channels(torch.tensor([[[1 + 2j]]])).tolist()
    [[[1.0], [2.0]]]
    """
    return torch.view_as_real(x).movedim(-1, 2).flatten(1, 2)


def as_complex(x: Tensor) -> Tensor:
    """Turn real (B, 2 C, *spatial) into complex (B, C, *spatial): the inverse of `as_channels`.

    >>> as_complex(torch.tensor([[[1.0], [2.0]]])).tolist()
    [[[(1+2j)]]]
    """
    if x.shape[1] % 2:
        raise ShapeError(f"x must have an even number of channels to become complex, got {x.shape[1]}")
    return torch.view_as_complex(x.unflatten(1, (-1, 2)).movedim(2, -1).contiguous())
