"""What a report is made of, however it is written down: sections of words, tables and figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from recon.errors import ShapeError

Verdict = Literal["shown", "not shown", "not measured"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One entry of a table.

    Args:
        text: what is shown, in plain Unicode.
        value: the number behind it, for sorting and comparing; None where there is none.
        kind: `number`, `word`, `sentence` (which may be broken into lines), `pass`, `fail`, `published` (a figure
            from a paper), or `none`.
        best: whether it is the best of its column.
    """

    text: str
    value: float | None = None
    kind: str = "number"
    best: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption, which says what was measured, on which data, and whether they are synthetic.

    Args:
        name: for links and file names, such as `table1`.
        title: a few words.
        caption: sentences: the convention, the data, the number of volumes.
        columns: the headings; the first is of the rows' names.
        rows: cells, as many in each as there are columns.
        notes: lines beneath.
    """

    name: str
    title: str
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse rows that do not fit."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ShapeError(f"every row must have {len(self.columns)} cells, got {len(row)} in {self.name}")


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim with what the measured numbers say of it.

    Args:
        name: a few words.
        text: what is claimed, in a sentence.
        verdict: whether the numbers show it.
        found: the numbers, or what is missing.
    """

    name: str
    text: str
    verdict: Verdict
    found: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its caption: one drawing, as SVG, as PNG, or both.

    Args:
        name: for links and file names, such as `worst-panel-mri`.
        title: a few words.
        caption: sentences; says whether the data are synthetic.
        svg: the drawing as SVG text, whose ink is `currentColor`, so that it fits light and dark pages.
        png: the drawing as PNG, on white.
        alt: what is to be seen, for who cannot see it.
    """

    name: str
    title: str
    caption: str
    svg: str
    png: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report under one heading: paragraphs, then tables and figures in their order."""

    name: str
    title: str
    paragraphs: Sequence[str] = ()
    contents: Sequence[Table | Figure] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report; `synthetic` is shown in its title."""

    title: str
    synthetic: bool
    answer: Sequence[str]
    sections: Sequence[Section]
