"""The page: all of the report in it, nothing from outside, and whole in a browser, wide and narrow, light and dark."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from recon.errors import DataError
from recon.report.figures.all import figures_of
from recon.report.page import page, write_figures, write_page
from recon.report.parts import Cell, Figure, Report, Section, Table
from recon.report.selection import Group
from tests.report.drawn import SUBJECTS, made_up, report_by_hand, write_pictures

BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
VOID = {"meta", "img", "br", "link", "input", "hr"}
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--virtual-time-budget=2000"),
)
# A browser's window is never as narrow as a phone, but a frame can be.
FRAME = """<!DOCTYPE html><iframe width="{width}" height="900" style="border:0" src="copy.html"></iframe>
<output id="found"></output><script>
window.addEventListener("message", event => {{ document.getElementById("found").textContent = event.data; }});
</script>"""
# Put into a copy of the page in that frame, which it tells what it finds.
CHECK = """<script>
const errors = [];
window.addEventListener("error", event => errors.push(String(event.message)), true);
window.addEventListener("securitypolicyviolation", event => errors.push(event.violatedDirective));
window.addEventListener("load", () => {
  const all = [...document.body.querySelectorAll("*")];
  const outside = element => !element.closest("svg") && !element.closest(".scroll");
  const block = element => getComputedStyle(element).display !== "inline";
  const cut = all.filter(e => outside(e) && block(e) && e.scrollWidth > e.clientWidth + 1);
  const images = [...document.images];
  const found = {
    errors,
    width: innerWidth,
    cut: cut.map(e => `${e.tagName}.${e.className} ${e.scrollWidth} > ${e.clientWidth}`),
    broken: images.filter(i => !i.complete || i.naturalWidth === 0).length,
    images: images.length,
    drawings: [...document.querySelectorAll("svg")].filter(s => s.getBoundingClientRect().height > 50).length,
    paper: getComputedStyle(document.body).backgroundColor,
    ink: [...new Set([...document.querySelectorAll("svg text")].map(t => getComputedStyle(t).fill))],
    body: getComputedStyle(document.body).color,
    tabular: getComputedStyle(document.querySelector("table")).fontVariantNumeric,
    right: getComputedStyle(document.querySelector("td.right")).textAlign,
  };
  parent.postMessage(JSON.stringify(found), "*");
});
</script>"""


class Outline(HTMLParser):
    """Reads a page: its elements in order, its open ones, and identifiers."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> list[Figure]:
    folder, records = tmp_path_factory.mktemp("evaluation"), made_up()
    write_pictures(folder, records)
    few = [record for record in records if record.protocol in ("equivariance", "quality", "worst", "layers")]
    return list(figures_of(Group("mri", records[0].source, SUBJECTS, few), [folder]).values())


@pytest.fixture(scope="module")
def report(figures: list[Figure]) -> Report:
    return report_by_hand([replace(figures[-1], name="as-png", svg=""), *figures])


@pytest.fixture(scope="module")
def text(report: Report) -> str:
    return page(report)


def test_elements_are_closed_and_identifiers_are_unique_and_all_links_lead_somewhere(text: str) -> None:
    outline = Outline(text)
    assert outline.open == []
    names = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(names) == len(set(names))
    links = [attributes["href"] for attributes in outline.all("a")]
    assert links
    assert all(link is not None and link.startswith("#") and link[1:] in names for link in links)
    described = {
        attributes.get("aria-describedby") or attributes.get("aria-labelledby") for _, attributes in outline.elements
    }
    assert described - {None} <= set(names)


def test_page_takes_nothing_from_outside_and_runs_nothing(text: str) -> None:
    assert "<script" not in text
    assert not re.search(r"\son\w+=", text)
    assert not re.search(r"(?:src|href)=\"(?!#|data:image/png;base64,)", text)
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_page_is_for_phones_and_all_who_read_it_aloud(text: str) -> None:
    outline = Outline(text)
    assert outline.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in outline.all("meta")
    assert all(image["alt"] for image in outline.all("img"))
    assert all(drawing["role"] == "img" and drawing["aria-label"] for drawing in outline.all("svg"))
    assert {heading["scope"] for heading in outline.all("th")} == {"col", "row"}
    assert len(outline.all("h1")) == 1


def test_texts_are_escaped(text: str) -> None:
    assert "aps &lt;b&gt;&amp;amp;" in text
    assert "with <code>code</code> &amp; &lt;angles&gt;" in text
    hostile = '"><script>alert(1)</script>'
    bad = Figure(hostile, hostile, hostile, "", b"", hostile)
    written = page(Report(hostile, False, [hostile], [Section(hostile, hostile, [hostile], [bad])]))
    assert "<script" not in written
    Outline(written)


def test_answer_comes_with_its_picture_before_all_else_and_once(text: str, figures: list[Figure]) -> None:
    hero = next(figure for figure in figures if figure.name == "equivariance-mri")
    assert text.count(hero.caption) == 1
    order = [text.index(part) for part in ("Use aps-tri-3", hero.caption, "<nav", 'id="table1"', "In pictures</h2>")]
    assert order == sorted(order)
    assert "Figure 1. " + hero.title in text


def test_synthetic_data_are_marked_in_both_titles(report: Report) -> None:
    assert "(synthetic data)</title>" in page(report)
    assert '<span class="mark">synthetic data</span></h1>' in page(report)
    assert 'class="mark"' not in page(replace(report, synthetic=False))


def test_verdicts_have_sign_word_and_colour_and_the_best_is_bold(text: str) -> None:
    assert '<td class="pass">✓ exact</td>' in text
    assert '<td class="fail">✗ not exact</td>' in text
    assert '<td class="right"><strong>0</strong></td>' in text
    assert '<td class="published right">0.0016</td>' in text


def test_sentences_may_be_broken_into_lines() -> None:
    row = (Cell("Exact.", kind="sentence"), Cell("shown", kind="pass"), Cell("in all > 0", kind="sentence"))
    table = Table("claims", "Claims", "Synthetic data.", ("claim", "verdict", "found"), [row])
    written = page(Report("Claims", True, [], [Section("summary", "Summary", [], [table])]))
    assert '<tr><th scope="row" class="sentence">Exact.</th><td class="pass">✓ shown</td>' in written
    assert '<td class="sentence">in all &gt; 0</td>' in written
    assert "th.sentence { min-width: 13rem; white-space: normal;" in written


def test_command_stands_as_code(text: str) -> None:
    assert "<pre><code>recon report runs/evaluation --out report.html</code></pre>" in text


def test_figures_are_written_in_both_forms(report: Report, tmp_path: Path) -> None:
    written = write_figures(report, tmp_path / "new" / "figures")
    assert sorted(written) == sorted((tmp_path / "new" / "figures").iterdir())
    assert {path.name for path in written} >= {"heatmap-mri.svg", "heatmap-mri.png", "as-png.png"}
    assert (tmp_path / "new" / "figures" / "heatmap-mri.png").read_bytes().startswith(b"\x89PNG")


def test_page_that_cannot_be_written_is_an_error_and_leaves_nothing(report: Report, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        write_page(report, tmp_path / "file" / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1200, 390])
def test_page_is_whole_in_a_browser(text: str, report: Report, tmp_path: Path, width: int, dark: bool) -> None:
    found = in_browser(text, tmp_path, width=width, dark=dark)
    assert found["width"] == width
    assert found["errors"] == []
    assert found["cut"] == []
    assert (found["images"], found["broken"]) == (1, 0)
    assert found["drawings"] == sum(bool(getattr(part, "svg", "")) for s in report.sections for part in s.contents)
    assert found["paper"] == ("rgb(21, 24, 27)" if dark else "rgb(253, 253, 252)")
    assert str(found["body"]) in str(found["ink"])
    assert "tabular-nums" in str(found["tabular"])
    assert found["right"] == "right"


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
def test_browser_check_sees_what_is_wrong(text: str, tmp_path: Path) -> None:
    bad = text.replace("<main>", '<main><img src="data:image/png;base64,AAAA" alt="x"><p style="width:9in"><nobr>'
                       f'{"long " * 200}</nobr></p><script>missing()</script>')  # fmt: skip
    found = in_browser(bad, tmp_path, width=390, dark=False)
    assert found["broken"] == 1
    assert found["cut"] != []
    assert found["errors"] != []


def in_browser(text: str, folder: Path, *, width: int, dark: bool) -> dict[str, object]:
    """Open a copy of the page that holds the check, and give what that found."""
    assert BROWSER is not None
    unguarded = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    (folder / "copy.html").write_text(unguarded.replace("<head>", f"<head>{CHECK}", 1), encoding="utf-8")
    frame = folder / "frame.html"
    frame.write_text(FRAME.format(width=width), encoding="utf-8")
    command = [BROWSER, *OPTIONS, f"--user-data-dir={folder / 'profile'}", "--window-size=1300,1000"]
    command += [f"--blink-settings=preferredColorScheme={0 if dark else 1}", "--dump-dom", frame.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    written = re.search(r'<output id="found">(.*?)</output>', done.stdout, re.DOTALL)
    assert written, done.stderr[-2000:]
    found: dict[str, object] = json.loads(written[1].replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))
    return found
