"""The answer follows from the numbers."""

import pytest

from recon.records import Record
from recon.report.answer import answer
from recon.report.exactness import exactness_of
from recon.report.selection import grouped
from tests.report.measured import MRI, equivariances, network, qualities, record, worst


def said(records: list[Record]) -> str:
    return " ".join(answer(grouped(records)[0]))


def test_exact_network_of_the_best_psnr_is_recommended_with_its_price() -> None:
    records = [
        *qualities("plain", [30, 31, 32]),
        *qualities("aps", [29.5, 30.5, 31.5]),
        *qualities("aps-tri-3", [29.75, 30.75, 31.75]),
        *(worst(name) for name in ("aps", "aps-tri-3")),
        worst("plain", -0.3, bitwise=0.01),
        *(
            record(name, "cost", {"seconds": s}, scope="set", item="")
            for name, s in (("plain", 1.0), ("aps-tri-3", 1.5))
        ),
    ]
    text = said(records)
    assert "aps and aps-tri-3 were exact, under every shift of 1 slice of 1 volume: no bit" in text
    assert "up to −0.30 dB with plain (file1, slice 0, shift (3, 5))" in text
    assert "To use: aps-tri-3, the exact network of the best PSNR (30.75 dB)" in text
    assert "from that of plain by −0.25 [−0.25, −0.25] dB (3 volumes), and it takes 1.50 times as long" in text


def test_only_what_was_measured_is_called_the_only_one() -> None:
    text = said([worst("aps"), worst("mass"), *qualities("aps", [30, 31])])
    assert "To use: aps, the exact network of the best PSNR" in text
    text = said([worst("aps"), worst("plain", -0.3, bitwise=0.0), *qualities("plain", [30, 31])])
    assert "Quality of the exact networks was not measured" in text


def test_synthetic_data_come_first() -> None:
    assert answer(grouped([worst("aps")])[0])[0].startswith("MRI, on synthetic data")
    assert "synthetic" not in " ".join(answer(grouped([worst("aps", source=MRI)])[0]))


@pytest.mark.parametrize(
    "broken",
    [
        worst("aps", bitwise=0.99, slice=1),
        worst("aps", premise=1e-12, slice=1),
        *equivariances("aps", [1e-16]),
        record("aps", "hard", {"bitwise": 0.5, "passes": 0}, item="bars", slice=None),
        record("aps", "ood", {"bitwise": 0.0}, group="noise"),
    ],
)
def test_one_bit_anywhere_is_not_exact(broken: Record) -> None:
    assert exactness_of(grouped([worst("aps")])[0], "aps").exact
    records = [worst("aps"), *qualities("aps", [30]), broken]
    assert not exactness_of(grouped(records)[0], "aps").exact
    text = said(records)
    assert "aps was not exact" in text
    assert "Of the best PSNR is aps (30.00 dB), which was not exact" in text


def test_networks_that_move_come_with_the_worst_first() -> None:
    text = said(
        [worst("plain", 0.2, bitwise=0.0), worst("lpf-tri-3", -0.5, bitwise=0.0), worst("mine", 0.1, bitwise=0)]
    )
    assert "No network was exact" in text
    assert "−0.50 dB with lpf-tri-3 (file1, slice 0, shift (3, 5)); +0.20 dB with plain and +0.10 dB with mine." in text


def test_random_shifts_are_not_called_every_shift() -> None:
    assert "under all random shifts that were tried" in said([worst("aps", shifts="random")])
    assert "every shift" not in said([worst("aps", shifts="random")])


def test_nothing_is_said_of_what_was_not_measured() -> None:
    text = said(qualities("aps", [30, 31]))
    assert "was not measured (protocols equivariance, worst, ood, hard, layers)" in text
    assert "PSNR of one slice" not in text
    text = said([worst("plain", 0.2, bitwise=0.0), worst("aps")])
    assert "Quality was not measured" in text
    assert "+0.20 dB with plain" in text


def test_without_plain_there_is_no_price() -> None:
    assert said([worst("aps"), *qualities("aps", [30, 31])]).endswith("To use: aps, the only exact network (30.50 dB).")


def test_what_leaves_its_input_as_it_is_is_no_network() -> None:
    text = said([record("fbp", "worst", {"bitwise": 1.0}, subject=network("fbp", kind="built-in"))])
    assert text == "MRI: no network was measured, only what leaves its input as it is."


def test_one_volume_has_no_interval() -> None:
    text = said([worst("aps"), worst("plain", 0.1, bitwise=0), *qualities("aps", [30]), *qualities("plain", [31])])
    assert "by \N{MINUS SIGN}1.00 dB (1 volume, so no interval)" in text


def test_layers_alone_show_that_a_network_is_exact() -> None:
    records = [record("aps", "layers", {"nmse": 0.0, "bitwise": 1.0}, scope="set", item="")]
    assert "aps was exact, under every shift below the period of a few slices: no bit" in said(records)
