"""Which samples make a batch, in one process or many."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import pytest

from recon.data.batches import Draw, EvaluationBatches, TrainingBatches, draw_of
from recon.errors import ConfigError

SHARES = [(10, 2, 1), (10, 2, 2), (11, 2, 2), (13, 4, 3), (7, 1, 7), (100, 16, 3), (9, 2, 4), (3, 8, 2)]


@dataclass(frozen=True)
class Volumes:
    """A data set of volumes with so many slices each."""

    lengths: tuple[int, ...]

    @property
    def groups(self) -> Sequence[range]:
        """The volumes' indices."""
        starts = [sum(self.lengths[:number]) for number in range(len(self.lengths))]
        return [range(start, start + length) for start, length in zip(starts, self.lengths, strict=True)]


def steps(count: int, batch_size: int, world_size: int, *, epoch: int = 0, seed: int = 0) -> list[list[list[Draw]]]:
    """Give, for each process, the batches of one epoch."""
    processes = []
    for rank in range(world_size):
        batches = TrainingBatches(count, batch_size=batch_size, seed=seed, rank=rank, world_size=world_size)
        batches.set_epoch(epoch)
        processes.append(list(batches))
        assert len(processes[-1]) == len(batches)
    return processes


@pytest.mark.parametrize(("count", "batch_size", "world_size"), SHARES)
def test_training_repeats_no_sample_and_loses_only_what_cannot_be_shared(
    count: int, batch_size: int, world_size: int
) -> None:
    processes = steps(count, batch_size, world_size)
    drawn = [draw.index for draw in chain(*chain(*processes))]
    assert len(set(drawn)) == len(drawn)
    left_out = count % (batch_size * world_size)
    assert count - len(drawn) == (left_out if left_out < world_size else 0)
    assert len({len(batches) for batches in processes}) == 1
    assert all(1 <= len(batch) <= batch_size for batch in chain(*processes))


@pytest.mark.parametrize("world_size", [2, 3, 4])
def test_a_step_holds_the_same_samples_however_many_processes_share_it(world_size: int) -> None:
    alone = steps(101, 12, 1)[0]
    shared = steps(101, 12 // world_size, world_size)
    assert [list(chain(*parts)) for parts in zip(*shared, strict=True)] == alone


def test_each_epoch_and_each_seed_has_its_own_order() -> None:
    first, again = steps(50, 5, 1), steps(50, 5, 1)
    assert first == again
    orders = [[draw.index for draw in chain(*steps(50, 5, 1, epoch=e, seed=s)[0])] for e, s in ((0, 0), (1, 0), (0, 1))]
    assert len({tuple(order) for order in orders}) == 3
    assert all(sorted(order) == list(range(50)) for order in orders)


def test_a_draw_knows_its_epoch() -> None:
    assert {draw.epoch for draw in chain(*steps(50, 5, 1, epoch=3)[0])} == {3}
    assert draw_of(7) == Draw(7, 0)
    assert draw_of(Draw(7, 2)) == Draw(7, 2)


def test_lightning_finds_where_to_set_the_epoch() -> None:
    batches = TrainingBatches(4, batch_size=2)
    batches.sampler.set_epoch(5)
    assert batches.epoch == 5


@pytest.mark.parametrize("lengths", [(3, 5, 2), (1,), (4, 4, 4, 4), (30, 1, 1, 1, 1)])
@pytest.mark.parametrize("world_size", [1, 2, 3, 5])
def test_evaluation_gives_every_slice_once_and_keeps_volumes_whole(lengths: tuple[int, ...], world_size: int) -> None:
    dataset = Volumes(lengths)
    shares = [
        [
            [draw.index for draw in batch]
            for batch in EvaluationBatches(dataset, batch_size=3, rank=r, world_size=world_size)
        ]
        for r in range(world_size)
    ]
    assert sorted(chain(*chain(*shares))) == list(range(sum(lengths)))
    for volume in dataset.groups:
        assert sum(any(index in volume for index in chain(*share)) for share in shares) == 1
    for batch in chain(*shares):
        assert any(set(batch) <= set(volume) for volume in dataset.groups)


def test_evaluation_is_in_order_and_shared_evenly() -> None:
    dataset = Volumes((2, 8, 4, 4, 2))
    assert [draw.index for draw in chain(*EvaluationBatches(dataset, batch_size=3))] == list(range(20))
    sizes = [sum(map(len, EvaluationBatches(dataset, batch_size=3, rank=r, world_size=2))) for r in (0, 1)]
    assert sizes == [10, 10]


def test_evaluation_deals_out_the_longest_first() -> None:
    sizes = [
        sum(map(len, EvaluationBatches(Volumes((1, 1, 1, 3)), batch_size=1, rank=r, world_size=2))) for r in (0, 1)
    ]
    assert sizes == [3, 3]


def test_an_interrupted_epoch_is_gone_on_with() -> None:
    batches = TrainingBatches(20, batch_size=3)
    whole = list(batches)
    batches.skip = 4
    assert list(batches) == whole[4:]
    assert list(batches) == whole  # the next epoch begins at its beginning


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ConfigError, match="batch_size must be a whole number of at least 1, got 0"):
        TrainingBatches(4, batch_size=0)
    with pytest.raises(ConfigError, match="rank must be below world_size, got rank 2 of 2"):
        TrainingBatches(4, batch_size=1, rank=2, world_size=2)
    with pytest.raises(ConfigError, match="at least one sample for each process, got 1 for 2"):
        TrainingBatches(1, batch_size=1, world_size=2)
