"""What a tensor looks like in memory: its format (channels_last in, channels_last out) and its bits."""

from collections.abc import Sequence

import torch
from torch import Tensor

from recon.ops.tracing import recording

_INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


def memory_format(x: Tensor) -> torch.memory_format:
    """Give the memory format of x (B, C, *spatial): channels_last only where x is not contiguous as well.

    >>> memory_format(torch.zeros(1, 2, 4, 4).to(memory_format=torch.channels_last))
    torch.channels_last
    """
    layout = _CHANNELS_LAST.get(x.ndim)
    if layout is not None and not x.is_contiguous() and x.is_contiguous(memory_format=layout):
        return layout
    return torch.contiguous_format


def empty_resized(x: Tensor, size: Sequence[int]) -> Tensor:
    """Give an uninitialised tensor like x (B, C, *spatial) with another spatial size.

    >>> empty_resized(torch.zeros(1, 2, 4, 4), (3, 5)).shape
    torch.Size([1, 2, 3, 5])
    """
    return torch.empty((*x.shape[:2], *size), dtype=x.dtype, device=x.device, memory_format=memory_format(x))


def bits(x: Tensor) -> Tensor:
    """Give the bits of floating-point numbers as integers of the same width.

    >>> bits(torch.tensor([0.0, 1.0])).tolist()
    [0, 1065353216]
    """
    return x.contiguous().view(_INTEGERS[x.element_size()])


def copies_blocks(x: Tensor) -> bool:
    """Whether to copy blocks, whose places must be known as Python numbers, rather than gather single pixels.

    That is faster on a CPU; on a GPU it would wait for the numbers, and a recorded graph does not have them.
    """
    return x.device.type == "cpu" and not recording()
