"""Two evaluations of labels: what got worse, by which rule, and on which images."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from recon.records import Record
from recon.report.compare import Change, Tolerance, compare, comparison, verdict
from tests.report.labels.made import labelled, made_up, subjects_of

NAMES = {
    *("accuracy", "consistency under circular shifts", "equal bit for bit, random shifts", "consistency of crops"),
    *("accuracy under the worst shift", "classification variation", "equal bit for bit, every shift"),
}


def of_one(old: Sequence[Record], new: Sequence[Record], tolerance: Tolerance | None = None) -> dict[str, Change]:
    return {change.measure: change for change in compare(old, new, tolerance)}


def counts(**measures: float) -> list[Record]:
    """Give a network that was right on all, and agreed in all, or as told otherwise."""
    full = {"images": 1000.0, "correct": 900.0, "pairs": 5000.0, "agreeing": 5000.0, "bitwise": 5000.0} | measures
    one = {"images": full["images"], "correct": full["correct"], "loss": 1.0}
    other = {name: full[name] for name in ("images", "pairs", "agreeing", "bitwise")}
    return [labelled("accuracy", "mass", one), labelled("consistency", "mass", other)]


def test_equal_evaluations_do_not_differ() -> None:
    records = made_up()
    changes = compare(records, records)
    assert {change.measure for change in changes} == NAMES
    assert all(change.same for change in changes)
    assert verdict(changes).startswith("Nothing got worse: 70 numbers of 10 networks")


def test_segmenters_are_compared_by_miou() -> None:
    records = made_up("voc", subjects=subjects_of("voc", ("mass",)))
    found = of_one(records, records)
    assert found["mIoU"].old == pytest.approx(0.85)
    assert found["accuracy"].old == pytest.approx(0.85)  # of pixels
    assert found["same label under the worst shift"].texts == ("100.00 %", "100.00 %")


@pytest.mark.parametrize(("correct", "worse"), [(896.0, False), (894.0, True), (950.0, False)])
def test_accuracy_has_a_tolerance_in_points(correct: float, worse: bool) -> None:
    change = of_one(counts(), counts(correct=correct))["accuracy"]
    assert change.worse == worse
    assert not worse or change.why == "lower by more than 0.5 points"
    assert not of_one(counts(), counts(correct=correct), Tolerance(accuracy=1))["accuracy"].worse


def test_full_consistency_may_not_be_lost_at_all() -> None:
    found = of_one(counts(), counts(agreeing=4999, bitwise=4999))
    assert found["consistency under circular shifts"].why == "was 100 %, is not any more"
    assert found["equal bit for bit, random shifts"].why == "was exact, is not any more"


@pytest.mark.parametrize(("agreeing", "worse"), [(4480.0, False), (4470.0, True)])
def test_other_consistency_has_a_tolerance(agreeing: float, worse: bool) -> None:
    old = counts(agreeing=4500, bitwise=0)
    change = of_one(old, counts(agreeing=agreeing, bitwise=0))["consistency under circular shifts"]
    assert change.worse == worse


def test_changes_are_written_in_points() -> None:
    table = comparison(compare(counts(), counts(correct=880)), synthetic=True)
    assert [cell.text for cell in table.rows[0]] == [
        *("mass", "accuracy", "90.00 %", "88.00 %", "\N{MINUS SIGN}2.00 points", "worse"),
        "lower by more than 0.5 points",
    ]
    assert "Synthetic data" in table.caption


def test_units_of_other_images_are_not_compared() -> None:
    change = of_one(counts(), counts(images=500, correct=500))["accuracy"]
    assert (change.worse, change.why) == (True, "no image was measured in both")


def test_larger_variation_is_worse_past_its_tolerance() -> None:
    old = made_up(subjects=subjects_of(variants=("plain",)))
    new = [
        replace(one, measures=dict(one.measures) | {"variation": 1.2 * one.measures["variation"]})
        if one.protocol == "adversary"
        else one
        for one in old
    ]
    assert of_one(old, new)["classification variation"].why == "larger by more than 10%"
    assert not of_one(old, new, Tolerance(error=0.3))["classification variation"].worse
