"""A page of labels, alone and beside images, in all forms, from the command line, too."""

import re
from pathlib import Path

import pytest

from recon.cli import main
from recon.records import LINES, write_lines
from recon.report.build import report
from recon.report.latex import to_latex
from recon.report.markdown import to_markdown
from recon.report.page import page
from recon.report.parts import Figure, Report, Table
from recon.report.readme import headline_markdown
from recon.report.selection import grouped
from recon.report.terminal import headline_text
from recon.report.writing import composed
from tests.report import drawn as images
from tests.report.labels.made import made_up, subjects_of

TWO = subjects_of(variants=("plain", "mass"))


@pytest.fixture(scope="module")
def both() -> Report:
    return composed([*made_up(), *made_up("voc"), *images.made_up()], [])


def test_a_page_holds_both_kinds_of_networks(both: Report) -> None:
    assert both.title == "Reconstruction and labels under shifts: MRI, CIFAR-10 and PASCAL VOC"
    names = {section.name for section in both.sections}
    assert {"mri-worst", "mri-quality", "cifar10-adversary", "cifar10-papers", "voc-consistency"} <= names
    assert "cifar10-quality" not in names
    titles = {section.title for section in both.sections}
    assert {"MRI: Summary", "CIFAR-10: Summary", "PASCAL VOC: Accuracy"} <= titles


def test_labels_alone_have_a_title_of_their_own() -> None:
    made = report(grouped(made_up("imagenet", synthetic=False)))
    assert made.title == "Labels under shifts: ImageNet"
    assert not made.synthetic


def test_the_picture_of_accuracy_and_consistency_stands_with_the_answer(both: Report) -> None:
    text = page(both)
    header = text[: text.index("</header>")]
    assert {"equivariance-mri", "consistency-cifar10", "consistency-voc"} == set(
        re.findall(r'<figure id="([^"]+)"', header)
    )


def test_every_link_has_one_place(both: Report) -> None:
    text = page(both)
    places = re.findall(r' id="([^"]+)"', text)
    assert len(set(places)) == len(places)
    assert {link for link in re.findall(r'href="#([^"]+)"', text) if not link.startswith(("shift", "DejaVu"))} <= set(
        places
    )


def test_each_caption_says_that_synthetic_data_are(both: Report) -> None:
    parts = [part for section in both.sections for part in section.contents]
    assert any(isinstance(part, Figure) for part in parts)
    assert all("synthetic data" in part.caption.lower() for part in parts)
    assert page(both).count('<span class="mark">synthetic data</span>') == 1


def test_sections_say_how_it_was_measured(both: Report) -> None:
    section = next(one for one in both.sections if one.name == "cifar10-consistency")
    assert section.paragraphs == ["How: consistency as the test has it.", "How: crops as the test has it."]


def test_markdown_and_latex_have_every_table(both: Report) -> None:
    tables = [part for section in both.sections for part in section.contents if isinstance(part, Table)]
    markdown, latex = to_markdown(both), to_latex(both)
    assert markdown.count("\n| --- |") == latex.count(r"\begin{tabular}") == len(tables)
    assert "100.00 %" in markdown
    assert r"100.00 \%" in latex
    assert latex.count(r"\begin{") == latex.count(r"\end{")
    assert "?" not in re.sub(
        r"\?\}|which\?", "", "".join(re.findall(r"^.*& .*$", latex, re.M))
    )  # no sign without a font


def test_readme_and_terminal_show_the_peers() -> None:
    groups = grouped([*made_up(), *images.made_up()])
    readme, terminal = headline_markdown(groups), headline_text(groups)
    for text in (readme, terminal):
        assert "CIFAR-10. Synthetic data: CIFAR-10 test, 160 images; seed 0" in text
        assert "In brackets are 95 % bootstrap intervals over images." in text
    assert "| mass | **85.00 %" in readme
    assert re.search(r"^mass +85\.00 % +100\.00 % +90\.00 % +85\.00 % +0 +100\.00 % +700,000 +1\.30$", terminal, re.M)
    assert "\N{BALLOT X} APS with the dense operation kept" in terminal
    assert max(map(len, terminal.splitlines())) <= 160


def test_figures_of_one_data_set_are_not_those_of_another(both: Report) -> None:
    drawn = {part.name for section in both.sections for part in section.contents if isinstance(part, Figure)}
    assert {"heatmap-mri", "shift-map-cifar10"} < drawn
    assert not {"consistency-mri", "heatmap-cifar10", "furthest-voc"} & drawn


def test_command_line_reports_and_compares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, right in ((old, 0.85), (new, 0.80)):
        folder.mkdir()
        write_lines(made_up(shares={"plain": (0.8, 0.88), "mass": (right, 1.0)}, subjects=TWO), folder / LINES)
    words = ["report", str(new), "--out", str(tmp_path / "r.html"), "--markdown", str(tmp_path / "r.md")]
    assert (
        main([*words, "--latex", str(tmp_path / "r.tex"), "--figures", str(tmp_path / "f"), "--against", str(old)]) == 1
    )
    assert "mass: accuracy (lower by more than 0.5 points)" in capsys.readouterr().out
    assert (tmp_path / "f" / "consistency-cifar10.svg").is_file()
    assert "What changed" in (tmp_path / "r.html").read_text()
    assert "f/shift-map-cifar10.svg" in (tmp_path / "r.md").read_text()
