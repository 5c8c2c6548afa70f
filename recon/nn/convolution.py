"""Convolutions that keep the size of the image, in one to three dimensions, with circular or other borders."""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recon.errors import ShapeError, require_known
from recon.ops.periodic import pad_periodic
from recon.ops.phases import merge_phases
from recon.ops.tracing import recording

Padding = Literal["circular", "zeros", "reflect"]

_SMALL = 20480  # values of one image, up to which torch takes a matrix product
_MANY_IMAGES = 16  # from which on it does not for kernels of one pixel

ConvolutionLayer = nn.Conv1d | nn.Conv2d | nn.Conv3d
TransposedLayer = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d

CONVOLUTIONS: dict[int, type[nn.Conv1d | nn.Conv2d | nn.Conv3d]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED: dict[int, type[nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d]] = {
    1: nn.ConvTranspose1d,
    2: nn.ConvTranspose2d,
    3: nn.ConvTranspose3d,
}


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
            if self.padding == "reflect" and min(x.shape[2:]) <= self.after:
                raise ShapeError(
                    f"reflecting borders need features of more than {self.after} pixels along every axis, got "
                    f"{tuple(x.shape[2:])}; give larger images or fewer levels, or padding='circular'"
                )
            mode = "constant" if self.padding == "zeros" else "reflect"
            x = F.pad(x, [self.before, self.after] * dims, mode=mode)
        return convolve(self.conv, x)


def convolve(layer: ConvolutionLayer, x: Tensor, *, stride: int = 1) -> Tensor:
    """Apply the weights of a convolution of torch's, without padding, every pixel alike to the bit."""
    if not _rounds_by_position(x, layer.kernel_size):
        return (F.conv1d, F.conv2d, F.conv3d)[x.ndim - 3](x, layer.weight, layer.bias, stride=stride)
    return _onednn_convolution(x, layer.weight, layer.bias, stride)


def convolve_transposed(layer: TransposedLayer, y: Tensor) -> Tensor:
    """Apply the weights of a transposed convolution whose kernel is its stride, every pixel alike to the bit."""
    if not _rounds_by_position(y, layer.kernel_size):
        upsampled: Tensor = layer(y)
        return upsampled
    weight = layer.weight.flatten(2).permute(2, 1, 0).flatten(0, 1)  # one 1 x 1 convolution (P * C, C') for all phases
    phases = _onednn_convolution(y, weight.reshape(*weight.shape, *[1] * (y.ndim - 2)), None, 1)
    x = merge_phases(phases.unflatten(1, (-1, layer.out_channels)), layer.stride[0])
    return x if layer.bias is None else x + layer.bias.reshape(-1, *[1] * (x.ndim - 2))


def _rounds_by_position(x: Tensor, kernel_size: Sequence[int]) -> bool:
    """Whether torch makes a matrix product of this convolution, and so rounds differently at the last few pixels.

    It does so on a CPU in float32 for a small single image, and for kernels of one pixel. oneDNN's convolutions treat
    all pixels alike. A recorded graph keeps torch's own choice.
    """
    if recording() or x.device.type != "cpu" or x.dtype != torch.float32 or torch.is_autocast_enabled("cpu"):
        return False
    if all(n == 1 for n in kernel_size):
        product = x.shape[1] > 1 and x.shape[0] < _MANY_IMAGES  # of one channel it is no sum
    else:
        product = x.shape[0] == 1 and x.numel() <= _SMALL
    return product and torch.backends.mkldnn.is_available()


def _onednn_convolution(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
    """A convolution by oneDNN, which knows two and three dimensions."""
    if x.ndim == 3:
        return _onednn_convolution(x.unsqueeze(2), weight.unsqueeze(2), bias, stride).squeeze(2)
    ones, strides = [1] * (x.ndim - 2), [stride] * (x.ndim - 2)
    if x.shape[2] == 1 and weight.shape[2] == 1:
        strides[0] = 1
    return torch.mkldnn_convolution(x, weight, bias, [0] * len(ones), strides, ones, 1)
