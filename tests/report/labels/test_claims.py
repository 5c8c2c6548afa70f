"""Claims about labels are judged from the records alone, and what is not there is not judged."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from recon.records import Record
from recon.report.labels.claims import claims, claims_table
from recon.report.parts import Claim, Verdict
from recon.report.selection import grouped
from tests.report.labels.made import SHARES, labelled, made_up, network, subjects_of

MINUS = "\N{MINUS SIGN}"
NAMES = (
    *("labels", "bits", "plain", "filters", "mass-transferred", "aps-keep-transferred", "aps-transferred"),
    *("fine-tuning", "price in accuracy", "price in time"),
)


def judged(records: Sequence[Record]) -> dict[str, Claim]:
    return {claim.name: claim for claim in claims(grouped(records)[0])}


def verdicts(records: Sequence[Record]) -> dict[str, Verdict]:
    return {name: claim.verdict for name, claim in judged(records).items()}


def with_shares(changed: Mapping[str, tuple[float, float]]) -> list[Record]:
    return made_up(shares=dict(SHARES) | dict(changed))


def changed(records: Sequence[Record], name: str, protocol: str, **measures: float) -> list[Record]:
    """Change measures of one network's records of a protocol."""
    return [
        replace(one, measures=dict(one.measures) | measures)
        if one.subject.name == name and one.protocol == protocol
        else one
        for one in records
    ]


def test_what_the_papers_found_is_shown_where_it_is() -> None:
    found = verdicts(made_up())
    assert tuple(found) == NAMES
    assert found.pop("aps-transferred") == "not shown"  # it keeps more than nine tenths of the accuracy
    assert set(found.values()) == {"shown"}


def test_one_pair_that_disagrees_breaks_exactness() -> None:
    records = changed(made_up(), "mass", "consistency", agreeing=399, bitwise=399)
    found = judged(records)
    assert found["labels"].verdict == found["bits"].verdict == "not shown"
    assert "mass: 99.75 % of 800 pairs of 160 images" in found["labels"].found
    assert "mass: bits that differ, 99.75 % equal under pairs of random shifts" in found["bits"].found


def test_labels_may_stay_where_bits_do_not() -> None:
    found = judged(changed(made_up(), "lps", "adversary", bitwise=79))
    assert found["labels"].verdict == "shown"
    assert found["bits"].verdict == "not shown"
    assert "lps: bits that differ, 98.75 % equal under every shift" in found["bits"].found


def test_shifts_below_the_period_stand_for_all_only_if_the_rest_is_equal() -> None:
    found = judged(changed(made_up(), "aps", "adversary", premise=1e-7))["bits"]
    assert found.verdict == "not shown"
    assert "(shifts by the period's multiples)" in found.found


def test_networks_that_see_borders_are_not_claimed_to_be_exact() -> None:
    arguments = {"architecture": "resnet18", "sampling": "mass", "padding": "zeros"}
    subject = network("mass", details={"arguments": arguments})
    found = judged(made_up(subjects=[subject], shares={"mass": (0.8, 0.9)}))
    assert found["labels"].verdict == found["bits"].verdict == "not measured"


def test_plain_of_full_consistency_is_not_what_is_claimed() -> None:
    assert verdicts(with_shares({"plain": (0.8, 1.0)}))["plain"] == "not shown"
    said = judged(made_up())["plain"].found
    assert said.startswith("plain 86.00 % [")
    assert said.endswith("(accuracy 80.00 %, under the worst shift 40.00 %)")


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_filters_help_and_do_not_cure(share: float) -> None:
    assert verdicts(with_shares({"lpf-tri-3": (0.8, share)}))["filters"] == "not shown"


@pytest.mark.parametrize(
    ("name", "right", "verdict"),
    [
        ("mass-transferred", 0.725, "shown"),  # of 0.8, so just above nine tenths
        ("mass-transferred", 0.70, "not shown"),
        ("aps-keep-transferred", 0.70, "shown"),
        ("aps-keep-transferred", 0.75, "not shown"),
        ("aps-transferred", 0.70, "shown"),
        ("aps-transferred", 0.75, "not shown"),
    ],
)
def test_each_way_of_taking_weights_over_is_judged_apart(name: str, right: float, verdict: Verdict) -> None:
    found = verdicts(with_shares({name: (right, 1.0)}))
    assert found.pop(name) == verdict
    usual = verdicts(made_up())
    assert found == {other: usual[other] for other in found}


def test_what_is_left_is_told_in_points_and_as_a_share() -> None:
    found = judged(made_up())
    assert found["mass-transferred"].found.startswith(f"plain 80.00 %; mass-transferred {MINUS}3.12 [{MINUS}")
    assert found["mass-transferred"].found.endswith("points, 96.1 % of it kept")
    assert f"aps-keep-transferred {MINUS}55.00 [" in found["aps-keep-transferred"].found


@pytest.mark.parametrize(("right", "verdict"), [(0.795, "shown"), (0.90, "shown"), (0.78, "not shown")])
def test_fine_tuning_is_within_a_point_or_above(right: float, verdict: Verdict) -> None:
    found = judged(with_shares({"mass-tuned": (right, 1.0)}))["fine-tuning"]
    assert found.verdict == verdict
    assert f"(before: {MINUS}3.12)" in found.found


@pytest.mark.parametrize(
    ("lacking", "protocol", "name", "found"),
    [
        (("plain",), "consistency", "plain", "missing in consistency: plain"),
        (("plain",), None, "mass-transferred", "missing in accuracy: plain, or mass-transferred"),
        (("mass-transferred",), None, "mass-transferred", "missing in accuracy: plain, or mass-transferred"),
        (("aps-keep-transferred",), "accuracy", "aps-keep-transferred",
         "missing in accuracy: plain, or aps-keep-transferred"),
        (("mass-tuned",), None, "fine-tuning", "missing in accuracy: a network that was trained on (-tuned)"),
        (("lpf-tri-3", "plain-adaptive-3"), None, "filters",
         "missing in consistency: plain, or a network with filters"),
    ],
)  # fmt: skip
def test_what_is_missing_is_not_measured(lacking: Sequence[str], protocol: str | None, name: str, found: str) -> None:
    records = [one for one in made_up() if one.subject.name not in lacking or protocol not in (None, one.protocol)]
    claim = judged(records)[name]
    assert (claim.verdict, claim.found) == ("not measured", found)


def test_without_exact_networks_nothing_is_said_of_them() -> None:
    records = made_up(subjects=subjects_of(variants=("plain", "lpf-tri-3")))
    found = judged(records)
    for name in ("labels", "bits", "price in accuracy", "price in time"):
        assert found[name].verdict == "not measured"
        assert "an exact network" in found[name].found
    assert claims_table(grouped(records)[0]) is not None


def test_exact_networks_that_were_not_asked_are_named() -> None:
    records = [one for one in made_up() if one.subject.name != "lps" or one.protocol == "accuracy"]
    assert judged(records)["labels"].found.endswith("; lps: not asked")


def test_prices_are_paired_and_of_trained_networks() -> None:
    said = judged(made_up())["price in accuracy"].found
    assert "mass +5.00 [" in said
    assert "transferred" not in said
    assert judged(made_up())["price in time"].found.endswith("(an image of 8 x 8; cpu (test); 2 threads)")


def test_segmenters_are_judged_by_their_miou() -> None:
    found = judged(made_up("voc"))
    assert found["mass-transferred"].verdict == "shown"
    assert f"mass-transferred {MINUS}3.00 points" in found["mass-transferred"].found
    assert "mASCC is 100.00 %" in found["labels"].text
    assert "under the worst shift 79.38 % of the pixels keep their label" in found["plain"].found


def test_nothing_of_what_is_claimed_gives_no_table() -> None:
    assert claims_table(grouped([labelled("crops", "identity", {"images": 1, "pairs": 5, "agreeing": 5})])[0]) is None
