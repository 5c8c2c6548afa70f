"""Statistics over volumes."""

import math

import numpy as np
import pytest
from scipy import stats

from recon.errors import ShapeError
from recon.report.statistics import (
    deviation,
    largest,
    mean,
    mean_interval,
    paired_difference,
    percentile,
    values_of,
)


def test_mean_deviation_and_percentiles_by_hand() -> None:
    values = values_of([1, 2, 3, 4, 10], list("abcde"))
    assert mean(values) == 4
    assert deviation(values) == pytest.approx(math.sqrt((9 + 4 + 1 + 0 + 36) / 4))
    assert percentile(values, 50) == 3
    assert percentile(values, 95) == pytest.approx(4 + 0.8 * 6)
    assert largest(values) == 10


def test_nan_is_left_out_and_counted() -> None:
    values = values_of([1, math.nan, 3], ["a", "b", "c"])
    assert (mean(values), values.missing, len(values)) == (2, 1, 2)
    assert values.clusters.tolist() == [0, 1]


def test_no_numbers_have_no_statistics() -> None:
    values = values_of([], [])
    assert all(
        math.isnan(value) for value in (mean(values), deviation(values), percentile(values, 50), largest(values))
    )
    assert mean_interval(values) is None


def test_infinite_numbers_have_percentiles_and_no_interval() -> None:
    values = values_of([1, 2, math.inf], ["a", "b", "c"])
    assert percentile(values, 50) == 2
    assert percentile(values, 99) == math.inf
    assert mean_interval(values) is None


def test_one_volume_has_no_interval() -> None:
    assert mean_interval(values_of([1, 2, 3], ["a", "a", "a"])) is None


def test_interval_agrees_with_scipy_where_each_number_is_its_own_volume() -> None:
    numbers = np.random.default_rng(3).normal(30, 2, size=40)
    found = mean_interval(values_of(numbers.tolist(), [str(n) for n in range(40)]))
    theirs = stats.bootstrap((numbers,), np.mean, n_resamples=20_000, method="percentile", rng=5).confidence_interval
    assert found is not None
    assert found.low == pytest.approx(theirs.low, abs=0.06)
    assert found.high == pytest.approx(theirs.high, abs=0.06)


def test_interval_is_that_of_resampled_volumes() -> None:
    volumes = {"a": [1.0, 2.0], "b": [5.0], "c": [3.0, 4.0, 8.0], "d": [7.0] * 4, "e": [0.0, 9.0]}
    numbers = [number for held in volumes.values() for number in held]
    found = mean_interval(values_of(numbers, [name for name, held in volumes.items() for _ in held]), seed=7)
    drawn = np.random.default_rng(7).integers(5, size=(2000, 5), dtype=np.int32)
    means = [np.mean([x for k in row for x in list(volumes.values())[k]]) for row in drawn]
    assert found is not None
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])))


def test_slices_of_one_volume_do_not_narrow_the_interval() -> None:
    alike = mean_interval(values_of([1.0, 2.0, 4.0] * 50, ["a", "b", "c"] * 50))
    apart = mean_interval(values_of([1.0, 2.0, 4.0], ["a", "b", "c"]))
    assert alike == apart


def test_interval_is_the_same_again_and_another_with_another_seed() -> None:
    values = values_of(np.random.default_rng(0).random(9).tolist(), list("abcdefghi"))
    assert mean_interval(values) == mean_interval(values)
    assert mean_interval(values) != mean_interval(values, seed=1)


def test_paired_difference_is_of_what_both_have() -> None:
    volume_of = {"x": "a", "y": "b"}
    values = paired_difference({"x": 2.0, "y": 5.0, "z": 9.0}, {"y": 4.0, "x": 3.0}, volume_of)
    assert values.numbers.tolist() == [-1, 1]
    assert values.clusters.tolist() == [0, 1]


def test_numbers_without_volumes_are_refused() -> None:
    with pytest.raises(ShapeError, match="2 numbers and 1 volumes"):
        values_of([1, 2], ["a"])
