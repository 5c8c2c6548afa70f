"""Sums over units are those over all images at once, and intervals those of drawing images again and again."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import jaccard_score

from recon.records import Record
from recon.report.labels.totals import (
    Estimate,
    accuracy_difference,
    agreement,
    counted_share,
    iou_difference,
    lowest,
    mean_iou,
    ratio,
    total,
    variation,
)
from recon.report.statistics import Interval, image_interval
from tests.report.labels.made import labelled, record

Labels = npt.NDArray[np.int64]


def accuracies(*units: Sequence[float]) -> list[Record]:
    """Give units of right and wrong images."""
    return [
        record("accuracy", {"images": len(unit), "correct": sum(unit)}, item=f"unit {n}", arrays={"correct": unit})
        for n, unit in enumerate(units)
    ]


def segmented(labels: Labels, truth: Labels, *, item: str) -> Record:
    """Give the unit of label maps with three classes."""
    pairs = [((labels == k) & (truth == k), (labels == k) | (truth == k)) for k in range(3)]
    areas = {
        "intersection": [float(both.sum()) for both, _ in pairs],
        "union": [float(any_.sum()) for _, any_ in pairs],
    }
    return record("accuracy", {"images": 1, "pixels": truth.size}, item=item, arrays=areas)


def maps(units: int, *, seed: int = 0, right: float = 0.7) -> list[tuple[Labels, Labels]]:
    generator = np.random.default_rng(seed)
    truths = [generator.integers(3, size=(20, 30)) for _ in range(units)]
    kept = [generator.random(truth.shape) < right for truth in truths]
    return [(np.where(keep, truth, (truth + 1) % 3), truth) for keep, truth in zip(kept, truths, strict=True)]


def test_units_of_different_size_count_by_their_images() -> None:
    records = accuracies([1.0], [0.0, 0.0, 1.0])
    assert counted_share(records, "correct").value == 0.5
    assert total(records, "images") == 4
    assert ratio(records, "correct", "images") == 0.5


def test_nothing_measured_is_nan_without_an_interval() -> None:
    for found in (counted_share([], "correct"), agreement([]), lowest([]), mean_iou([])):
        assert np.isnan(found.value)
        assert found.interval is None
    assert np.isnan(variation([]))


def test_interval_is_that_of_a_share() -> None:
    found = counted_share(accuracies([1.0] * 700, [0.0] * 300), "correct")
    assert found.interval is not None
    half = 1.96 * np.sqrt(0.7 * 0.3 / 1000)  # the normal approximation
    assert found.interval.low == pytest.approx(0.7 - half, abs=2e-3)
    assert found.interval.high == pytest.approx(0.7 + half, abs=2e-3)


def test_both_ways_of_drawing_give_the_same_interval() -> None:
    generator = np.random.default_rng(1)
    few = generator.integers(2, size=1000).astype(np.float64)
    many = few + 1e-9 * np.arange(1000)
    one, other = image_interval(few), image_interval(many)
    assert one is not None
    assert other is not None
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=4e-3)


def test_one_image_has_no_interval() -> None:
    assert image_interval(np.ones(1)) is None
    assert image_interval(np.array([1.0, np.nan])) is None


def test_agreement_takes_its_interval_from_the_images() -> None:
    arrays = {"agreeing": [1.0, 0.6, 0.8, 1.0]}
    one = record("consistency", {"images": 4, "pairs": 20, "agreeing": 17}, arrays=arrays)
    found = agreement([one])
    assert found.value == 0.85
    assert found.interval is not None
    assert found.interval.low >= 0.6
    assert agreement([labelled("consistency", "plain", {"pairs": 20, "agreeing": 17})]) == Estimate(0.85)


def test_all_of_all_is_exactly_one() -> None:
    thirds = [
        record("consistency", {"pairs": 3, "agreeing": 3}, arrays={"agreeing": [1.0] * 3}, item=f"{n}")
        for n in range(7)
    ]
    assert agreement(thirds) == Estimate(1.0, Interval(1.0, 1.0))


def test_mean_iou_is_that_of_scikit_learn() -> None:
    units = maps(6)
    found = mean_iou([segmented(labels, truth, item=f"{n}") for n, (labels, truth) in enumerate(units)])
    labels, truth = (np.concatenate([pair[side].ravel() for pair in units]) for side in (0, 1))
    assert found.value == pytest.approx(jaccard_score(truth, labels, average="macro"), abs=1e-12)
    assert found.interval is not None
    assert found.interval.low < found.value < found.interval.high


def test_classes_that_are_nowhere_are_left_out_of_the_mean() -> None:
    one = record("accuracy", {"images": 1}, arrays={"intersection": [3.0, 0.0, 0.0], "union": [4.0, 2.0, 0.0]})
    assert mean_iou([one]).value == (0.75 + 0) / 2


def test_few_units_have_no_interval_of_miou() -> None:
    units = [segmented(labels, truth, item=f"{n}") for n, (labels, truth) in enumerate(maps(4))]
    assert mean_iou(units).interval is None


def test_paired_difference_is_surer_than_two_intervals() -> None:
    images = [float(n % 10 < 8) for n in range(1000)]
    better = [1.0 if n < 30 else one for n, one in enumerate(images)]
    found = accuracy_difference(accuracies(better), accuracies(images))
    alone = counted_share(accuracies(images), "correct").interval
    assert found.value == pytest.approx(0.006)
    assert found.interval is not None
    assert alone is not None
    assert 0 < found.interval.low < 0.006 < found.interval.high
    assert found.interval.high - found.interval.low < 0.3 * (alone.high - alone.low)


def test_differences_are_over_what_both_measured() -> None:
    mine, theirs = accuracies([1.0, 1.0], [0.0, 0.0]), accuracies([1.0, 0.0])
    assert accuracy_difference(mine, theirs).value == 0.5
    assert np.isnan(accuracy_difference(mine, []).value)
    assert np.isnan(accuracy_difference(mine, accuracies([1.0, 0.0, 0.0])).value)  # a unit of other images


def test_iou_difference_draws_the_same_units_of_both() -> None:
    units = maps(8)
    mine = [segmented(labels, truth, item=f"{n}") for n, (labels, truth) in enumerate(units)]
    assert iou_difference(mine, mine) == Estimate(0.0, Interval(0.0, 0.0))
    worse = [segmented(labels, truth, item=f"{n}") for n, (labels, truth) in enumerate(maps(8, right=0.6))]
    found = iou_difference(worse, mine)
    assert found.value == pytest.approx(mean_iou(worse).value - mean_iou(mine).value)
    assert found.interval is not None
    assert found.interval.high < 0
    assert np.isnan(iou_difference(mine, []).value)
