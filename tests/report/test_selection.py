"""Which records may stand in one report."""

from dataclasses import replace

import pytest

from recon.errors import ConfigError, DataError
from recon.report.selection import grouped
from tests.report.measured import CT, MRI, SYNTHETIC, network, qualities, record, worst

VARIANTS = (
    *("zero-filling", "plain", "plain-shifts", "plain-penalty", "lpf-rect-2", "lpf-tri-3", "lpf-bin-5"),
    *("lpf-adaptive-3", "aps", "aps-rect-2", "aps-tri-3", "aps-bin-5", "aps-adaptive-3", "mass", "mass-tri-3"),
    *("mass-unpool", "lps", "lps-tri-3", "mine"),
)


def test_networks_come_in_the_order_of_the_tables() -> None:
    records = [record(name, "quality", {"psnr": 1}) for name in sorted(VARIANTS, reverse=True)]
    names = grouped(records)[0].names
    assert [name for name in names if not name.startswith("mass")] == [
        name for name in VARIANTS if not name.startswith("mass")
    ]
    assert names.index("aps-adaptive-3") < names.index("mass") < names.index("lps")


def test_mri_and_ct_are_two_groups() -> None:
    groups = grouped([*qualities("plain", [1], source=CT), *qualities("plain", [2], source=MRI)])
    assert [(group.key, group.source) for group in groups] == [("mri", MRI), ("ct", CT)]
    assert [one.measures["psnr"] for one in groups[1].of("quality", "plain", scope="volume")] == [1]
    assert groups[1].of("quality", scope="image") == groups[1].of("worst") == []


def test_no_records_are_refused() -> None:
    with pytest.raises(DataError, match="must be records to report, got none"):
        grouped([])


def test_two_data_sets_of_one_modality_are_refused() -> None:
    with pytest.raises(DataError, match=r"one MRI data set, got fastMRI MRI .*ffff.* and embedded MRI .*one by one"):
        grouped([*qualities("plain", [1], source=MRI), *qualities("aps", [1], source=SYNTHETIC)])


def test_one_name_for_two_networks_is_refused() -> None:
    two = [record("aps", "quality", {}), record("aps", "worst", {}, subject=network("aps", weights="other"))]
    with pytest.raises(DataError, match="records of aps must be of the same weights"):
        grouped(two)


def test_two_evaluations_of_one_network_are_refused() -> None:
    with pytest.raises(DataError, match=r"seed 0.* and seed 1"):
        grouped([record("aps", "worst", {}), record("aps", "worst", {}, slice=1, seed=1)])
    with pytest.raises(DataError, match="must be of one evaluation"):
        grouped([record("aps", "quality", {"psnr": 1}), record("aps", "quality", {"psnr": 2})])


def test_records_that_are_there_twice_count_once() -> None:
    one = record("aps", "quality", {"psnr": float("nan")})
    assert len(grouped([one, replace(one)])[0].records) == 1


def test_protocol_that_was_asked_for_must_be_there() -> None:
    assert grouped([worst("aps")], require=["worst"])
    with pytest.raises(DataError, match="protocol hard, got only worst"):
        grouped([worst("aps")], require=["hard"])
    with pytest.raises(ConfigError, match="did you mean 'hard'"):
        grouped([worst("aps")], require=["hord"])


def test_plain_is_the_network_of_that_name_if_several_are_plain() -> None:
    records = [record(name, "quality", {}, subject=network(name, variant="plain")) for name in ("a", "plain")]
    found = grouped(records)[0].plain
    assert found is not None
    assert found.name == "plain"
    assert grouped([worst("aps")])[0].plain is None
