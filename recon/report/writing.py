"""From folders of records to a report: everything read, drawn and composed."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from recon import __version__
from recon.records import Record, read_records
from recon.report.build import report
from recon.report.figures.all import figures_of
from recon.report.parts import Report, Section
from recon.report.selection import grouped


def records_of(folders: Sequence[Path]) -> list[Record]:
    """Read the records of several folders, each once."""
    return [record for folder in dict.fromkeys(folders) for record in read_records(folder)]


def composed(records: Sequence[Record], folders: Sequence[Path], *, title: str | None = None) -> Report:
    """Draw and compose; pictures are looked for in the folders."""
    groups = grouped(records)
    places = [folder if folder.is_dir() else folder.parent for folder in folders]
    figures = {group.key: figures_of(group, places) for group in groups}
    return report(groups, figures, title=title)


def with_command(made: Report, words: Sequence[str]) -> Report:
    """Add a last section that says by which command the page was made."""
    last = Section("command", "How this page was made", [f"By recon {__version__}, with:", shlex.join(words)])
    return replace(made, sections=[*made.sections, last])
