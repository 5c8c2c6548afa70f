"""Pieces of a certificate's page in HTML: escaped words, tables with headers, and their captions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from recon.clinical.certificate.tolerances import FAIL, PASS

Kind = Literal["", "number", "bound", "hash", "pass", "fail", "none", "small", "failed"]
_SIGNS = {PASS: "✓ ", FAIL: "✗ "}


@dataclass(frozen=True, slots=True)
class Cell:
    """An entry of a table: its words, how it is set, and what stands small below it."""

    words: str
    kind: Kind = ""
    below: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of a table under a heading of their own, or under none."""

    heading: str
    rows: Sequence[Sequence[Cell]]


def table(title: str, columns: Sequence[str], groups: Sequence[Group], *, note: str = "") -> Iterator[str]:
    """Give a table whose rows begin with their header; `title` is for who cannot see it."""
    rows = [row for group in groups for row in group.rows]
    right = [place > 0 and all(row[place].kind == "number" for row in rows) for place in range(len(columns))]
    yield f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(title)}">'
    yield f'<table><caption class="unseen">{escape(title)}</caption>'
    if any(columns):
        heads = "".join(f'<th scope="col"{_class("number" if flush else "")}>{escape(name)}</th>'
                        for name, flush in zip(columns, right, strict=True))  # fmt: skip
        yield f"<thead><tr>{heads}</tr></thead>"
    for group in groups:
        if group.heading:
            yield f'<tbody><tr class="heading"><th scope="rowgroup" colspan="{len(columns)}">{escape(group.heading)}'
            yield "</th></tr>"
        else:
            yield "<tbody>"
        yield from (_row(row) for row in group.rows)
        yield "</tbody>"
    yield "</table></div>"
    if note:
        yield paragraph(note, kind="note")


def paragraph(words: str, *, kind: str = "") -> str:
    """Give a paragraph."""
    return f"<p{_class(kind)}>{escape(words)}</p>"


def section(title: str, name: str, lines: Sequence[str]) -> Iterator[str]:
    """Give a part of the page under its heading."""
    yield f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(title)}</h2>'
    yield from lines
    yield "</section>"


def _row(row: Sequence[Cell]) -> str:
    first, *rest = row
    failed = first.kind == "failed"
    cells = "".join(f"<td{_class(cell.kind)}>{_content(cell)}</td>" for cell in rest)
    head = f'<th scope="row"{_class(first.kind if first.kind == "small" else "")}>{_content(first)}</th>'
    return f"<tr{_class('failed' if failed else '')}>{head}{cells}</tr>"


def _content(cell: Cell) -> str:
    below = f"<small>{escape(cell.below)}</small>" if cell.below else ""
    return f"{_SIGNS.get(cell.kind, '')}{escape(cell.words)}{below}"


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
