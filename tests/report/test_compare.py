"""Two evaluations are compared, and what got worse is said."""

from dataclasses import replace

import pytest

from recon.errors import ConfigError, DataError
from recon.records import Record
from recon.report.compare import Tolerance, compare, comparison, verdict
from tests.report.measured import MRI, equivariances, qualities, record, worst


def worse(old: list[Record], new: list[Record], tolerance: Tolerance | None = None) -> list[str]:
    return [change.measure for change in compare(old, new, tolerance) if change.worse]


def hard(passes: int) -> list[Record]:
    return [
        record("aps", "hard", {"passes": float(n < passes), "bitwise": 1.0}, item=f"image{n}", slice=None)
        for n in range(3)
    ]


def test_an_evaluation_is_as_good_as_itself() -> None:
    records = [*qualities("aps", [30, 31]), *equivariances("aps", [0, 1e-9]), worst("aps", 0.1), *hard(2)]
    changes = compare(records, records)
    assert len(changes) == 8
    assert {change.change for change in changes} == {0}
    assert verdict(changes) == "Nothing got worse: 8 numbers of 1 network within the tolerance."


@pytest.mark.parametrize(("loss", "found"), [(0.09, []), (0.11, ["mean PSNR (dB)"]), (-5.0, [])])
def test_psnr_may_fall_by_a_tenth_of_a_decibel(loss: float, found: list[str]) -> None:
    assert worse(qualities("aps", [30, 31]), qualities("aps", [30 - loss, 31 - loss])) == found


def test_errors_may_grow_by_a_tenth() -> None:
    assert worse(equivariances("aps", [1e-5]), equivariances("aps", [1.09e-5])) == []
    assert worse(equivariances("aps", [1e-5]), equivariances("aps", [1.11e-5])) == ["largest equivariance NMSE"]
    assert worse(equivariances("aps", [1e-5]), equivariances("aps", [2e-5]), Tolerance(error=2)) == []


def test_any_loss_of_exactness_is_worse_whatever_the_tolerance() -> None:
    generous = Tolerance(psnr=100, ssim=1, error=100)
    found = worse(equivariances("aps", [0, 0]), equivariances("aps", [0, 1e-30]), generous)
    assert found == ["largest equivariance NMSE", "bitwise, one random shift"]
    found = worse([worst("aps")], [worst("aps", 1e-9, bitwise=0.999)], generous)
    assert found == ["bitwise, every shift", "worst change of PSNR (dB)"]


def test_shares_that_were_not_whole_may_change() -> None:
    assert worse([worst("aps", 0.1, bitwise=0.5)], [worst("aps", 0.1, bitwise=0.4)]) == []


def test_fall_of_psnr_by_a_shift_counts_by_its_size() -> None:
    assert worse([worst("aps", 0.2)], [worst("aps", -0.4)]) == ["worst change of PSNR (dB)"]


def test_fewer_hard_images_are_worse() -> None:
    assert worse(hard(3), hard(2)) == ["hard images passed"]
    assert worse(hard(2), hard(3)) == []


def test_what_is_gone_is_worse_and_what_is_new_is_not() -> None:
    old, new = [*qualities("aps", [30]), *qualities("plain", [30])], [*qualities("aps", [30]), *qualities("lps", [9])]
    changes = [change for change in compare(old, new) if change.worse]
    assert [(change.network, change.measure) for change in changes] == [("plain", "measured at all")]
    assert worse([*qualities("aps", [30]), worst("aps", 0.1, bitwise=0.5)], qualities("aps", [30])) == [
        "bitwise, every shift",
        "worst change of PSNR (dB)",
    ]


def test_undefined_numbers_are_worse_if_they_were_defined() -> None:
    nan = float("nan")
    assert worse(qualities("aps", [30]), qualities("aps", [nan])) == ["mean PSNR (dB)"]
    assert worse(qualities("aps", [nan]), qualities("aps", [nan])) == []


def test_only_images_that_both_measured_are_compared() -> None:
    changes = compare(qualities("aps", [30, 10]), qualities("aps", [30]))
    assert not any(change.worse for change in changes)
    assert {change.why for change in changes} == {"on 1 of the old 2"}


def test_other_data_are_refused() -> None:
    other = replace(MRI, fingerprint="0" * 64)
    with pytest.raises(DataError, match=r"same MRI data, got fastMRI MRI .*ffff.* and fastMRI MRI .*0000"):
        compare(qualities("aps", [30], source=MRI), qualities("aps", [30], source=other))


def test_tolerances_are_not_negative() -> None:
    with pytest.raises(ConfigError, match="tolerance of psnr"):
        Tolerance(psnr=-1)
    with pytest.raises(ConfigError, match="tolerance of error"):
        Tolerance(error=float("nan"))


def test_table_puts_what_is_worse_first() -> None:
    table = comparison(compare([*qualities("aps", [30]), worst("aps")], [*qualities("aps", [29]), worst("aps")]))
    assert [cell.text for cell in table.rows[0][:6]] == ["aps", "mean PSNR (dB)", "30.00", "29.00", "−1.00", "worse"]
    assert table.notes[0].startswith("Worse: aps: mean PSNR (dB) (lower by more than 0.1 dB)")
    assert "Synthetic data" in table.caption


def test_table_has_rows_for_what_changed_and_counts_the_rest() -> None:
    old = [*qualities("aps", [30, 31]), worst("aps"), *qualities("plain", [float("nan")])]
    new = [*qualities("aps", [30, 31.5]), worst("aps"), *qualities("plain", [float("nan")])]
    table = comparison(compare(old, new))
    assert [(row[0].text, row[1].text) for row in table.rows] == [("aps", "mean PSNR (dB)")]
    assert table.notes[1:] == ("7 numbers did not change and are not shown.",)
    assert comparison(compare(old, old)).rows == []
    part = comparison(compare(qualities("aps", [30, 30]), qualities("aps", [30])))
    assert {row[-1].text for row in part.rows} == {"on 1 of the old 2"}  # as good, but of fewer images
    assert len(part.notes) == 1
