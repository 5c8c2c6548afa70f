"""What tests of converted networks do with them: numbers that are not trivial, images, shifts."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import gcd

import torch
from torch import Tensor, nn

from recon.metrics import equivariance_error
from recon.metrics.equivariance import disagreement, equivariance_pair

TOGETHER = 64  # images of a batch


def prepared(network: nn.Module) -> nn.Module:
    """Give a network numbers in its normalisations that are not 0 and 1, and set it to eval mode."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._NormBase) and module.running_mean is not None:
                assert module.running_var is not None  # they come together
                module.running_mean.normal_(generator=generator)
                module.running_var.uniform_(0.5, 2, generator=generator)
            if (
                isinstance(module, nn.modules.batchnorm._NormBase | nn.GroupNorm | nn.LayerNorm)
                and module.bias is not None
            ):
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(generator=generator)
    return network.eval()


def as_images(network: Callable[[Tensor], object]) -> Callable[[Tensor], Tensor]:
    """Let outputs be images: the entry `out` of several, and one colour everywhere for what has no pixels."""

    def images(x: Tensor) -> Tensor:
        y = network(x)
        y = y["out"] if isinstance(y, dict) else y
        assert isinstance(y, Tensor)
        return y if y.ndim == x.ndim else y.reshape(*y.shape, *[1] * (x.ndim - 2)).expand(*y.shape, *x.shape[2:])

    return images


def inexact(
    network: Callable[[Tensor], object], images: dict[str, Tensor], shifts: Sequence[Sequence[int]]
) -> list[str]:
    """Name the images (B, C, *spatial) whose output does not move with them, bit for bit, at every shift.

    Many shifts of all images go through the network as one batch, and the last shift of the first image alone.
    """
    function = as_images(network)
    x, (first, *_) = torch.cat(list(images.values())), images
    found = set() if equivariance_error(function, images[first], shifts[-1]).bitwise else {first}
    outputs: dict[int, Tensor] = {}  # of the unshifted images, so many times: some bits depend on a batch's size
    for rows in torch.tensor(shifts).split(max(TOGETHER // len(x), 1)):
        batch = x.repeat(len(rows), *[1] * (x.ndim - 1))
        if len(rows) not in outputs:
            outputs[len(rows)] = function(batch)
        output = outputs[len(rows)]
        moved = rows.repeat_interleave(len(x), 0)
        pair = equivariance_pair(lambda z, x=batch, y=output: y if z is x else function(z), batch, moved)  # type: ignore[misc]
        if not disagreement(*pair).bitwise:
            expected, got = (y.unflatten(0, (len(rows), len(images), -1)).unbind(1) for y in pair)
            same = [disagreement(a, b).bitwise for a, b in zip(expected, got, strict=True)]
            found |= {name for name, equal in zip(images, same, strict=True) if not equal}
    return [name for name in images if name in found]


def residues(period: int, dims: int = 2) -> list[tuple[int, ...]]:
    """All shifts smaller than a period."""
    return list(product(range(period), repeat=dims))


def random_shifts(size: Sequence[int], count: int) -> list[tuple[int, ...]]:
    """Some shifts, of every axis."""
    generator = torch.Generator().manual_seed(4)
    return [tuple(int(torch.randint(n, (), generator=generator)) for n in size) for _ in range(count)]


def hard_inputs(size: Sequence[int], *, channels: int = 1, batch: int = 1) -> dict[str, Tensor]:
    """Ordinary and hard images (B, C, *size) in any number of dimensions."""
    generator = torch.Generator().manual_seed(5)
    noise = torch.randn(batch, channels, *size, generator=generator)
    places = torch.stack(torch.meshgrid(*(torch.arange(n) for n in size), indexing="ij"))
    tile = [gcd(n, 4) for n in size]
    times = [n // t for n, t in zip(size, tile, strict=True)]
    tiles = noise[(slice(None), slice(None), *map(slice, tile))].repeat(1, 1, *times)
    return {
        "noise": noise,
        "zero": torch.zeros_like(noise),
        "constant": torch.full_like(noise, 0.7),
        "bars": (places[-1] % 2).expand_as(noise).float(),
        "checkerboard": (places.sum(0) % 2).expand_as(noise).float(),
        "tiles": tiles,
    }


def tensors(structure: object) -> Iterator[Tensor]:
    """Give the tensors of an output."""
    if isinstance(structure, Tensor):
        yield structure
    elif isinstance(structure, dict):
        for item in structure.values():
            yield from tensors(item)
