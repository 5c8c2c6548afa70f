"""Small networks with one kind of operation each."""

from collections.abc import Callable
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Made(nn.Module):
    """A network of a function and the modules that it takes after the image."""

    def __init__(self, function: Callable[..., object], *parts: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, x: Tensor) -> object:
        """Call the function."""
        return self.function(x, *self.parts)


class Residual(nn.Module):
    """A residual block whose stride sits in the middle of the main path, and at the start of the shortcut."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(n_in, n_out, 1)
        self.second = nn.Conv2d(n_out, n_out, 3, stride, 1)
        self.shortcut = nn.Conv2d(n_in, n_out, 1, stride)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Add both."""
        y: Tensor = self.norm(self.second(self.first(x).relu_()))
        y += self.shortcut(x)
        return y.relu_()


def head(channels: int = 4, size: int = 3) -> nn.Conv2d:
    """A first convolution."""
    return nn.Conv2d(1, channels, size, padding=size // 2)


def back(y: Tensor, x: Tensor, mode: str = "nearest") -> Tensor:
    """Interpolate to the image's size."""
    return F.interpolate(y, size=x.shape[2:], mode=mode)


def pooled(pool: nn.Module) -> Made:
    """A network that pools."""
    return Made(lambda x, a, b: back(b(a(x)), x), head(), pool)


def strided(kernel: int, stride: int, padding: int = 0, *, up: nn.Module | None = None, dilation: int = 1) -> Made:
    """A network with a strided convolution and a way up."""
    down = nn.Conv2d(4, 6, kernel, stride, padding, dilation=dilation)
    if up is None:
        return Made(lambda x, a, b: back(b(a(x)), x), head(), down)
    return Made(lambda x, a, b, c: c(b(a(x))), head(), down, up)


def gathered(x: Tensor, a: nn.Module) -> Tensor:
    """All four phases beside each other, as in patch merging."""
    y = a(x)
    return back(torch.cat([y[:, :, i::2, j::2] for i, j in product(range(2), repeat=2)], 1), x)


def squeezed(x: Tensor, a: nn.Module, gate: nn.Module) -> Tensor:
    """Squeeze and excitation."""
    y = a(x)
    weights: Tensor = torch.sigmoid(gate(y.mean((2, 3)))).view(x.shape[0], -1, 1, 1)
    return y * weights


def gated(x: Tensor, a: nn.Module) -> Tensor:
    """Gates of one pixel that are repeated in three ways, and the larger of two."""
    y = a(x).repeat(1, 2, 1, 1)
    y = torch.cat([y, torch.zeros(y.shape[0], 1, *y.shape[2:])], 1)
    gate = F.adaptive_max_pool2d(y, 1)
    y = y * gate.expand_as(y) + gate.expand(*y.shape)
    return torch.max(y, F.interpolate(gate, size=y.shape[2:], mode="bilinear"))[:, None, 1:].squeeze(1)


def channels_last(x: Tensor, a: nn.Module, norm: nn.Module, matrix: nn.Module) -> Tensor:
    """Layers whose channels come last, as in ConvNeXt."""
    y: Tensor = matrix(norm(a(x).permute(0, 2, 3, 1)))
    return y.permute(0, 3, 1, 2)


def shuffled(x: Tensor, a: nn.Module) -> Tensor:
    """A channel shuffle, as in ShuffleNet, and two halves exchanged."""
    y = a(x)
    y = y.view(y.shape[0], 2, 2, *y.shape[2:]).transpose(1, 2).reshape(y.shape)
    first, second = y.chunk(2, 1)
    return torch.cat([second, first], 1)


def reduced(x: Tensor, a: nn.Module) -> Tensor:
    """Reductions over channels."""
    y = a(x)
    return torch.cat([y.mean(1, keepdim=True), y.sum(1, True), y.amax(1, keepdim=True), y.max(1)[0][:, None]], 1)


def activated(x: Tensor, a: nn.Module) -> Tensor:
    """All the activations that are made of more than additions and comparisons."""
    y = a(x) * 3
    functions = (F.mish, F.softplus, F.elu, F.celu, F.selu, F.silu, F.gelu, torch.tanh, torch.sigmoid, torch.exp)
    results = [function(y) for function in functions]
    return torch.cat([*results, y.softmax(1), y.log_softmax(1), y.abs() ** 1.7, F.gelu(y, approximate="tanh")], 1)


def u_net(x: Tensor, a: nn.Module, b: nn.Module, c: nn.Module, up: nn.Module, d: nn.Module) -> Tensor:
    """Two levels with a skip, pooled by one function used twice; the upper way up is longer than the way down."""
    fine = a(x)
    middle = b(F.max_pool2d(fine, 2))
    coarse = c(F.avg_pool2d(middle, 2))
    middle = torch.cat([middle, up(coarse)], 1)
    result: Tensor = d(torch.cat([fine, back(middle, x, "bilinear"), back(coarse, x)], 1))
    return result


def padded(x: Tensor, before: nn.Module, a: nn.Module, b: nn.Module) -> Tensor:
    """Paddings of their own, on all sides and on two."""
    y = a(before(x)).relu()
    y = b(F.pad(y, (0, 1, 0, 1)))
    return back(F.pad(y, (0, 0, 0, 0, 1, 1)), x)  # channels of zeros


def enlarged(x: Tensor, a: nn.Module, down: nn.Module, shuffle: nn.Module, b: nn.Module) -> Tensor:
    """Down to a half, up to twice the size, and back to one."""
    y = shuffle(down(a(x)))
    return back(b(y), x) + F.avg_pool2d(b(y), 2)


SMALL: dict[str, Callable[[], nn.Module]] = {
    "kernel 3, stride 2": lambda: strided(3, 2, 1, up=nn.ConvTranspose2d(6, 1, 2, 2)),
    "kernel 7, stride 2": lambda: strided(7, 2, 3, up=nn.ConvTranspose2d(6, 1, 4, 2, 1)),
    "kernel 1, stride 2": lambda: strided(1, 2, up=nn.ConvTranspose2d(6, 2, 3, 2, 1, 1, groups=2)),
    "kernel 4, stride 4": lambda: strided(4, 4, up=nn.ConvTranspose2d(6, 1, 4, 4)),
    "kernel 3, stride 3": lambda: strided(3, 3, up=nn.Upsample(scale_factor=3, mode="bilinear")),
    "dilated": lambda: strided(3, 2, 2, dilation=2),
    "max": lambda: pooled(nn.MaxPool2d(2)),
    "max of 3": lambda: pooled(nn.MaxPool2d(3, 2, 1)),
    "max of 3, up to the border": lambda: pooled(nn.MaxPool2d(3, 2, ceil_mode=True)),
    "average": lambda: pooled(nn.AvgPool2d(2)),
    "average of 3": lambda: pooled(nn.AvgPool2d(3, 2, 1, count_include_pad=False)),
    "power": lambda: pooled(nn.LPPool2d(2, 2)),
    "blur pool": lambda: Made(lambda x, a, b: back(b(a(x)), x), head(), nn.Conv2d(4, 4, 3, 2, 1, groups=4, bias=False)),
    "stride 1": lambda: Made(
        lambda x, a, b, c: c(b(a(x))), head(), nn.AvgPool2d(3, 1, 1), nn.Conv2d(4, 1, 5, padding="same")
    ),
    "unpool": lambda: Made(
        lambda x, a, b, c: c(*b(a(x))), head(), nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
    ),
    "shuffle": lambda: Made(lambda x, a, b, c: c(b(a(x))), head(), nn.PixelUnshuffle(2), nn.PixelShuffle(2)),
    "interpolated down": lambda: Made(
        lambda x, a: back(F.interpolate(a(x), scale_factor=0.5, mode="bilinear"), x), head()
    ),
    "patches": lambda: Made(gathered, head()),
    "paddings": lambda: Made(padded, nn.ReflectionPad2d(1), nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3, 2)),
    "residual": lambda: Made(lambda x, a, b, c: back(c(b(a(x))), x), head(), Residual(4, 6, 2), Residual(6, 6, 2)),
    "u-net": lambda: Made(
        u_net,
        head(),
        nn.Conv2d(4, 6, 3, padding=1),
        nn.Conv2d(6, 8, 3, padding=1),
        nn.ConvTranspose2d(8, 4, 2, 2),
        nn.Conv2d(22, 1, 1),
    ),
    "enlarged": lambda: Made(
        enlarged, head(8), nn.Conv2d(8, 16, 3, 2, 1), nn.PixelShuffle(4), nn.Conv2d(1, 2, 3, padding=1)
    ),
    "squeezed": lambda: Made(squeezed, head(), nn.Linear(4, 4)),
    "gated": lambda: Made(gated, head()),
    "activations": lambda: Made(activated, head(5)),
    "norms": lambda: nn.Sequential(
        head(),
        nn.InstanceNorm2d(4, affine=True),
        nn.GroupNorm(2, 4),
        nn.BatchNorm2d(4),
        nn.PReLU(4),
        nn.InstanceNorm2d(4),
    ),
    "channels last": lambda: Made(channels_last, head(7), nn.LayerNorm(7), nn.Linear(7, 7)),
    "channel shuffle": lambda: Made(shuffled, head()),
    "reductions": lambda: Made(reduced, head(7)),
}


def small_with_methods() -> list[tuple[str, str]]:
    """Give the names of all small networks with all methods, but for the one pair that is refused."""
    pairs = [(name, method) for name in sorted(SMALL) for method in ("mass", "aps", "lps")]
    return [pair for pair in pairs if pair != ("unpool", "lps")]  # whose refusal test_errors.py asks for
