"""Before and after without data: shifts of noise, a photograph and a blank image."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from recon.conversion.agreement import Agreement, Trial, agreement, movements
from recon.conversion.convert import Conversion, converted
from recon.conversion.originals import AnyNetwork, Original, example_of, image_like
from recon.data.natural import natural_images
from recon.data.progress import Counter
from recon.evaluation.loading import Place
from recon.nn.converted import NONE, Converted

MOST = 1024  # shifts that are tried of white noise, and
SOME = 64  # of other images
BEFORE, CIRCULAR, AFTER = "original", "with circular paddings", "converted"


@dataclass(frozen=True, slots=True)
class Tried:
    """What networks do to shifted images.

    Args:
        shape: of the images.
        period: below which shifts stand for all where a network is circular.
        residues: how many of these shifts white noise was tried under, none of them being no shift.
        found: for each network what it did to each image; empty where nothing could be compared.
        outputs: how many tensors each network gives, and how many of them were compared.
    """

    shape: tuple[int, ...]
    period: int
    residues: int
    found: Mapping[str, Sequence[Agreement]]
    outputs: tuple[int, int]

    @property
    def is_all(self) -> bool:
        """Whether these were all shifts that there are below the period."""
        return self.residues == self.period ** (len(self.shape) - 1) - 1


def tried(conversion: Conversion, *, place: Place, limit: int | None = None, seed: int = 0) -> Tried:
    """Try shifts on the original, on its circular form where that is another, and on the conversion.

    `limit` is the most shifts of an image that are tried.
    """
    original, network = conversion.original, conversion.network
    shape, period = example_of(network), network.multiple
    networks = {BEFORE: original.network, **_circular(original, conversion), AFTER: network}
    networks = {name: one.to(place.device) for name, one in networks.items()}
    trials = trials_of(network, shape, period, most=limit or MOST, seed=seed)
    moving = movements(network, trials[0].image)
    outputs = (len(moving), sum(movement is not None for movement in moving))
    residues = len({tuple(n % period for n in shift) for shift in trials[0].shifts} - {(0,) * (len(shape) - 1)})
    if not outputs[1]:
        return Tried(shape, period, 0, {}, outputs)
    total = len(networks) * sum(len(trial.shifts) for trial in trials)
    with Counter("trying shifts", total, unit="images") as counter:
        found = {
            name: [agreement(one, trial, batch_size=place.batch_size, told=counter.advance) for trial in trials]
            for name, one in networks.items()
        }
    return Tried(shape, period, residues, found, outputs)


def trials_of(network: nn.Module, shape: Sequence[int], period: int, *, most: int = MOST, seed: int = 0) -> list[Trial]:
    """Give white noise under all shifts below the period, and a photograph and one value under some, as networks take.

    Every shift is moved on by whole periods, at random, so that all of the image is crossed.
    """
    shifts = shifts_of(shape[1:], period, most=most, seed=seed)
    order = np.random.default_rng(seed).permutation(len(shifts))
    some = [shifts[place] for place in order[:SOME]]
    generator = torch.Generator().manual_seed(seed)
    images = {"white noise": torch.randn(1, *shape, generator=generator)}
    if len(shape) == 3:
        values = torch.from_numpy(natural_images(max(shape[1:]), count=1)[0].values)
        images["a photograph"] = values[: shape[1], : shape[2]].float().expand(1, *shape).contiguous()
    images["one value"] = torch.full((1, *shape), 0.5)
    return [
        Trial(name, image_like(network, image), some if number else shifts)
        for number, (name, image) in enumerate(images.items())
    ]


def shifts_of(size: Sequence[int], period: int, *, most: int = MOST, seed: int = 0) -> list[tuple[int, ...]]:
    """Give one shift for each that there is below the period (`most`, drawn at random, of more), and some in any case.

    >>> [tuple(n % 2 for n in shift) for shift in shifts_of((2, 2), 2)]
    [(0, 1), (1, 0), (1, 1)]
    """
    generator = np.random.default_rng(seed)
    dims, count = len(size), period ** len(size) - 1
    numbers = 1 + (np.arange(count) if count <= most else generator.choice(count, size=most, replace=False))
    fill = max(0, min(SOME, most, math.prod(size) - 1) - len(numbers))
    numbers = np.concatenate([numbers, generator.integers(0, count + 1, size=fill)])
    residues = np.stack(np.unravel_index(numbers.astype(np.int64), (period,) * dims), axis=-1)
    periods = generator.integers(0, [max(1, length // period) for length in size], size=residues.shape)
    shifts = dict.fromkeys(tuple(int(n) for n in row) for row in residues + period * periods)
    return [shift for shift in shifts if any(n % length for n, length in zip(shift, size, strict=True))]


def _circular(original: Original, conversion: Conversion) -> dict[str, AnyNetwork]:
    """Give the original with circular paddings, where neither it nor the conversion is that."""
    network = original.network
    as_it_is = network.sampling.name == NONE if isinstance(network, Converted) else network.padding != "circular"
    return {CIRCULAR: converted(original, "plain").network} if as_it_is and conversion.method != "plain" else {}
