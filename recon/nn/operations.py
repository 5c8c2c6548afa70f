"""The operations of sampling layers: what is done at the chosen phase going down, how the gaps are filled going up.

A down operation has two forms: `dense` at every pixel, and `at` the pixels stride * n + offset of the phase that each
image chose (None: phase 0 for all). The second is a phase of the first. An up operation fills the full grid as if
phase 0 had been chosen; the up layer moves the result to the phase that was.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from recon.errors import ConfigError
from recon.nn.convolution import TRANSPOSED, Convolution, convolve, convolve_transposed
from recon.ops.periodic import periodic_window, roll_images
from recon.ops.phases import keep_phase, place_phase
from recon.ops.pooling import dense_max, dense_mean, max_pool, max_pool_at, unpool
from recon.ops.resampling import upsample_linear, upsample_nearest
from recon.samplings import DownOperation, UpOperation

_MEAN_POOLS = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


class Keep(nn.Module):
    """Keep the samples as they are."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def dense(self, x: Tensor) -> Tensor:
        """Give the image itself."""
        return x

    def at(self, x: Tensor, offset: Tensor | None) -> Tensor:
        """Keep the samples of a phase."""
        return keep_phase(x, [0] * (x.ndim - 2) if offset is None else offset, self.stride)


class MaxPool(nn.Module):
    """The maximum of stride**d pixels."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def dense(self, x: Tensor) -> Tensor:
        """Give the maximum from every pixel on."""
        return dense_max(x, self.stride)

    def at(self, x: Tensor, offset: Tensor | None) -> Tensor:
        """Give the maxima of the windows that start at a phase."""
        return max_pool(x, self.stride) if offset is None else max_pool_at(x, offset, self.stride)


class AveragePool(nn.Module):
    """The mean of stride**d pixels."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def dense(self, x: Tensor) -> Tensor:
        """Give the mean from every pixel on."""
        return dense_mean(x, self.stride)

    def at(self, x: Tensor, offset: Tensor | None) -> Tensor:
        """Give the means of the windows that start at a phase."""
        x = x if offset is None else roll_images(x, -offset)
        return _MEAN_POOLS[x.ndim - 2](x, self.stride)


class StridedConvolution(Convolution):
    """A circular convolution, of which every stride-th pixel is computed."""

    def __init__(self, channels: int, stride: int, *, kernel_size: int = 3, dims: int = 2) -> None:
        super().__init__(channels, channels, kernel_size=kernel_size, dims=dims)
        self.stride = stride

    def dense(self, x: Tensor) -> Tensor:
        """Convolve at every pixel."""
        return super().forward(x)

    def at(self, x: Tensor, offset: Tensor | None) -> Tensor:
        """Convolve at the pixels of a phase."""
        size = [n - self.stride + self.before + 1 + self.after for n in x.shape[2:]]
        window = periodic_window(x, [-self.before] * (x.ndim - 2) if offset is None else offset - self.before, size)
        return convolve(self.conv, window, stride=self.stride)


class Zeros(nn.Module):
    """Put zeros between the samples."""

    sparse = True  # whether a blur after it has gaps to fill, and so must be scaled by the stride along each axis

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, y: Tensor, codes: Tensor | None) -> Tensor:
        """Fill the grid."""
        return place_phase(y, [0] * (y.ndim - 2), self.stride)


class Transposed(nn.Module):
    """A transposed convolution whose kernel is its stride: zeros between the samples, then a convolution over them."""

    sparse = True

    def __init__(self, in_channels: int, out_channels: int, stride: int, *, dims: int = 2) -> None:
        super().__init__()
        self.conv = TRANSPOSED[dims](in_channels, out_channels, stride, stride=stride)

    def forward(self, y: Tensor, codes: Tensor | None) -> Tensor:
        """Fill the grid."""
        return convolve_transposed(self.conv, y)


class Unpool(nn.Module):
    """Put every maximum back where the matching down layer found it, zeros elsewhere."""

    sparse = True

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, y: Tensor, codes: Tensor | None) -> Tensor:
        """Fill the grid."""
        if codes is None:
            raise ConfigError("unpooling needs the phase of a down layer that keeps the places of its maxima (codes)")
        return unpool(y, codes, self.stride)


class Nearest(nn.Module):
    """Repeat every sample stride times along each axis."""

    sparse = False

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, y: Tensor, codes: Tensor | None) -> Tensor:
        """Fill the grid."""
        return upsample_nearest(y, self.stride)


class Bilinear(nn.Module):
    """Interpolate linearly between the samples, each at the middle of its stride**d pixels."""

    sparse = False

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, y: Tensor, codes: Tensor | None) -> Tensor:
        """Fill the grid."""
        return upsample_linear(y, self.stride)


DownModule = Keep | MaxPool | AveragePool | StridedConvolution
UpModule = Zeros | Transposed | Unpool | Nearest | Bilinear


def make_down_operation(name: DownOperation, channels: int, stride: int, *, dims: int, kernel_size: int) -> DownModule:
    """Build the down operation of that name."""
    if name == "conv":
        return StridedConvolution(channels, stride, kernel_size=kernel_size, dims=dims)
    modules: dict[str, type[Keep | MaxPool | AveragePool]] = {"keep": Keep, "max": MaxPool, "average": AveragePool}
    return modules[name](stride)


def make_up_operation(name: UpOperation, in_channels: int, out_channels: int, stride: int, *, dims: int) -> UpModule:
    """Build the up operation of that name; all but the transposed convolution keep the number of channels."""
    if name == "transposed":
        return Transposed(in_channels, out_channels, stride, dims=dims)
    modules: dict[str, type[Zeros | Unpool | Nearest | Bilinear]]
    modules = {"zeros": Zeros, "unpool": Unpool, "nearest": Nearest, "bilinear": Bilinear}
    return modules[name](stride)
