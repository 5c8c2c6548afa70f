"""A report as Markdown, as GitHub reads it."""

import re
from collections.abc import Mapping

from recon.report.parts import Cell, Figure, Report, Section, Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


def to_markdown(report: Report, figures: Mapping[str, str] | None = None) -> str:
    """Write a report; `figures` are the links to the drawings by their names, and those without are left out."""
    title = f"# {_escaped(report.title)}{' (synthetic data)' if report.synthetic else ''}"
    blocks = [title, *(_escaped(sentence) for sentence in report.answer)]
    for section in report.sections:
        blocks += _section(section, figures or {})
    return "\n\n".join(blocks) + "\n"


def table_to_markdown(table: Table) -> str:
    """Write one table under its caption, its notes beneath."""
    heads = " | ".join(_escaped(column) for column in table.columns)
    sentences = {place for row in table.rows for place, cell in enumerate(row) if cell.kind == "sentence"}
    rule = " | ".join("---:" if place and place not in sentences else "---" for place in range(len(table.columns)))
    rows = [" | ".join(_cell(cell) for cell in row) for row in table.rows]
    grid = "\n".join(f"| {line} |" for line in (heads, rule, *rows))
    caption = f"**{_escaped(table.title)}.** {_escaped(table.caption)}"
    notes = [f"- {_escaped(note)}" for note in table.notes]
    return "\n\n".join([caption, grid, *(["\n".join(notes)] if notes else [])])


def _section(section: Section, figures: Mapping[str, str]) -> list[str]:
    blocks = [f"## {_escaped(section.title)}", *(_escaped(paragraph) for paragraph in section.paragraphs)]
    for content in section.contents:
        if isinstance(content, Figure):
            blocks += _figure(content, figures)
        else:
            blocks.append(table_to_markdown(content))
    return blocks


def _figure(figure: Figure, figures: Mapping[str, str]) -> list[str]:
    if figure.name not in figures:
        return []
    link = figures[figure.name].replace(" ", "%20").replace("(", "%28").replace(")", "%29")
    return [f"![{_escaped(figure.alt)}]({link})", f"**{_escaped(figure.title)}.** {_escaped(figure.caption)}"]


def _cell(cell: Cell) -> str:
    text = _escaped(cell.text)
    return f"**{text}**" if cell.best else text


def _escaped(text: str) -> str:
    """Put a backslash before what Markdown would take for its own, and lines into one."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
