"""A report as one HTML page that needs nothing else: pictures and style are inside, and there is no script."""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from recon.files import written_whole
from recon.report.parts import Cell, Figure, Report, Section, Table

HERO = ("equivariance-", "consistency-")  # figures whose names begin so stand with the answer
SYNTHETIC = "synthetic data"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"  # nothing is loaded, whatever a text contains
_NUMERIC = ("number", "published", "none")
_MANY, _MOST = 7, 8  # columns, that just fit; more are set closer, and closer still
_INTERVAL = re.compile(r" (\[[^\]]+\])$")
_SIGNS = {"pass": "✓", "fail": "✗"}


def page(report: Report) -> str:
    """Give the page: the answer and its picture, the contents, then the sections."""
    heroes = [part for section in report.sections for part in section.contents if _is_hero(part)]
    style = files("recon.report").joinpath("page.css").read_text(encoding="utf-8")
    mark = f' <span class="mark">{SYNTHETIC}</span>' if report.synthetic else ""
    suffix = f" ({SYNTHETIC})" if report.synthetic and SYNTHETIC not in report.title.lower() else ""
    numbers = _figure_numbers(heroes, report.sections)
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(report.title + suffix)}</title>",
        f"<style>\n{style}</style>",
        "</head>",
        '<body><div class="page">',
        f"<header><h1>{escape(report.title)}{mark}</h1>",
        '<section aria-label="Answer" id="answer">',
        *(f'<p class="answer">{_words(text)}</p>' for text in report.answer),
        *(_figure(hero, numbers) for hero in heroes),
        "</section></header>",
        *_contents(report.sections),
        "<main>",
        *(line for section in report.sections for line in _section(section, numbers)),
        "</main></div></body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def write_page(report: Report, path: Path) -> None:
    """Write the page, whole or not at all."""
    text = page(report)
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_figures(report: Report, folder: Path) -> list[Path]:
    """Write every figure as SVG and PNG into a folder, and give the files."""
    drawn = [part for section in report.sections for part in section.contents if isinstance(part, Figure)]
    named = [
        (folder / f"{figure.name}.{ending}", data)
        for figure in drawn
        for ending, data in (("svg", figure.svg.encode()), ("png", figure.png))
        if data
    ]
    for path, data in named:
        with written_whole(path) as partial:
            partial.write_bytes(data)
    return [path for path, _ in named]


def _is_hero(part: Table | Figure) -> bool:
    return isinstance(part, Figure) and part.name.startswith(HERO)


def _figure_numbers(heroes: Sequence[Table | Figure], sections: Sequence[Section]) -> dict[str, int]:
    """Number the figures in the order in which they stand."""
    rest = [part for section in sections for part in section.contents if isinstance(part, Figure)]
    names = dict.fromkeys(part.name for part in [*heroes, *rest])
    return {name: number for number, name in enumerate(names, 1)}


def _contents(sections: Sequence[Section]) -> Iterator[str]:
    yield '<nav aria-label="Contents"><h2>Contents</h2><ol>'
    yield '<li><a href="#answer">The answer</a></li>'
    for section in sections:
        if not _is_empty(section):
            yield f'<li><a href="#{_section_anchor(section)}">{escape(section.title)}</a></li>'
    yield "</ol></nav>"


def _is_empty(section: Section) -> bool:
    """Say whether nothing is left of a section when its picture stands with the answer."""
    return not section.paragraphs and all(_is_hero(part) for part in section.contents)


def _section(section: Section, numbers: dict[str, int]) -> Iterator[str]:
    if _is_empty(section):
        return
    anchor = _section_anchor(section)
    yield f'<section aria-labelledby="{anchor}"><h2 id="{anchor}">{escape(section.title)}</h2>'
    for text in section.paragraphs:
        yield _paragraph(text)
    for part in section.contents:
        if isinstance(part, Table):
            yield from _table(part)
        elif not _is_hero(part):
            yield _figure(part, numbers)
    yield "</section>"


def _paragraph(text: str) -> str:
    """Give a paragraph; commands stand as code, and how something was measured is set smaller."""
    if text.startswith("recon ") and " --" in text:
        return f"<pre><code>{escape(text)}</code></pre>"
    return f"<p{_classes('how' if text.startswith('How: ') else '')}>{_words(text)}</p>"


def _figure(part: Table | Figure, numbers: dict[str, int]) -> str:
    """Give a figure: its SVG, whose ink is the page's, or its PNG where there is no SVG."""
    if not isinstance(part, Figure):
        return ""
    png = f'<img src="data:image/png;base64,{b64encode(part.png).decode()}" alt="{escape(part.alt)}">'
    caption = f"<strong>Figure {numbers[part.name]}. {escape(_stopped(part.title))}</strong> {_words(part.caption)}"
    return (
        f'<figure id="{_anchor(part.name)}"><div class="scroll" tabindex="0" role="group" '
        f'aria-label="{escape(part.title)}">{part.svg or png}</div>\n<figcaption>{caption}</figcaption></figure>'
    )


def _table(table: Table) -> Iterator[str]:
    """Give a table with its caption below; columns of numbers end flush."""
    anchor = _anchor(table.name)
    right = [_is_numeric(column) for column in zip(*table.rows, strict=True)] or [False] * len(table.columns)
    yield f'<figure id="{anchor}"><div class="scroll" tabindex="0" role="group" aria-label="{escape(table.title)}">'
    count = len(table.columns)
    dense = _classes("denser" if count > _MOST else "dense" if count > _MANY else "")
    yield f'<table{dense} aria-describedby="{anchor}-caption"><thead><tr>'
    for name, flush in zip(table.columns, right, strict=True):
        yield f'<th scope="col"{_classes("right" if flush else "")}>{escape(name)}</th>'
    yield "</tr></thead><tbody>"
    for row in table.rows:
        first, *rest = row
        cells = "".join(_cell(cell, flush=flush) for cell, flush in zip(rest, right[1:], strict=True))
        yield f'<tr><th scope="row"{_classes(_kind(first))}>{_content(first)}</th>{cells}</tr>'
    notes = "".join(f"<li>{_words(note)}</li>" for note in table.notes)
    yield "</tbody></table></div>"
    yield f'<figcaption id="{anchor}-caption"><strong>{escape(_stopped(table.title))}</strong> {_words(table.caption)}'
    yield f"<ul>{notes}</ul></figcaption></figure>" if notes else "</figcaption></figure>"


def _is_numeric(column: Sequence[Cell]) -> bool:
    kinds = {cell.kind for cell in column}
    return kinds <= set(_NUMERIC) and kinds != {"none"}


def _cell(cell: Cell, *, flush: bool) -> str:
    return f"<td{_classes(_kind(cell), 'right' if flush else '')}>{_content(cell)}</td>"


def _kind(cell: Cell) -> str:
    """Give the class of a cell's kind, where the style has one."""
    return cell.kind if cell.kind in ("sentence", "pass", "fail", "published", "none") else ""


def _content(cell: Cell) -> str:
    """Give a cell's text; a verdict has a sign beside its word and colour, an interval stands below its number."""
    sign = _SIGNS.get(cell.kind, "")
    text = escape(cell.text if not sign or cell.text.startswith(sign) else f"{sign} {cell.text}")
    text = _INTERVAL.sub(r' <span class="interval">\1</span>', text) if cell.kind == "number" else text
    return f"<strong>{text}</strong>" if cell.best else text


def _classes(*names: str) -> str:
    used = " ".join(name for name in names if name)
    return f' class="{used}"' if used else ""


def _words(text: str) -> str:
    """Escape a text; what stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _stopped(title: str) -> str:
    return title if title.endswith((".", "?", "!")) else f"{title}."


def _section_anchor(section: Section) -> str:
    """Give the link of a section, some of whose tables have its name."""
    return f"section-{_anchor(section.name)}"


def _anchor(name: str) -> str:
    """Make a name fit for a link."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)
