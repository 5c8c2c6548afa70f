"""Puts a report together: for each data set its tables and figures in their sections, and the answer first."""

from collections.abc import Mapping, Sequence

from recon.report.parts import Figure, Report, Section, Table
from recon.report.plan import IMAGES
from recon.report.selection import Group
from recon.report.tables import listed
from recon.report.tracks import track_of

FIGURES = tuple(figure for plan in IMAGES for figure in plan.figures)


def sections(group: Group, figures: Mapping[str, Figure] | None = None) -> list[Section]:
    """Give the sections of one data set that have something to show; figures are by the names that their plans have."""
    drawn = figures or {}
    made = []
    for plan in track_of(group).plans:
        tables = [table for make in plan.tables if (table := make(group)) is not None]
        contents: list[Table | Figure] = [*tables, *(drawn[key] for key in plan.figures if key in drawn)]
        if contents:
            words = [f"How: {text}." for protocol in plan.protocols for text in _conventions(group, protocol)]
            made.append(Section(f"{group.key}-{plan.name}", f"{group.title}: {plan.title}", words, contents))
    return made


def report(
    groups: Sequence[Group],
    figures: Mapping[str, Mapping[str, Figure]] | None = None,
    *,
    title: str | None = None,
) -> Report:
    """Give the whole report; figures by `Group.key`, then by the names that plans have."""
    drawn = figures or {}
    return Report(
        title or _title(groups),
        any(group.source.synthetic for group in groups),
        [sentence for group in groups for sentence in track_of(group).answer(group)],
        [section for group in groups for section in sections(group, drawn.get(group.key))],
    )


def _title(groups: Sequence[Group]) -> str:
    """Name what is reported, and of which data."""
    subjects = list(dict.fromkeys(track_of(group).subject for group in groups))
    what = listed([subjects[0], *(subject.lower() for subject in subjects[1:])])
    return f"{what} under shifts: {listed([group.title for group in groups])}"


def _conventions(group: Group, protocol: str) -> list[str]:
    """Give the conventions that the records of a protocol name, which may differ between versions."""
    return list(dict.fromkeys(record.convention.rstrip(".") for record in group.of(protocol)))
