"""The headline table says what the records say, and so do its forms for a README and a terminal."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from recon.errors import DataError
from recon.records import Record
from recon.report.build import sections
from recon.report.headline import headline
from recon.report.notation import DASH, MINUS
from recon.report.parts import Cell, Table
from recon.report.readme import BEGIN, END, headline_markdown, replaced
from recon.report.selection import grouped
from recon.report.terminal import WIDTH, headline_text
from tests.report.drawn import made_up
from tests.report.measured import (
    CT,
    MRI,
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

COLUMNS = (
    *("network", "PSNR (dB)", "PSNR less plain's (dB)", "worst change of PSNR (dB)"),
    *("equivariance error, test slices", "equivariance error, natural images", "largest error anywhere"),
    *("exact", "time over plain's"),
)


def untouched(records: list[Record]) -> list[Record]:
    return [replace(one, subject=network("zero-filling", kind="built-in")) for one in records]


def every_column() -> list[Record]:
    """Give records of which each number of the table can be worked out by hand."""
    return [
        *qualities("plain", [30, 34, 32]),
        *qualities("aps", [29.5, 33.5, 31.5]),
        *untouched([*qualities("zero-filling", [40, 40, 40]), *(worst("zero-filling", slice=n) for n in (0, 1))]),
        *(worst("plain", 0.4, bitwise=0.5), worst("plain", -1.957, bitwise=0.0, slice=1)),
        *(worst("aps", slice=number) for number in (0, 1)),
        *by_volume("plain", [1e-3, 3e-3, 2e-3]),
        *by_volume("aps", [0.0, 0.0, 0.0]),
        *out_of_distribution("plain", [1e-2, 3e-2]),
        *out_of_distribution("aps", [0.0, 0.0]),
        *(out_of_distribution(name, [error], group="noise")[0] for name, error in (("plain", 0.4), ("aps", 0.0))),
        *(hard_image("plain", 0.5), hard_image("aps", 0.0)),
        *(cost("plain", 0.01), cost("aps", 0.0135)),
    ]


def table_of(records: list[Record]) -> Table:
    made = headline(grouped(records)[0])
    assert made is not None
    return made


def cells_of(records: list[Record], name: str) -> Mapping[str, Cell]:
    made = table_of(records)
    row = next(row for row in made.rows if row[0].text == name)
    return dict(zip(made.columns, row, strict=True))


def texts_of(records: list[Record], name: str) -> list[str]:
    return [cell.text for cell in cells_of(records, name).values()]


def test_every_number_is_that_of_the_records() -> None:
    records = every_column()
    assert table_of(records).columns == COLUMNS
    assert [row[0].text for row in table_of(records).rows] == ["zero-filling", "plain", "aps"]
    # Three volumes are drawn all alike with probability 1 / 27, and so the intervals end at the extremes.
    assert texts_of(records, "plain") == [
        *("plain", "32.00 [30.00, 34.00]", DASH, "1.96", "2.0·10⁻³ [1.0·10⁻³, 3.0·10⁻³]"),
        *("2.0·10⁻² [1.0·10⁻², 3.0·10⁻²]", "5.0·10⁻¹", "no", "1.00"),
    ]
    assert texts_of(records, "aps") == [
        *("aps", "31.50 [29.50, 33.50]", f"{MINUS}0.50 [{MINUS}0.50, {MINUS}0.50]", "0.00", "0.0"),
        *("0.0", "0.0", "yes", "1.35"),
    ]


def test_what_leaves_its_input_as_it_is_is_no_contender() -> None:
    row = cells_of(every_column(), "zero-filling")
    assert [cell.text for cell in row.values()] == [
        *("zero-filling", "40.00 [40.00, 40.00]", "+8.00 [+6.00, +10.00]", "0.00", DASH, DASH, "0.0", "trivially", DASH)
    ]
    assert row["exact"].kind == "word"
    assert not any(cell.best for cell in row.values())
    assert cells_of(every_column(), "plain")["PSNR (dB)"].best
    assert cells_of(every_column(), "aps")["largest error anywhere"].best


def test_zero_is_said_of_zero_alone() -> None:
    row = cells_of([worst("aps", 4e-3, bitwise=0.9), worst("mass")], "aps")
    assert row["worst change of PSNR (dB)"].text == "4.0·10⁻³"
    assert row["largest error anywhere"].text == "4.0·10⁻⁶"
    assert cells_of([worst("aps", -5.1e-3)], "aps")["worst change of PSNR (dB)"].text == "0.01"


@pytest.mark.parametrize(
    ("other", "counts"),
    [
        (equivariances("aps", [0.0, 7e-3])[1], True),
        (by_volume("aps", [7e-3])[0], True),
        (worst("aps", 7.0, bitwise=0.5, slice=1), True),
        (worst("aps", premise=7e-3, slice=1), True),
        *((out_of_distribution("aps", [7e-3], group=kind)[0], True) for kind in ("natural", "noise", "untrained")),
        (hard_image("aps", 7e-3), True),
        (record("aps", "layers", {"nmse": 7e-3, "bitwise": 0.5}, scope="set", item=""), True),
        (record("aps", "layers", {"nmse": 7e-3}, scope="set", item="downs.0"), False),
        (record("aps", "subpixel", {"nmse": 7e-3}), False),
        (record("aps", "quality", {"nmse": 7e-3, "psnr": 1.0}), False),
    ],
)
def test_largest_error_is_that_of_all_comparisons_under_whole_shifts(other: Record, counts: bool) -> None:
    assert cells_of([worst("aps")], "aps")["largest error anywhere"].text == "0.0"
    row = cells_of([worst("aps"), other], "aps")
    assert row["largest error anywhere"].text == ("7.0·10⁻³" if counts else "0.0")
    assert row["exact"].kind == ("fail" if counts else "pass")


def test_one_bit_is_not_exact_though_no_error_shows() -> None:
    row = cells_of([worst("aps"), hard_image("aps", 0.0, bitwise=63 / 64)], "aps")
    assert (row["largest error anywhere"].text, row["exact"].text, row["exact"].kind) == ("0.0", "no", "fail")


def test_columns_without_a_number_are_left_out() -> None:
    assert table_of(qualities("aps", [30, 31])).columns == ("network", "PSNR (dB)")
    assert table_of([worst("aps"), *qualities("mass", [30])]).columns == (
        *("network", "PSNR (dB)", "worst change of PSNR (dB)", "largest error anywhere", "exact"),
    )
    assert texts_of([worst("aps"), *qualities("mass", [30])], "mass")[2:] == [DASH, DASH, DASH]
    assert headline(grouped([record("aps", "another", {})])[0]) is None


def test_ct_takes_images() -> None:
    records = [*equivariances("plain", [1e-3, 3e-3], source=CT), *by_volume("plain", [1.0], source=CT)]
    assert cells_of(records, "plain")["equivariance error, test slices"].text.startswith("2.0·10⁻³")


def test_caption_says_what_the_numbers_are_and_on_which_data() -> None:
    caption = table_of(every_column()).caption
    assert "Synthetic data: embedded MRI, 3 volumes, 2 slices; seed 0." in caption
    assert "95 % bootstrap intervals over volumes, of natural images over images." in caption
    assert "of any slice under every shift" in caption
    assert "under the random shifts tried" in table_of([worst("aps", shifts="random")]).caption
    real = table_of(qualities("aps", [30, 31], source=MRI)).caption
    assert real == (
        "PSNR is against the target. In brackets are 95 % bootstrap intervals over volumes. "
        "Data: fastMRI MRI, 2 volumes; seed 0."
    )


def test_worst_case_of_a_part_of_the_slices_is_said_wherever_the_table_stands() -> None:
    part = [*equivariances("aps", [0.0, 0.0, 0.0]), worst("aps", slice=1)]
    said = "The worst case is of 1 of these slices."
    (group,) = grouped(part)
    assert all(said in text for text in (table_of(part).caption, headline_markdown([group]), headline_text([group])))
    every = [*equivariances("aps", [0.0]), worst("aps")]
    assert "of these slices" not in table_of(every).caption


def test_one_volume_has_no_interval() -> None:
    made = table_of([*qualities("plain", [30]), *qualities("aps", [29])])
    assert [row[1].text for row in made.rows] == ["30.00", "29.00"]
    assert "one volume alone" in made.caption
    assert "intervals" not in made.caption


def test_networks_measured_on_other_images_are_pointed_out_once() -> None:
    records = [*equivariances("plain", [1e-3, 1e-3]), *equivariances("aps", [0.0]), worst("plain"), worst("aps")]
    records.append(worst("plain", slice=1))
    assert [note.partition(" (")[0] for note in table_of(records).notes] == [
        "The networks were not measured on the same images"
    ]


def test_summary_is_the_first_section() -> None:
    for group in grouped([*made_up(), *made_up(modality="ct")]):
        first = sections(group)[0]
        assert first.title == f"{group.key.upper()}: Summary"
        assert [part.name for part in first.contents] == [f"{group.key}-headline", f"{group.key}-claims"]


def test_readme_gets_the_tables_between_its_marks() -> None:
    groups = grouped([*every_column(), *qualities("aps", [30, 31], source=CT)])
    text = replaced(f"# Title\n\n{BEGIN}\nold\n{END}\n\nThe rest\n", groups)
    assert text == f"# Title\n\n{BEGIN}\n\n{headline_markdown(groups)}\n\n{END}\n\nThe rest\n"
    assert replaced(text, groups) == text
    lines = headline_markdown(groups).splitlines()
    assert lines[0] == (
        "**MRI. Synthetic data: embedded MRI, 3 volumes, 2 slices; seed 0.** In brackets are 95 % bootstrap intervals "
        "over volumes, of natural images over images."
    )
    assert lines[6] == (
        rf"| aps | 31.50 \[29.50, 33.50\] | {MINUS}0.50 \[{MINUS}0.50, {MINUS}0.50\] | **0.00** | **0.0** | **0.0** | "
        "**0.0** | yes | 1.35 |"
    )
    assert lines[8].startswith("**CT. Data: LoDoPaB-CT CT, 2 volumes; seed 0.**")


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{END}{END}", f"{BEGIN}{BEGIN}{END}"])
def test_readme_without_its_marks_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"must hold <!-- results: begin --> and then <!-- results: end -->, each once"):
        replaced(text, grouped(every_column()))


def test_readme_is_not_emptied() -> None:
    with pytest.raises(DataError, match="must hold what the headline table shows"):
        replaced(f"{BEGIN}table{END}", grouped([record("aps", "another", {})]))


def test_terminal_has_aligned_columns_of_its_width_and_the_claims() -> None:
    names = ("lpf-tri-3", "lpf-adaptive-3", "aps-tri-3", "aps-adaptive-3", "mass", "mass-unpool", "lps-tri-3")
    more = [one for name in names for one in qualities(name, [29, 30, 31])]
    lines = headline_text(grouped([*every_column(), *more])).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[0] == "MRI. Synthetic data: embedded MRI, 3 volumes, 2 slices; seed 0."
    rule = next(place for place, line in enumerate(lines) if line.startswith("---"))
    assert lines[rule - 1].startswith("network ")
    rows = lines[rule + 1 : rule + 1 + 3 + len(names)]
    assert {len(line) for line in rows} == {len(lines[rule])}
    assert rows[1].split() == [
        *("plain", "32.00", "[30.00,", "34.00]", DASH, "1.96", "2.0·10⁻³", "2.0·10⁻²", "5.0·10⁻¹", "no", "1.00")
    ]
    assert any(line.startswith("✓ Networks built to be exact") for line in lines)
    assert any(line.startswith(f"{DASH} On test slices, ") for line in lines)
    assert "synthetic" not in headline_text(grouped(qualities("aps", [30], source=MRI))).lower()
