"""How far networks agree with themselves under every shift, on a few images of any kind: no data set is needed."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from recon.data.natural import natural_images
from recon.errors import ConfigError
from recon.metrics.equivariance import disagreement
from recon.nn.conversion.steps import leaves
from recon.ops.periodic import roll_images

MOST = 1024  # shifts that are tried of white noise
SOME = 64  # and of other images
_BATCH = 16
_SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """An image (1, C, *spatial), what it shows, and the shifts to be tried of it."""

    name: str
    image: Tensor
    shifts: Sequence[tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a network does to one image under shifts.

    Args:
        image: what the image shows.
        compared: how many shifts were tried.
        bitwise: after how many of them the output was equal, bit for bit, once moved back.
        nmse: the largest error.
    """

    image: str
    compared: int
    bitwise: int
    nmse: float


def agreements(
    network: nn.Module, trials: Sequence[Trial], *, told: Callable[[int], None] = lambda count: None
) -> list[Agreement]:
    """Try all shifts: outputs of the image's size are moved back, those without pixels must stay as they are.

    The first tensor of a structure is taken for the output. `told` is told how many images were done.
    """
    return [_agreement(network, trial, told) for trial in trials]


def shifts_below(period: int, dims: int) -> list[tuple[int, ...]]:
    """Give all shifts below a period, which stand for all where the network is circular; at random where they are many.

    >>> shifts_below(2, 2)
    [(0, 1), (1, 0), (1, 1)]
    """
    if period**dims <= MOST:
        return list(itertools.product(range(period), repeat=dims))[1:]
    drawn = np.random.default_rng(_SEED).integers(0, period, size=(MOST, dims))
    return [tuple(int(n) for n in row) for row in drawn]


def trials_of(shape: Sequence[int], period: int) -> list[Trial]:
    """Give white noise under all shifts below the period, and a photograph and one value under some of them."""
    generator = torch.Generator().manual_seed(_SEED)
    shifts = shifts_below(period, len(shape) - 1)
    some = [shifts[place] for place in np.random.default_rng(_SEED).permutation(len(shifts))[:SOME]]
    trials = [Trial("white noise", torch.randn(1, *shape, generator=generator), shifts)]
    if len(shape) == 3:
        values = torch.from_numpy(natural_images(max(shape[1:]), count=1)[0].values)[None, None]
        photograph = values[..., : shape[1], : shape[2]].expand(1, *shape).contiguous()
        trials.append(Trial("a photograph", photograph, some))
    return [*trials, Trial("one value", torch.full((1, *shape), 0.5), some)]


def _agreement(network: nn.Module, trial: Trial, told: Callable[[int], None]) -> Agreement:
    run = _function(network)
    size = min(_BATCH, len(trial.shifts))
    unmoved = run(trial.image.expand(size, *trial.image.shape[1:]))  # bits depend on the batch's size, and on the row
    equal, largest = 0, 0.0
    for start in range(0, len(trial.shifts), size):
        part = trial.shifts[start : start + size]
        filled = [*part, *[part[-1]] * (size - len(part))]
        moved = [roll_images(trial.image, shift) for shift in filled]
        for shift, output, expected in zip(part, run(torch.cat(moved)), unmoved, strict=False):
            error = disagreement(expected[None], _moved_back(output[None], shift, trial.image))
            equal += error.bitwise
            largest = max(largest, error.nmse)
        told(len(part))
    return Agreement(trial.name, len(trial.shifts), equal, largest)


def _moved_back(output: Tensor, shift: Sequence[int], image: Tensor) -> Tensor:
    """Move an output (1, ...) back; what has no pixels does not move."""
    if output.ndim <= 2 or all(n == 1 for n in output.shape[2:]):
        return output
    factors = [n / m for n, m in zip(output.shape[2:], image.shape[2:], strict=True)]
    if any(factor != int(factors[0]) or factor < 1 for factor in factors):
        raise ConfigError(
            f"the output must have the image's size, a whole multiple of it, or no pixels, got {tuple(output.shape)} "
            f"for {tuple(image.shape)}, which cannot be moved back; convert the network by recon.make_equivariant"
        )
    return roll_images(output, [-int(factors[0]) * n for n in shift])


def _function(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """Give a function of images alone, to the first tensor that the network gives."""

    @torch.no_grad()
    def run(images: Tensor) -> Tensor:
        for leaf in leaves(network(images)):
            if isinstance(leaf, Tensor):
                return leaf
        raise ConfigError("the network must give a tensor, got none; wrap it so that it gives one")

    return run
