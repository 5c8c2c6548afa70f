"""Which images are taken: evenly over classes, spread over all, held out at random."""

import numpy as np
import pytest

from recon.data.labels.choosing import evenly, held_out, spread
from recon.errors import ConfigError

LABELS = np.array([2, 0, 0, 1, 0, 2, 0, 1])


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, [1]),
        (3, [0, 1, 3]),
        (4, [0, 1, 2, 3]),
        (6, [0, 1, 2, 3, 5, 7]),
        (7, [0, 1, 2, 3, 4, 5, 7]),
        (8, list(range(8))),
        (99, list(range(8))),
        (None, list(range(8))),
    ],
)
def test_the_first_of_each_class_are_taken(count: int | None, expected: list[int]) -> None:
    assert evenly(LABELS, count).tolist() == expected


def test_some_are_spread_over_all() -> None:
    assert spread(10, 2).tolist() == [2, 7]
    assert spread(10, None).tolist() == spread(10, 11).tolist() == list(range(10))


def test_a_share_of_each_class_is_held_out() -> None:
    labels = np.random.default_rng(0).permutation(np.arange(1000) % 10)
    kept, held = held_out(labels, 0.1, seed=0)
    assert sorted([*kept, *held]) == list(range(1000))
    assert np.bincount(labels[held]).tolist() == [10] * 10
    again, other = held_out(labels, 0.1, seed=0)[1], held_out(labels, 0.1, seed=1)[1]
    assert held.tolist() == again.tolist()
    assert held.tolist() != other.tolist()
    assert held.max() > 900  # not the first of each class
    assert held.min() < 100


def test_at_least_one_is_held_out() -> None:
    assert len(held_out(LABELS, 0.001, seed=0)[1]) == 1


def test_a_share_that_leaves_none_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"validation_share must leave images to train on, got 0.99 of 8, which is 8"):
        held_out(LABELS, 0.99, seed=0)
