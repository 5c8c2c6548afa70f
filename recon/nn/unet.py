"""The U-Net of the papers, with any sampling in it."""

from collections.abc import Mapping, Sequence
from inspect import signature
from itertools import pairwise
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recon.errors import ConfigError, DataError, ShapeError, require_at_least, require_known
from recon.nn.anchor import Anchor
from recon.nn.convolution import Convolution, Padding
from recon.nn.norms import make_norm
from recon.nn.sampling import Ties, sampling_pair
from recon.nn.selectors import LearnedSelector
from recon.ops.checks import require_divisible, require_finite, require_images
from recon.ops.complex import as_channels, as_complex
from recon.ops.periodic import pad_periodic
from recon.samplings import Sampling, find_sampling, sampling_from_words, sampling_in_words

Pad = Literal["circular", "reflect"]
Norm = Literal["batch", "instance"]


class UNet(nn.Module):
    """The U-Net of Chaman and Dokmanic (2021): two 3x3 convolutions a level, one sampling pair between levels, skips.

    With circular padding and an adaptive sampling (aps, lps, mass, mass-unpool), in eval mode, a circular shift of the
    input shifts the output, bit for bit, by any number of pixels and for every input that overflows nowhere. (In graphs
    recorded by torch.jit.trace, torch.export or torch.compile, small images of odd sizes or numbers of channels can
    differ by a rounding, as torch's own convolutions do there.) plain, aps and mass have
    the same parameters: weights can be loaded from one into the other, and with every phase fixed to 0 they compute
    the same.

    Args:
        in_channels: channels of the input; a complex input counts as two for each of its channels.
        out_channels: channels of the output; even where the input is complex, and the output is complex too.
        channels: features of each level, from the finest; there is one sampling pair less than levels.
        sampling: a name of `recon.SAMPLINGS`, or a `recon.Sampling` of your own.
        blur: a filter's name, `adaptive-3`, or None for the sampling's own (only `lpf` has one).
        padding: of the convolutions. `circular` keeps equivariance exact; with `zeros` and `reflect` it is lost near
            the border, and so, through the phases, everywhere. The sampling layers are circular in any case.
        norm: `batch`, `instance` or None (then the convolutions have a bias).
        residual: add the input to the output; needs as many channels in as out.
        stride: of every sampling pair.
        dims: spatial dimensions, 1 to 3.
        pad: what to do with a size that stride**(levels - 1) does not divide: None refuses it, `circular` and
            `reflect` pad it at its end to the next multiple and crop the output. Equivariance then stays exact along
            those axes that needed no padding, and holds only approximately along the others, whose periodic image was
            cut. A graph recorded with `pad` is for sizes that lack as many pixels as the example did.
        ties: in eval mode, break ties between phases by the `image` (exact for blank, periodic and symmetric images
            too; costs nothing where there is no tie), or take the `first` of the tied phases.

    >>> network = UNet(1, 1, channels=(8, 16, 32), sampling="mass").eval()
    >>> network(torch.randn(2, 1, 32, 48)).shape
    torch.Size([2, 1, 32, 48])
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        channels: Sequence[int] = (64, 128, 256, 512, 1024),
        *,
        sampling: str | Sampling = "aps",
        blur: str | None = None,
        padding: Padding = "circular",
        norm: Norm | None = "batch",
        residual: bool = False,
        stride: int = 2,
        dims: int = 2,
        pad: Pad | None = None,
        ties: Ties = "image",
    ) -> None:
        super().__init__()
        _require_options(in_channels, out_channels, channels, residual=residual, norm=norm, pad=pad)
        spec = find_sampling(sampling)
        self.in_channels, self.out_channels, self.channels = in_channels, out_channels, tuple(channels)
        self.sampling, self.stride, self.dims, self.pad, self.residual = spec, stride, dims, pad, residual
        self.blur, self.padding, self.norm, self.ties = blur, padding, norm, ties
        self.multiple = stride ** (len(channels) - 1)

        def block(n_in: int, n_out: int) -> nn.Sequential:
            return _double_convolution(n_in, n_out, dims=dims, padding=padding, norm=norm)

        pairs = [
            sampling_pair(spec, fine, up_channels=coarse, blur=blur, stride=stride, dims=dims, ties=ties)
            for fine, coarse in pairwise(channels)
        ]
        self.encoder = nn.ModuleList(
            block(n_in, n_out) for n_in, n_out in zip((in_channels, *channels), channels, strict=False)
        )
        self.downs = nn.ModuleList(down for down, _ in pairs)
        self.narrows = nn.ModuleList(  # only a transposed convolution changes the number of channels itself
            Convolution(coarse, fine, kernel_size=1, dims=dims)
            for fine, coarse in pairwise(channels)
            if spec.up != "transposed"
        )
        self.ups = nn.ModuleList(up for _, up in pairs)
        self.decoder = nn.ModuleList(block(2 * fine, fine) for fine in channels[:-1])
        self.head = Convolution(channels[0], out_channels, kernel_size=1, dims=dims)

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruct (B, in_channels, *spatial) to (B, out_channels, *spatial)."""
        if isinstance(x, Tensor) and x.is_complex():
            return as_complex(self(as_channels(x)))
        self._check(x)
        size = x.shape[2:]
        x = self._padded(x)
        anchor = lowest = Anchor(x)
        features, skips, phases = x, [], []
        for encode, down in zip(self.encoder[:-1], self.downs, strict=True):
            features = encode(features)
            skips.append(features)
            fine = tuple(features.shape[2:])
            features, phase = down(features, lowest)
            lowest = lowest.below(phase.offset, self.stride, fine)
            phases.append(phase)
        features = self.encoder[-1](features)
        for level in reversed(range(len(skips))):
            if len(self.narrows):
                features = self.narrows[level](features)
            features = self.ups[level](features, phases.pop())
            features = torch.cat([skips.pop(), features], dim=1)
            features = self.decoder[level](features)
        output: Tensor = self.head(features)
        if self.residual:
            output = output + x
        output = anchor.settle(output)
        return output if self.pad is None else output[(slice(None), slice(None), *(slice(n) for n in size))]

    @property
    def arguments(self) -> dict[str, object]:
        """The arguments that build such a network again, as JSON can hold them (a sampling of your own by its fields).

        >>> UNet(channels=(8, 16), sampling="mass").arguments["channels"]
        [8, 16]
        """
        return {
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "channels": list(self.channels),
            "sampling": sampling_in_words(self.sampling),
            "blur": self.blur,
            "padding": self.padding,
            "norm": self.norm,
            "residual": bool(self.residual),
            "stride": self.stride,
            "dims": self.dims,
            "pad": self.pad,
            "ties": self.ties,
        }

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, object]) -> "UNet":
        """Build the network that has these `arguments`, with new weights; what is not given is as in the constructor.

        >>> UNet.from_arguments(UNet(channels=(8, 16), stride=3).arguments).stride
        3
        """
        for name in arguments:
            require_known(name, signature(cls).parameters, name="argument of a UNet")
        given = dict(arguments)
        try:
            if isinstance(words := given.get("sampling"), Mapping):
                given["sampling"] = sampling_from_words(words)
            return cls(**given)  # type: ignore[arg-type]  # it checks them itself
        except TypeError as error:
            raise ConfigError(f"the arguments of a UNet must be of its types, got {given}: {error}") from error

    def set_temperature(self, temperature: float) -> None:
        """Set the temperature of the Gumbel-softmax of every learned selection."""
        if not temperature > 0:
            raise ConfigError(f"temperature must be positive, got {temperature!r}")
        for module in self.modules():
            if isinstance(module, LearnedSelector):
                module.temperature.fill_(temperature)

    def _check(self, x: Tensor) -> None:
        """Refuse what cannot be reconstructed."""
        require_images(x, self.dims, name="x")
        if x.shape[1] != self.in_channels:
            raise ShapeError(
                f"x must have {self.in_channels} channels (a complex channel counts as two), got {x.shape[1]} in "
                f"{tuple(x.shape)}; build the network with other in_channels"
            )
        weight = self.head.conv.weight
        if x.dtype != weight.dtype and not torch.is_autocast_enabled(x.device.type):
            raise DataError(
                f"x must be of the type of the network's weights, {weight.dtype}, got {x.dtype}; "
                f"convert one of them, for instance with x.to({weight.dtype})"
            )
        require_finite(x, name="x")
        if 0 in x.shape[2:]:
            raise ShapeError(f"x must have at least one pixel along every axis, got {tuple(x.shape)}")
        if self.pad is None:
            require_divisible(x, self.multiple, name="x")

    def _padded(self, x: Tensor) -> Tensor:
        """Pad to the next size that fits, where that is asked for."""
        if self.pad is None:
            return x
        missing = [-n % self.multiple for n in x.shape[2:]]
        if self.pad == "circular":
            return pad_periodic(x, [0] * self.dims, missing)
        if any(m >= n for m, n in zip(missing, x.shape[2:], strict=True)):
            raise ShapeError(
                f"pad='reflect' can at most double an image, got {tuple(x.shape[2:])}; pass pad='circular'"
            )
        widths = [width for m in reversed(missing) for width in (0, m)]
        return F.pad(x, widths, mode="reflect") if any(widths) else x


def _require_options(
    in_channels: int,
    out_channels: int,
    channels: Sequence[int],
    *,
    residual: bool,
    norm: Norm | None,
    pad: Pad | None,
) -> None:
    """Raise an error for options that make no network; the layers check their own."""
    for name, value in (("in_channels", in_channels), ("out_channels", out_channels)):
        require_at_least(value, 1, name=name)
    if len(channels) < 2:
        raise ConfigError(f"channels must have one number for each of at least 2 levels, got {tuple(channels)}")
    for value in channels:
        require_at_least(value, 1, name="every one of channels")
    if residual and in_channels != out_channels:
        raise ConfigError(f"residual needs as many channels in as out, got {in_channels} in and {out_channels} out")
    if pad is not None:
        require_known(pad, get_args(Pad), name="pad")
    if norm is not None:
        require_known(norm, get_args(Norm), name="norm")


def _double_convolution(n_in: int, n_out: int, *, dims: int, padding: Padding, norm: Norm | None) -> nn.Sequential:
    """Two 3**d convolutions, each followed by a normalisation and ReLU."""
    layers: list[nn.Module] = []
    for source in (n_in, n_out):
        layers.append(Convolution(source, n_out, dims=dims, padding=padding, bias=norm is None))
        if norm is not None:
            layers.append(make_norm(norm, n_out, dims=dims))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)
