"""Which samples make a batch: drawn from a seed, shared out over processes, none repeated and none lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch.utils.data import Sampler

from recon.errors import ConfigError, require_at_least


@dataclass(frozen=True, slots=True)
class Draw:
    """A request for one sample: all that is random about it follows from the seed, the epoch and the index.

    It is the key with which samplers ask data sets, so that neither the number of workers nor that of processes, nor
    a resumption changes what is drawn.
    """

    index: int
    epoch: int = 0


def draw_of(key: int | Draw) -> Draw:
    """Read a data set's key: a plain index is a draw in epoch 0."""
    return key if isinstance(key, Draw) else Draw(int(key))


class _Grouped(Protocol):
    """A data set whose slices belong to volumes or files."""

    @property
    def groups(self) -> Sequence[range]:
        """The indices of the slices that stay together."""


class TrainingBatches(Sampler[list[Draw]]):
    """Batches of draws in an order shuffled anew each epoch, for one of several processes.

    Each step's batch of `batch_size * world_size` draws is the same however many processes share it: process `rank`
    takes its consecutive part. The last, smaller one is shared out as evenly as it goes. Only if it holds fewer draws
    than there are processes (each must have one to take part in the step) is it left out, until the next shuffle.
    """

    def __init__(self, count: int, *, batch_size: int, seed: int = 0, rank: int = 0, world_size: int = 1) -> None:
        """Prepare batches out of `count` samples."""
        self.count = require_at_least(count, 1, name="count")
        self.batch_size = require_at_least(batch_size, 1, name="batch_size")
        self.seed = require_at_least(seed, 0, name="seed")
        self.rank, self.world_size = _place(rank, world_size)
        self.epoch = 0
        self.skip = 0  # batches that the next epoch's begin is already past, after an interruption
        if count < world_size:
            raise ConfigError(f"there must be at least one sample for each process, got {count} for {world_size}")

    @property
    def sampler(self) -> "TrainingBatches":
        """Itself: where Lightning looks for `set_epoch`."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next; Lightning and torch loops call this before each."""
        self.epoch = require_at_least(epoch, 0, name="epoch")

    def __len__(self) -> int:
        """Count the steps of an epoch: the same in every process."""
        whole, rest = divmod(self.count, self.batch_size * self.world_size)
        return whole + (rest >= self.world_size)

    def __iter__(self) -> Iterator[list[Draw]]:
        """Give this process's part of every step of the epoch."""
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.count)
        step = self.batch_size * self.world_size
        first, self.skip = self.skip, 0
        for start in range(first * step, len(self) * step, step):
            part = np.array_split(order[start : start + step], self.world_size)[self.rank]
            yield [Draw(int(index), self.epoch) for index in part]


class EvaluationBatches(Sampler[list[Draw]]):
    """Batches in the data set's order, for one of several processes: whole groups each, and every slice once.

    A batch never spans two groups (volumes or files), so that its slices have one size and belong together. The groups
    are dealt out longest first, to the process that has fewest slices so far. A process may have none.
    """

    def __init__(self, dataset: _Grouped, *, batch_size: int, rank: int = 0, world_size: int = 1) -> None:
        """Prepare batches out of a data set's groups."""
        self.batch_size = require_at_least(batch_size, 1, name="batch_size")
        self.rank, self.world_size = _place(rank, world_size)
        self.batches = [
            [Draw(index) for index in group[start : start + batch_size]]
            for group in _deal(dataset.groups, world_size)[rank]
            for start in range(0, len(group), batch_size)
        ]

    def __len__(self) -> int:
        """Count this process's batches."""
        return len(self.batches)

    def __iter__(self) -> Iterator[list[Draw]]:
        """Give this process's batches."""
        return iter(self.batches)


def _deal(groups: Sequence[range], hands: int) -> list[list[range]]:
    dealt: list[list[range]] = [[] for _ in range(hands)]
    for group in sorted(groups, key=len, reverse=True):
        min(dealt, key=lambda hand: sum(map(len, hand))).append(group)
    return [sorted(hand, key=lambda group: group.start) for hand in dealt]


def _place(rank: int, world_size: int) -> tuple[int, int]:
    require_at_least(world_size, 1, name="world_size")
    if not 0 <= require_at_least(rank, 0, name="rank") < world_size:
        raise ConfigError(f"rank must be below world_size, got rank {rank} of {world_size}")
    return rank, world_size
