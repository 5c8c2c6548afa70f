"""Tables say what the records say."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from recon.records import Record, Source
from recon.report.build import sections
from recon.report.parts import Table
from recon.report.published import published
from recon.report.selection import Group, grouped
from recon.report.tables_beyond import border, layers, physics, stability, subpixel
from recon.report.tables_cost import cost, networks
from recon.report.tables_paper import table1, table2, table3, table4
from recon.report.tables_quality import quality
from recon.report.tables_shifts import hard, honest, ood, worst
from tests.report import measured as made
from tests.report.drawn import made_up
from tests.report.measured import CT, MRI, equivariances, network, qualities, record

MAKERS = (
    *(table1, table2, table3, table4, quality, honest, worst, ood, hard),
    *(subpixel, border, physics, stability, layers, cost),
)


def table_of(make: Callable[[Group], Table | None], records: list[Record]) -> Table:
    table = make(grouped(records)[0])
    assert table is not None
    return table


def row_of(table: Table, name: str) -> Mapping[str, str]:
    row = next(row for row in table.rows if row[0].text == name)
    return {column: cell.text for column, cell in zip(table.columns, row, strict=True)}


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("source", [MRI, CT])
def test_what_was_not_measured_has_no_table(make: Callable[[Group], Table | None], source: Source) -> None:
    assert make(grouped([record("aps", "another", {}, source=source)])[0]) is None


def test_table1_has_the_columns_and_figures_of_the_paper() -> None:
    records = [*qualities("plain", [30, 28, 32, 26], source=MRI), *qualities("mine", [1, 2], source=MRI)]
    for kind, nmse in (("PD", 1e-3), ("PDFS", 2e-3)):
        errors = {"nmse": nmse, "ssim": 0.9}
        records.append(record("plain", "equivariance", errors, scope="volume", group=kind, source=MRI))
    table = table_of(table1, records)
    assert table.columns == (
        *("network", "equivariance NMSE PD", "equivariance NMSE PDFS", "equivariance SSIM PD"),
        *("equivariance SSIM PDFS", "NMSE PD", "NMSE PDFS", "PSNR (dB) PD", "PSNR (dB) PDFS", "SSIM PD", "SSIM PDFS"),
    )
    assert [row[0].text for row in table.rows] == ["plain", "plain, published", "mine"]
    assert [cell.text for cell in table.rows[0][1:]] == [
        *("1.0·10⁻³", "2.0·10⁻³", "0.9000", "0.9000", "0.0100", "0.0100", "31.00", "27.00", "0.8000", "0.8000"),
    ]
    assert [cell.text for cell in table.rows[1][1:]] == [
        *("1.4·10⁻³", "9.56·10⁻⁴", "0.9965", "0.9975", "0.016", "0.053", "33.83", "29.92", "0.8093", "0.6301"),
    ]
    assert all(cell.kind == "published" and not cell.best for cell in table.rows[1][1:])


def test_table2_takes_the_size_of_the_largest_change() -> None:
    table = table_of(table2, [made.worst("plain", 0.4), made.worst("plain", -1.0, slice=1), made.worst("aps")])
    assert [[cell.text for cell in row] for row in table.rows] == [["plain", "0.50", "4.03"], ["aps", "0", "8.6·10⁻⁴"]]
    assert [row[1].best for row in table.rows] == [False, True]


def test_table3_is_of_natural_images_alone() -> None:
    records = [
        record("aps", "ood", {"nmse": nmse, "ssim": 1.0, "bitwise": 0.0}, group=kind, item=kind)
        for kind, nmse in (("natural", 1e-3), ("noise", 1.0))
    ]
    table = table_of(table3, records)
    assert [cell.text for cell in table.rows[0]] == ["aps", "1.0·10⁻³", "3.09·10⁻¹⁴", "1", "1.0"]
    assert "On 1 image; the networks are for synthetic data" in table.caption


def test_table4_is_of_ct_images() -> None:
    records = [
        record("aps-tri-3", "quality", {"nmse": 0.005, "psnr": psnr, "ssim": 0.8}, slice=number, source=CT)
        for number, psnr in enumerate((35, 36))
    ]
    table = table_of(table4, [*records, *equivariances("aps-tri-3", [0, 0], source=CT)])
    assert [cell.text for cell in table.rows[0][1:]] == ["0", "1", "0.0050", "35.50", "0.8000"]
    assert [cell.text for cell in table.rows[1][1:]] == ["6.495·10⁻¹⁰", "1.0", "0.0054", "34.95", "0.8206"]
    assert table1(grouped(records)[0]) is None


def test_published_figures_of_other_data_are_said_to_differ() -> None:
    def note(source: Source, count: int) -> str:
        return table_of(table4, equivariances("aps", [0.0] * count, source=source)).notes[0]

    assert "differ (LoDoPaB-CT CT, 5 slices)" in note(CT, 5)
    assert "differ" not in note(CT, published("ct").images)
    assert "differ (synthetic data, " in note(replace(CT, synthetic=True), published("ct").images)


def test_published_figures_of_larger_networks_are_said_to_be_of_those() -> None:
    small = replace(network("aps"), details={"arguments": {"channels": [8, 16]}})
    table = table_of(table2, [record("aps", "worst", {"delta_psnr_ten": 0.0}, subject=small)])
    assert any("Channels of the networks here: 8, 16; of the published: 64, 128" in note for note in table.notes)


def test_honest_table_shows_the_distribution() -> None:
    errors = [0.0, 1e-6, 2e-6, 3e-6, 1e-3]
    row = row_of(table_of(honest, equivariances("plain", errors)), "plain")
    assert row["mean NMSE"] == "2.0·10⁻⁴"
    assert row["median"] == "2.0·10⁻⁶"
    assert row["largest NMSE"] == "1.0·10⁻³"
    assert row["equal bit for bit"] == "20.0 %"


def test_worst_table_names_volume_slice_and_shift() -> None:
    records = [made.worst("plain", 0.2, bitwise=0.5), made.worst("plain", -0.3, bitwise=0.0, item="file2", slice=7)]
    row = row_of(table_of(worst, records), "plain")
    assert row["largest change of PSNR (dB)"] == "−0.30"
    assert row["in volume, slice, by shift"] == "file2, 7, (3, 5)"
    assert row["equal bit for bit"] == "25.0 %"
    assert row["shifts tried"] == "64 (all residues)"
    assert row["premise"] == "0"


def test_quality_has_intervals_and_paired_differences() -> None:
    records = [*qualities("plain", [30, 34, 32]), *qualities("aps", [29.5, 33.5, 31.5])]
    table = table_of(quality, records)
    assert row_of(table, "aps")["PSNR less plain's (dB)"] == "−0.50 [−0.50, −0.50]"
    assert row_of(table, "aps")["PSNR s.d. (dB)"] == "2.00"
    assert row_of(table, "plain")["PSNR (dB)"].startswith("32.00 [30")
    assert row_of(table, "plain")["PSNR less plain's (dB)"] == "\N{EN DASH}"
    assert "3 volumes" in table.caption


def test_hard_images_pass_or_fail_and_are_counted() -> None:
    records = [
        record(name, "hard", {"nmse": nmse, "passes": float(nmse == 0)}, item=item, slice=None)
        for name, item, nmse in (("aps", "zero", 0), ("aps", "bars", 0), ("plain", "zero", 0), ("plain", "bars", 1e-2))
    ]
    table = table_of(hard, records)
    assert table.columns == ("image", "plain", "aps")
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["zero", "pass", "pass"],
        ["bars", "fail, 1.0·10⁻²", "pass"],
        ["passed", "1 of 2", "2 of 2"],
    ]


def test_out_of_the_distribution_is_told_set_by_set() -> None:
    records = [
        record("plain", "ood", {"nmse": nmse, "bitwise": 0.0}, group=kind, item=str(nmse))
        for kind, nmse in (("noise", 1.0), ("natural", 1e-3), ("natural", 3e-3))
    ]
    row = row_of(table_of(ood, records), "plain")
    assert list(row) == ["network", "natural: NMSE", "natural: bitwise", "noise: NMSE", "noise: bitwise"]
    assert row["natural: NMSE"] == "2.0·10⁻³ (3.0·10⁻³)"


def test_untrained_networks_are_told_apart_by_ssim() -> None:
    records = [record("plain", "ood", {"nmse": 1e-9, "ssim": 0.5, "bitwise": 0.0}, group="untrained")]
    table = table_of(ood, records)
    assert row_of(table, "plain")["untrained: SSIM"] == "0.5000"
    assert "nearly constant" in table.notes[0]
    assert not table_of(ood, [record("plain", "ood", {"nmse": 1.0, "bitwise": 0.0}, group="noise")]).notes


def test_networks_may_lack_a_set_but_not_some_of_its_images() -> None:
    def measured(name: str, kind: str, item: str) -> Record:
        return record(name, "ood", {"nmse": 1.0, "ssim": 0.5, "bitwise": 0.0}, group=kind, item=item)

    lacking = [measured("plain", "noise", "a"), measured("plain", "natural", "b"), measured("aps", "noise", "a")]
    assert not table_of(ood, lacking).notes
    assert "not measured on the same images" in table_of(ood, [*lacking, measured("aps", "natural", "c")]).notes[0]


def test_one_volume_has_no_interval_and_the_caption_says_so() -> None:
    table = table_of(quality, [*qualities("plain", [30]), *qualities("aps", [29])])
    assert "one volume alone, so that there is no interval" in table.caption
    assert row_of(table, "aps")["PSNR less plain's (dB)"] == "\N{MINUS SIGN}1.00"
    assert "bootstrap intervals" in table_of(quality, qualities("plain", [30, 31])).caption


def test_fractions_are_told_apart() -> None:
    records = [
        record("aps", "subpixel", {"nmse": f}, settings={"shift": shift})
        for f in (1 / 3, 0.25)
        for shift in ([f, 0.0], [0.0, f], [f, f])
    ]
    row = row_of(table_of(subpixel, records), "aps")
    assert row["by 1/4 pixel: NMSE"] == "2.5·10⁻¹ (2.5·10⁻¹)"
    assert row["by 1/3 pixel: NMSE"] == "3.3·10⁻¹ (3.3·10⁻¹)"


def test_border_and_physics() -> None:
    records = [
        record("aps", "border", {"nmse": 1e-3, "nmse_inside": 0.0}, settings={"step": [1, 1]}),
        record("aps", "border", {"nmse": 3e-3}, settings={"step": [3, 3]}),
        record("aps", "physics", {"nmse": 4e-3, "floor": 2e-3}, settings={"shift": [1, 0]}),
    ]
    assert list(row_of(table_of(border, records), "aps").values()) == ["aps", "2.0·10⁻³ (3.0·10⁻³)", "0"]
    assert row_of(table_of(physics, records), "aps")["NMSE over floor"] == "2"


@pytest.mark.parametrize(
    ("aps", "plain", "said"),
    [
        (1e-3, 1.1e-3, "about as large as that of plain (0.909 times)"),
        (1e-3, 1e-2, "smaller than that of plain (0.1 times)"),
        (3e-2, 1e-2, "larger than that of plain (3 times)"),
    ],
)
def test_physics_says_what_exact_networks_may_be_expected_to_do(aps: float, plain: float, said: str) -> None:
    records = [
        *(record(name, "physics", {"nmse": nmse, "floor": 0.0}) for name, nmse in (("aps", aps), ("plain", plain))),
        *(made.worst(name, bitwise=float(name == "aps")) for name in ("aps", "plain")),
    ]
    note = table_of(physics, records).notes[0]
    assert "need not be better here" in note
    assert note.endswith(f"Here the NMSE of the exact network is {said}.")
    alone = table_of(physics, [one for one in records if one.subject.name == "aps"]).notes
    assert alone[0].endswith("as far as the network looks.")
    assert not table_of(physics, [one for one in records if one.subject.name == "plain"]).notes


def test_stability_counts_every_slice_once() -> None:
    records = [
        record("aps", "stability", {"nmse": strength, "margin": margin, "flipped": float(strength > margin)},
               slice=number, settings={"strength": strength})
        for number, margin in enumerate((1e-3, 1e-1, 3e-1))
        for strength in (1e-4, 1e-2)
    ]  # fmt: skip
    row = row_of(table_of(stability, records), "aps")
    assert row["median margin"] == "1.0·10⁻¹"
    assert row["noise 10⁻⁴: flipped"] == "0 %"
    assert row["noise 0.01: flipped"] == "33.3 %"


def test_first_layer_that_breaks_is_named() -> None:
    def layer(name: str, measures: Mapping[str, float], settings: Mapping[str, str | int]) -> Record:
        return record("plain", "layers", measures, item=name, scope="set", settings=settings)

    records = [
        layer("", {"nmse": 1e-3, "bitwise": 0.25}, {"first": "downs.0"}),
        layer("stem", {"nmse": 0.0}, {"stride": 1, "kind": "Convolution"}),
        layer("downs.0", {"nmse": 0.1}, {"stride": 2, "kind": "Down"}),
    ]
    assert [cell.text for cell in table_of(layers, records).rows[0]] == [
        *("plain", "downs.0", "Down", "2", "1.0·10⁻¹", "1.0·10⁻³", "25.0 %"),
    ]


def test_cost_is_also_relative_to_plain() -> None:
    records = [
        record(name, "cost", {"parameters": 1e6, "seconds": seconds, "peak_memory": 2e6}, item="", scope="set")
        for name, seconds in (("plain", 0.01), ("aps", 0.025))
    ]
    row = row_of(table_of(cost, records), "aps")
    assert row["time (ms)"] == "25"
    assert row["time over plain's"] == "2.50"
    assert row["parameters"] == "1,000,000"
    assert row["peak memory (MB)"] == "2"


@pytest.mark.parametrize("modality", ["mri", "ct"])
@pytest.mark.parametrize("synthetic", [True, False])
def test_every_caption_names_the_data_and_says_whether_they_are_synthetic(modality: str, synthetic: bool) -> None:
    group = grouped(made_up(modality=modality, synthetic=synthetic))[0]
    tables = [part for section in sections(group) for part in section.contents if isinstance(part, Table)]
    assert len(tables) >= 6
    for table in tables:
        assert ("synthetic" in table.caption.lower()) == synthetic
        assert group.source.name.removesuffix(" (synthetic)") in table.caption
        assert "seed " in table.caption
    assert len({table.name for table in tables}) == len(tables)


def test_networks_measured_on_other_images_or_seeds_are_pointed_out() -> None:
    other = [replace(one, circumstances=replace(one.circumstances, seed=1)) for one in equivariances("aps", [0.0])]
    notes = table_of(honest, [*equivariances("plain", [1e-3, 1e-3]), *other]).notes
    assert any("not measured on the same images (plain 2, aps 1)" in note for note in notes)
    assert any("different seeds (plain 0, aps 1)" in note for note in notes)


def test_values_that_are_undefined_are_counted_in_a_note() -> None:
    records = [*qualities("aps", [30, math.nan])]
    table = table_of(quality, records)
    assert row_of(table, "aps")["PSNR (dB)"] == "30.00"
    assert "Left out of psnr, being undefined there: aps 1." in table.notes


def test_best_is_never_what_is_no_network() -> None:
    zero = [replace(one, subject=network("zero-filling", kind="built-in")) for one in qualities("zero-filling", [99])]
    table = table_of(quality, [*zero, *qualities("plain", [30]), *qualities("aps", [29])])
    assert [row[1].best for row in table.rows] == [False, True, False]


def test_table_of_networks_names_weights() -> None:
    row = row_of(table_of(networks, qualities("aps", [30])), "aps")
    assert row["weights (SHA-256)"] == "weights of a"
    assert row["computed on"] == "cpu (x86_64), float32, torch 2"
