"""What protocols for labels have in common: numbers of images, batch by batch, as one record of a unit."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from recon.evaluation.protocol import Measured
from recon.evaluation.studies import Unit
from recon.records import Word

Numbers = Mapping[str, Tensor]  # by name, one for each image (B,)


def joined(batches: Iterable[Numbers]) -> dict[str, list[float]]:
    """Put the numbers of all images of a unit one after the other.

    >>> joined([{"correct": torch.tensor([True, False])}, {"correct": torch.tensor([True])}])
    {'correct': [1.0, 0.0, 1.0]}
    """
    found = list(batches)
    return {name: torch.cat([numbers[name].double().cpu() for numbers in found]).tolist() for name in found[0]}


def measured(
    unit: Unit,
    numbers: Mapping[str, Sequence[float]],
    *,
    arrays: Mapping[str, Sequence[float]],
    measures: Mapping[str, float] | None = None,
    settings: Mapping[str, Word] | None = None,
) -> Measured:
    """Give a unit's record: sums of the images' numbers, how many images they are, and what else there is."""
    count = len(next(iter(numbers.values())))
    sums = {name: sum(values) for name, values in numbers.items()}
    return Measured(
        "set",
        unit.name,
        {"images": float(count), **sums, **(measures or {})},
        settings=settings or {},
        arrays=arrays,
    )
