"""Claims follow from the numbers: shown, not shown, or not measured."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from recon.records import Record, Source, Subject, Word
from recon.report.claims import Claim, claims, claims_table
from recon.report.families import is_low_pass, is_made_exact, is_shift_trained
from recon.report.notation import MINUS
from recon.report.selection import grouped
from recon.samplings import SAMPLINGS, sampling_in_words
from tests.report.drawn import made_up
from tests.report.measured import (
    CT,
    SYNTHETIC,
    by_volume,
    cost,
    equivariances,
    hard_image,
    network,
    out_of_distribution,
    qualities,
    record,
    worst,
)

ERRORS = {"plain": 1e-3, "lpf-tri-3": 5e-4, "plain-shifts": 2e-4, "lpf-bin-5": 4e-5, "aps": 0.0, "mass": 0.0}
IN_CT = {"plain": 1e-3, "plain-shifts": 2e-4, "lpf-bin-5": 4e-5, "lpf-tri-3": 1e-5, "aps": 0.0, "mass": 0.0}
SHARES = (0.9, 1.0, 1.1)  # of the mean error, by volume or image


def measured(errors: Mapping[str, float] = ERRORS, *, source: Source = SYNTHETIC) -> list[Record]:
    """Give records by which all claims are shown: each network's errors are these on average."""
    found = []
    for number, (name, error) in enumerate(errors.items()):
        parts = [error * share for share in SHARES]
        found += [
            *(by_volume(name, parts, source=source) if source.modality == "mri" else []),
            *equivariances(name, parts, source=source),
            *out_of_distribution(name, parts, source=source),
            worst(name, -1200 * error, bitwise=float(error == 0), source=source),
            *qualities(name, [30 - 0.25 * number, 31 - 0.25 * number], source=source),
            cost(name, 0.01 + 0.001 * number, source=source),
        ]
    return found


def judged(records: Sequence[Record]) -> dict[str, Claim]:
    return {claim.name: claim for claim in claims(grouped(records)[0])}


def verdicts(records: Sequence[Record]) -> dict[str, str]:
    return {name: claim.verdict for name, claim in judged(records).items()}


def with_errors(errors: Mapping[str, float]) -> list[Record]:
    return measured({**ERRORS, **errors})


def without(records: Sequence[Record], *names: str, protocol: str | None = None) -> list[Record]:
    return [one for one in records if one.subject.name not in names or protocol not in (None, one.protocol)]


def test_all_is_shown_where_the_numbers_show_it() -> None:
    assert verdicts(measured()) == dict.fromkeys(
        (
            *("exact", "order, test slices", "published order, test slices (PD)", "order, natural images"),
            *("published order, natural images", "worst change of PSNR", "price in PSNR", "price in time"),
        ),
        "shown",
    )


def test_exact_networks_are_counted_with_their_comparisons() -> None:
    records = [*measured(), *(hard_image(name, 0.0, item=item) for name in ("aps", "mass") for item in ("bars", "0"))]
    # Each network: 63 shifts of one slice, 3 slices, 2 x 63 shifts of hard images, and 3 other images.
    assert judged(records)["exact"].found == (
        "aps, mass: 0.0 in 390 comparisons (each: every residue of 1 slice, 3 slices under one random shift, "
        "2 hard images under every residue, 3 images out of the distribution)"
    )
    more = [*records, worst("mass", item="file2", shifts="random"), *qualities("lps", [30, 31])]
    assert judged(more)["exact"].found.split("; ") == [
        "aps: 0.0 in 195 comparisons (every residue of 1 slice, 3 slices under one random shift, "
        "2 hard images under every residue, 3 images out of the distribution)",
        "mass: 0.0 in 258 comparisons (every residue of 1 slice, random shifts of 1 slice, 3 slices under one random "
        "shift, 2 hard images under every residue, 3 images out of the distribution)",
        "lps: not asked",
    ]
    alone = [record("aps", "layers", {"nmse": 0.0, "bitwise": 1.0}, scope="set", item="")]
    assert (
        judged(alone)["exact"].found == "aps: 0.0 in all comparisons (a few slices under every shift below the period)"
    )


@pytest.mark.parametrize(
    ("tampered", "said"),
    [
        (
            hard_image("aps", 0.0, bitwise=63 / 64),
            "aps: bits that differ, by less than an error shows (hard); mass: 0.0",
        ),
        (
            worst("aps", bitwise=63 / 64, slice=1),
            "aps: bits that differ, by less than an error shows (worst); mass: 0.0",
        ),
        (worst("aps", premise=3e-16, slice=1), "aps: an error of up to 3.0·10⁻¹⁶ (worst); mass: 0.0"),
        (hard_image("aps", 3e-16, bitwise=0.5), "aps: an error of up to 3.0·10⁻¹⁶ (hard); mass: 0.0"),
        (hard_image("aps", 3e-16, bitwise=1.0), "aps: an error of up to 3.0·10⁻¹⁶; mass: 0.0"),
        (
            record("mass", "layers", {"nmse": 0.5, "bitwise": 0.5}, scope="set", item=""),
            "mass: an error of up to 5.0·10⁻¹ (layers); aps: 0.0",
        ),
    ],
)
def test_one_bit_that_differs_anywhere_is_not_exact(tampered: Record, said: str) -> None:
    found = judged([*measured(), tampered])
    assert found["exact"].verdict == "not shown"
    assert found["exact"].found.startswith(said)
    assert {name for name, claim in found.items() if claim.verdict != "shown"} == {"exact"}


def test_networks_that_are_not_built_to_be_exact_need_not_be() -> None:
    found = judged([worst("plain", 1.0, bitwise=0.0), worst("mine", 1.0, bitwise=0.0), worst("aps")])
    assert found["exact"].verdict == "shown"
    assert found["exact"].found.startswith("aps: 0.0 in 63 comparisons")


def test_order_lists_the_mean_errors() -> None:
    found = judged(measured())
    errors = "plain 1.0·10⁻³ > lpf-tri-3 5.0·10⁻⁴ > plain-shifts 2.0·10⁻⁴ > lpf-bin-5 4.0·10⁻⁵ > aps, mass 0.0"
    assert found["order, test slices"].found == found["order, natural images"].found == errors
    assert found["order, test slices"].text == (
        "On test slices, plain errs more than networks with low-pass filters and with shifts in training, and all of "
        "these more than exact ones."
    )
    names = "plain > lpf-tri-3 > plain-shifts > lpf-bin-5 > aps"
    assert found["published order, test slices (PD)"].found == found["published order, natural images"].found == names


@pytest.mark.parametrize("errors", [{"plain": 4.9e-4}, {"plain-shifts": 1e-3}, {"lpf-bin-5": 2e-3}, {"lpf-bin-5": 0.0}])
def test_reversed_order_is_not_shown(errors: Mapping[str, float]) -> None:
    found = verdicts(with_errors(errors))
    assert found["order, test slices"] == found["order, natural images"] == "not shown"


def test_exact_network_that_errs_most_is_no_order() -> None:
    assert verdicts(with_errors({"aps": 6e-4}))["order, test slices"] == "not shown"


def test_published_order_is_told_where_it_differs() -> None:
    found = judged(with_errors({"lpf-tri-3": 1e-4}))
    assert found["order, test slices"].verdict == "shown"
    published = found["published order, test slices (PD)"]
    assert published.verdict == "not shown"
    assert published.found == (
        "plain > plain-shifts > lpf-tri-3 > lpf-bin-5 > aps; "
        "published: plain > lpf-tri-3 > plain-shifts > lpf-bin-5 > aps"
    )
    assert found["published order, natural images"].verdict == "not shown"


def test_published_order_of_mri_is_that_of_pd() -> None:
    other = [one for name, error in (("plain", 0.0), ("lpf-tri-3", 1.0)) for one in by_volume(name, [error])]
    fat = [replace(one, group="PDFS", item="file9") for one in other]
    assert verdicts([*measured(), *fat])["published order, test slices (PD)"] == "shown"
    assert verdicts([*measured(), *fat])["order, test slices"] == "not shown"
    plain = [replace(one, group="") for one in measured()]
    assert verdicts(plain)["published order, test slices"] == "shown"


def test_errors_that_do_not_differ_contradict_no_order() -> None:
    two = {"aps": 0.0, "aps-tri-3": 0.0, "plain": 1e-3}
    assert judged(measured(two))["published order, test slices (PD)"].found == "plain > aps, aps-tri-3"
    assert verdicts(measured(two))["published order, test slices (PD)"] == "shown"
    exact = {"aps": 0.0, "aps-tri-3": 0.0}
    assert verdicts(measured(exact))["published order, test slices (PD)"] == "not measured"


def test_neighbours_whose_difference_may_be_chance_are_named() -> None:
    records = [*without(measured(), "lpf-tri-3"), *by_volume("lpf-tri-3", [0.0, 3e-4, 3.6e-4])]
    found = judged(records)["order, test slices"]
    assert found.verdict == "shown"
    assert found.found == (
        "plain 1.0·10⁻³ > lpf-tri-3 2.2·10⁻⁴ > plain-shifts 2.0·10⁻⁴ > lpf-bin-5 4.0·10⁻⁵ > aps, mass 0.0 "
        "(lpf-tri-3 and plain-shifts: may be chance)"
    )
    assert "may be chance)" in judged(records)["published order, test slices (PD)"].found
    assert "chance" not in judged(records)["order, natural images"].found


def test_one_volume_has_no_intervals() -> None:
    records = [one for one in measured() if one.item in ("file1", "photograph1", "")]
    found = judged(records)
    assert found["order, test slices"].found.endswith("aps, mass 0.0 (too few volumes for intervals)")
    assert found["price in PSNR"].found == f"aps {MINUS}1.00 dB; mass {MINUS}1.25 dB (too few volumes for intervals)"


def test_ct_has_published_figures_of_test_slices_alone() -> None:
    found = judged(measured(IN_CT, source=CT))
    assert [name for name in found if name.startswith("published")] == ["published order, test slices"]
    assert found["published order, test slices"].verdict == "shown"
    assert found["order, natural images"].verdict == "shown"


@pytest.mark.parametrize(("plain", "verdict"), [(1e-3, "shown"), (0.82e-3, "not shown")])
def test_worst_change_of_plain_is_a_decibel(plain: float, verdict: str) -> None:
    found = judged(with_errors({"plain": plain}))["worst change of PSNR"]
    assert found.verdict == verdict
    assert found.found == f"plain {1200 * plain:.2f} dB; aps, mass 0.00 dB"


def test_smallest_change_of_an_exact_network_is_told() -> None:
    found = judged([*measured(), worst("mass", -2e-7, slice=1)])["worst change of PSNR"]
    assert (found.verdict, found.found) == ("not shown", "plain 1.20 dB; aps 0.00 dB; mass 2.0·10⁻⁷ dB")


def test_prices_are_those_against_plain() -> None:
    found = judged(measured())
    assert found["price in PSNR"].found == (
        f"aps {MINUS}1.00 [{MINUS}1.00, {MINUS}1.00] dB; mass {MINUS}1.25 [{MINUS}1.25, {MINUS}1.25] dB"
    )
    assert found["price in time"].found == (
        "aps 1.40 times; mass 1.50 times (channels 64, 128, 256, 512, 1024; an image of 320 x 256; cpu (x86_64); "
        "2 threads)"
    )


AN_EXACT = "an exact network (aps, aps-keep, lps, mass, mass-unpool)"


@pytest.mark.parametrize(
    ("lacking", "protocol", "name", "found"),
    [
        (("aps", "mass"), None, "exact", f"missing where outputs are compared: {AN_EXACT}"),
        (("plain",), "equivariance", "order, test slices", "missing in equivariance: plain"),
        (("aps", "mass"), "ood", "order, natural images", f"missing in ood: {AN_EXACT}"),
        (
            ("plain-shifts", "lpf-tri-3", "lpf-bin-5"),
            None,
            "order, test slices",
            "missing in equivariance: a network with low-pass filters or shifts in training",
        ),
        (tuple(ERRORS), "ood", "order, natural images", "missing in ood: all networks"),
        (tuple(ERRORS), "ood", "published order, natural images", "missing in ood: two published networks that differ"),
        (("plain",), "worst", "worst change of PSNR", "missing in worst: plain"),
        (tuple(ERRORS), "worst", "worst change of PSNR", f"missing in worst: plain; {AN_EXACT}"),
        (("plain",), None, "price in PSNR", "missing in quality: plain"),
        (("aps", "mass"), "cost", "price in time", f"missing in cost: {AN_EXACT}"),
    ],
)
def test_what_is_missing_is_not_measured(lacking: Sequence[str], protocol: str | None, name: str, found: str) -> None:
    claim = judged(without(measured(), *lacking, protocol=protocol))[name]
    assert (claim.verdict, claim.found) == ("not measured", found)


def test_one_remedy_is_enough_and_the_claim_speaks_of_no_other() -> None:
    claim = judged(without(measured(), "plain-shifts"))["order, test slices"]
    assert claim.verdict == "shown"
    assert claim.text.startswith("On test slices, plain errs more than networks with low-pass filters, and all")


def test_table_has_every_claim_with_its_verdict() -> None:
    group = grouped([*without(measured(), *ERRORS, protocol="ood"), hard_image("aps", 1.0)])[0]
    table = claims_table(group)
    assert table is not None
    assert table.columns == ("claim", "verdict", "found")
    assert [row[0].text for row in table.rows] == [claim.text for claim in claims(group)]
    assert [(row[1].kind, row[1].text) for row in table.rows] == [
        *(("fail", "not shown"), ("pass", "shown"), ("pass", "shown"), ("none", "not measured")),
        *(("none", "not measured"), ("pass", "shown"), ("pass", "shown"), ("pass", "shown")),
    ]
    assert "Synthetic data: embedded MRI, 3 volumes" in table.caption
    assert claims_table(grouped([record("mine", "quality", {"psnr": 1.0})])[0]) is None


def test_claims_hold_of_made_up_records_whose_worst_case_is_small() -> None:
    found = verdicts(made_up())
    assert [name for name, verdict in found.items() if verdict == "not shown"] == ["worst change of PSNR"]


def subject(variant: str, arguments: Mapping[str, Word], *, kind: str = "UNet") -> Subject:
    return replace(network("mine", variant=variant, kind=kind), details={"arguments": arguments})


def test_families_follow_from_the_sampling() -> None:
    names = [name for name in SAMPLINGS if is_made_exact(network(f"{name}-tri-3"))]
    assert names == [name for name, sampling in SAMPLINGS.items() if sampling.equivariant]
    own = replace(SAMPLINGS["mass"], name="own", p=1)
    assert is_made_exact(subject("own", {"sampling": sampling_in_words(own)}))
    assert not is_made_exact(subject("aps", {"sampling": "plain"}))
    assert not is_made_exact(subject("aps", {"sampling": "aps", "padding": "zeros"}))
    assert not is_made_exact(subject("aps", {"sampling": "of the future"}))
    assert not is_made_exact(network("aps", kind="onnx"))
    assert not is_made_exact(network("apse"))
    assert is_low_pass(network("lpf-adaptive-3"))
    assert is_low_pass(network("lpf"))
    assert not is_low_pass(network("aps-tri-3"))
    assert [is_shift_trained(network(name)) for name in ("plain-shifts", "plain", "aps-shifts")] == [True, False, False]
