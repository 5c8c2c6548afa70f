"""Reports as Markdown and LaTeX."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from recon.report.build import FIGURES, report, sections
from recon.report.latex import escaped, table_to_latex, to_latex
from recon.report.markdown import table_to_markdown, to_markdown
from recon.report.parts import Cell, Figure, Report, Section, Table
from recon.report.selection import grouped
from tests.report.drawn import made_up

HOSTILE = "a|b_c & 5 % #1 {x} \\ ~ ^ $ <i> [z] * ` \N{INFINITY} \N{EN DASH} \N{SNOWMAN} ü"


def hostile_table() -> Table:
    row = (Cell(HOSTILE, kind="word"), Cell("[1, 2]", 1.0, best=True))
    return Table("a_b c", HOSTILE, HOSTILE, (HOSTILE, "value"), [row, row], (HOSTILE,))


def figure(name: str) -> Figure:
    return Figure(name, "title", "Synthetic data.", "<svg/>", b"", "what is seen")


def hostile_report() -> Report:
    return Report(HOSTILE, True, [HOSTILE], [Section("s", HOSTILE, [HOSTILE], [hostile_table(), figure("f")])])


def cells_of(line: str) -> list[str]:
    return re.split(r"(?<!\\)\|", line)[1:-1]


def test_markdown_rows_have_as_many_cells_as_columns() -> None:
    lines = [line for line in table_to_markdown(hostile_table()).splitlines() if line.startswith("|")]
    assert [len(cells_of(line)) for line in lines] == [2, 2, 2, 2]
    assert cells_of(lines[2])[1] == r" **\[1, 2\]** "


def table_of_sentences() -> Table:
    cells = (Cell("What is claimed.", kind="sentence"), Cell("shown", kind="pass"), Cell("a > b", kind="sentence"))
    return Table("claims", "Claims", "Synthetic data.", ("claim", "verdict", "found"), [cells])


def test_sentences_begin_flush_and_are_broken_into_lines() -> None:
    assert table_to_markdown(table_of_sentences()).splitlines()[3] == "| --- | ---: | --- |"
    wide = r">{\raggedright\arraybackslash}p{7cm}"
    assert rf"\begin{{tabular}}{{{wide}r{wide}}}" in table_to_latex(table_of_sentences())


def test_markdown_shows_figures_that_have_links_alone() -> None:
    assert "![" not in to_markdown(hostile_report())
    assert "![what is seen](figures/a%20b.png)" in to_markdown(hostile_report(), {"f": "figures/a b.png"})


def test_synthetic_data_are_in_every_title() -> None:
    made = report(grouped(made_up()))
    assert to_markdown(made).splitlines()[0].endswith("(synthetic data)")
    assert r"(synthetic data)}" in to_latex(made)


def unescaped(text: str, sign: str) -> int:
    return len(re.findall(rf"(?<!\\){re.escape(sign)}", text))


def test_latex_is_balanced_and_escaped() -> None:
    text = to_latex(hostile_report(), {"f": "a_b.png"})
    assert unescaped(text, "{") == unescaped(text, "}")
    assert text.count(r"\begin{") == text.count(r"\end{")
    words = escaped(HOSTILE)
    assert [unescaped(words, sign) for sign in "%&#_$^~"] == [0] * 7
    assert all(sign.isascii() or sign == "ü" for sign in words)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1.2·10⁻⁴", r"$1.2\cdot10^{-4}$"),
        ("10⁻¹² and 10³", "$10^{-12}$ and $10^{3}$"),
        ("\N{MINUS SIGN}1.0·10⁻⁵ dB", r"$-1.0\cdot10^{-5}$ dB"),
        ("{+4.0·10⁻⁵}", r"\{$+4.0\cdot10^{-5}$\}"),
        ("a·b", r"a\ensuremath{\cdot}b"),
    ],
)
def test_powers_of_ten_are_formulas_in_latex(text: str, written: str) -> None:
    assert escaped(text) == written


def test_the_best_is_bold_in_latex_as_a_formula_too() -> None:
    table = Table("t", "t", "t", ("network", "NMSE"), [(Cell("a"), Cell("1.2·10⁻⁴", 1.2e-4, best=True))])
    assert r"\textbf{\boldmath $1.2\cdot10^{-4}$}" in table_to_latex(table)


def test_latex_rows_have_as_many_cells_as_columns() -> None:
    text = table_to_latex(hostile_table())
    rows = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert [unescaped(row, "&") for row in rows] == [1, 1, 1]
    assert "\\begin{tabular}{lr}" in text
    assert r"\textbf{{[}1, 2{]}}" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_compiles(tmp_path: Path) -> None:
    for name, made in (("hostile", hostile_report()), ("real", report(grouped(made_up())))):
        (tmp_path / f"{name}.tex").write_text(to_latex(made), encoding="utf-8")
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout[-2000:]


def test_figures_stand_in_the_section_that_they_belong_to() -> None:
    group = grouped(made_up())[0]
    figures = {name: figure(f"mri-{name}") for name in FIGURES}
    placed = {
        section.name: [part.name for part in section.contents if isinstance(part, Figure)]
        for section in sections(group, figures)
    }
    assert placed["mri-worst"] == ["mri-worst-panel", "mri-heatmap", "mri-delta-psnr"]
    assert sorted(name for names in placed.values() for name in names) == sorted(f"mri-{name}" for name in FIGURES)


def test_report_of_mri_and_ct_has_the_sections_of_both() -> None:
    made = report(grouped([*made_up(), *made_up(modality="ct", synthetic=False)]))
    names = [section.name for section in made.sections]
    assert made.title == "Reconstruction under shifts: MRI and CT"
    assert made.synthetic
    assert len(set(names)) == len(names)
    assert {"mri-quality", "ct-quality"} <= set(names)
    assert report(grouped(made_up()), title="Mine").title == "Mine"


def test_sections_say_how_it_was_measured() -> None:
    section = next(one for one in sections(grouped(made_up())[0]) if one.name == "mri-worst")
    assert section.paragraphs == ["How: worst as the test has it."]
