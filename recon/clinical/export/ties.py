"""What a checkpoint makes of images whose phases tie but for rounding, where another runtime may choose another."""

from collections.abc import Iterator
from copy import deepcopy

import torch
from torch import nn

_COPIES = 16  # of two phases each gives one by chance
_NUDGE = 2.0**-22  # of a weight's size: a quarter of a millionth


def nudged(module: nn.Module) -> Iterator[nn.Module]:
    """Give copies of a network, one after the other, with the last bits of its weights moved.

    On periodic and symmetric images phases can tie in exact arithmetic and differ in the last bit of what is computed.
    Then the order of a convolution's sums decides, which each runtime has of its own. Where phases do not tie, the
    copies give what the network gives, but for rounding.
    """
    for seed in range(_COPIES):
        copy, generator = deepcopy(module), torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for weight in copy.parameters():
                noise = torch.randn(weight.shape, generator=generator).to(weight)
                weight.addcmul_(weight, noise, value=_NUDGE)
        yield copy
