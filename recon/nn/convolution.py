"""Convolutions that keep the size of the image, in one to three dimensions, with circular or other borders."""

from typing import Literal, get_args

import torch.nn.functional as F
from torch import Tensor, nn

from recon.errors import require_known
from recon.ops.periodic import pad_periodic

Padding = Literal["circular", "zeros", "reflect"]

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


class Convolution(nn.Module):
    """Convolve (B, C, *spatial) to (B, C', *spatial), stride 1.

    With circular padding the layer commutes exactly with circular shifts; with zeros or reflection it does not within
    kernel_size // 2 pixels of the border.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int = 3,
        dims: int = 2,
        padding: Padding = "circular",
        bias: bool = True,
    ) -> None:
        super().__init__()
        require_known(padding, get_args(Padding), name="padding")
        self.padding = padding
        self.before, self.after = (kernel_size - 1) // 2, kernel_size // 2
        self.conv = CONVOLUTIONS[dims](in_channels, out_channels, kernel_size, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Pad and convolve."""
        dims = x.ndim - 2
        if self.padding == "circular":
            x = pad_periodic(x, [self.before] * dims, [self.after] * dims)
        elif self.before or self.after:
            mode = "constant" if self.padding == "zeros" else "reflect"
            x = F.pad(x, [self.before, self.after] * dims, mode=mode)
        convolved: Tensor = self.conv(x)
        return convolved
