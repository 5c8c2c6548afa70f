"""Which shifts are all there are: for a circular network, those below its period; for others, a search."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from recon.evaluation.models import Model
from recon.metrics.equivariance import disagreement
from recon.ops.periodic import roll_images

ROUNDING = 1e-9  # NMSE below which two outputs are taken for equal where the premise is checked
_PERIODS = (16, 32, 64)  # tried where a network does not say its own
_MULTIPLES = ((1, 0), (0, 1), (3, 5))
PREMISE_PASSES = 1 + len(_MULTIPLES)  # that `shift_set` takes where the first period fits


@dataclass(frozen=True, slots=True)
class ShiftSet:
    """Shifts (N, 2) to be tried, the first of which is none, and what they stand for.

    Args:
        shifts: rows and columns.
        period: shifts that differ by multiples of it are equivalent; 0 if that does not hold.
        premise: the largest NMSE between T G(x) and G(T x) found for shifts by multiples of the period.
        meaning: `all residues`, `every shift` or `random`.
        largest: the largest difference of one number found for such shifts.
    """

    shifts: Tensor
    period: int
    premise: float
    meaning: str
    largest: float = float("nan")


def shift_set(model: Model, images: Tensor, *, random: Tensor | None, every: bool = False) -> ShiftSet:
    """Choose the shifts that are all there are for this network and these images (B, C, H, W).

    A circular network of period p is equivariant to shifts by multiples of p (a classifier is invariant to them), so
    that the p**2 shifts below p stand for all. That premise is measured here, on each image; where it fails, the
    `random` shifts (N, 2) are taken, or every one where that is None, or asked for.
    """
    height, width = images.shape[2:]
    if every:
        return ShiftSet(grid_of(height, width), 0, float("nan"), "every shift")
    outputs = model(images)
    premise = largest = float("nan")
    for period in [model.subject.period] if model.subject.period else _PERIODS:
        if height % period or width % period:
            continue
        premise, largest = _premise(model, images, outputs, period)
        if premise <= ROUNDING:
            return ShiftSet(grid_of(period, period), period, premise, "all residues", largest)
    if random is None:
        return ShiftSet(grid_of(height, width), 0, premise, "every shift", largest)
    return replace(random_set(random, premise), largest=largest)


def random_set(random: Tensor, premise: float = float("nan")) -> ShiftSet:
    """Give no shift and the `random` ones (N, 2)."""
    return ShiftSet(torch.cat([torch.zeros(1, 2, dtype=torch.int64), random]), 0, premise, "random")


def passes_of(model: Model, size: tuple[int, int], *, random: int | None, every: bool = False) -> int:
    """Foretell how often the network is given an image for the shifts of `shift_set` and for choosing them."""
    rows, columns = size
    if every:
        return rows * columns
    period = model.subject.period or _PERIODS[0]
    fits = rows % period == 0 and columns % period == 0
    if fits:
        return PREMISE_PASSES + period**2
    return PREMISE_PASSES + (rows * columns if random is None else 1 + random)


def grid_of(rows: int, columns: int) -> Tensor:
    """Give all shifts below (rows, columns), (rows * columns, 2), the zero shift first.

    >>> grid_of(1, 3).tolist()
    [[0, 0], [0, 1], [0, 2]]
    """
    return torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).reshape(-1, 2)


def shifted_outputs(model: Model, image: Tensor, shifts: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Give the outputs of an image (1, C, H, W) under all shifts, moved back, and those shifts, batch by batch."""
    for part in shifts.to(image.device).split(model.batch_size):
        moved = roll_images(image.expand(len(part), *image.shape[1:]), part)
        yield roll_images(model(moved), -part), part


def _premise(model: Model, images: Tensor, outputs: Tensor, period: int) -> tuple[float, float]:
    """Give the largest NMSE of an image, and the largest difference, for shifts by multiples of the period."""
    errors = []
    for multiple in _MULTIPLES:
        shift: Sequence[int] = [period * number for number in multiple]
        expected = outputs if outputs.ndim == 2 else roll_images(outputs, shift)
        got = model(roll_images(images, shift))
        errors += [disagreement(one, other) for one, other in zip(expected, got, strict=True)]
    return max(error.nmse for error in errors), max(error.max_abs for error in errors)
