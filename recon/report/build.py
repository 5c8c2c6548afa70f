"""Puts a report together: for each data set its tables and figures in their sections, and the answer first."""

from collections.abc import Callable, Mapping, Sequence

from recon.report import tables_beyond, tables_cost, tables_paper, tables_quality, tables_shifts
from recon.report.answer import answer
from recon.report.claims import claims_table
from recon.report.headline import headline
from recon.report.parts import Figure, Report, Section, Table
from recon.report.selection import Group

FIGURES = ("worst-panel", "heatmap", "delta-psnr", "subpixel", "border", "quality-cost", "layers", "equivariance")

_Make = Callable[[Group], Table | None]

# name, title, protocols whose conventions are told, tables, figures
_SECTIONS: tuple[tuple[str, str, tuple[str, ...], tuple[_Make, ...], tuple[str, ...]], ...] = (
    ("summary", "Summary", (), (headline, claims_table), ()),
    (
        "worst",
        "The worst case over every shift",
        ("worst",),
        (tables_shifts.worst,),
        ("worst-panel", "heatmap", "delta-psnr"),
    ),
    ("equivariance", "One random shift", ("equivariance",), (tables_shifts.honest,), ("equivariance",)),
    ("quality", "Quality", ("quality",), (tables_quality.quality,), ("quality-cost",)),
    (
        "paper",
        "The tables of the APS-U paper",
        (),
        (tables_paper.table1, tables_paper.table2, tables_paper.table3, tables_paper.table4),
        (),
    ),
    ("ood", "Out of the training distribution", ("ood",), (tables_shifts.ood,), ()),
    ("hard", "Hard images", ("hard",), (tables_shifts.hard,), ()),
    ("subpixel", "Fractions of a pixel", ("subpixel",), (tables_beyond.subpixel,), ("subpixel",)),
    ("border", "Shifts that are not circular", ("border",), (tables_beyond.border,), ("border",)),
    ("physics", "The object moves before it is measured", ("physics",), (tables_beyond.physics,), ()),
    ("stability", "Selections under noise", ("stability",), (tables_beyond.stability,), ()),
    ("layers", "Which layer breaks", ("layers",), (tables_beyond.layers,), ("layers",)),
    ("cost", "Cost", ("cost",), (tables_cost.cost,), ()),
    ("networks", "Networks and circumstances", (), (tables_cost.networks,), ()),
)


def sections(group: Group, figures: Mapping[str, Figure] | None = None) -> list[Section]:
    """Give the sections of one data set that have something to show; figures are those of `FIGURES` that there are."""
    drawn = figures or {}
    made = []
    for name, title, protocols, makers, wanted in _SECTIONS:
        tables = [table for make in makers if (table := make(group)) is not None]
        contents: list[Table | Figure] = [*tables, *(drawn[key] for key in wanted if key in drawn)]
        if contents:
            words = [f"How: {text}." for protocol in protocols for text in _conventions(group, protocol)]
            made.append(Section(f"{group.key}-{name}", f"{group.key.upper()}: {title}", words, contents))
    return made


def report(
    groups: Sequence[Group],
    figures: Mapping[str, Mapping[str, Figure]] | None = None,
    *,
    title: str | None = None,
) -> Report:
    """Give the whole report; figures by `Group.key`, then by the names of `FIGURES`."""
    drawn = figures or {}
    names = " and ".join(group.key.upper() for group in groups)
    return Report(
        title or f"Reconstruction under shifts: {names}",
        any(group.source.synthetic for group in groups),
        [sentence for group in groups for sentence in answer(group)],
        [section for group in groups for section in sections(group, drawn.get(group.key))],
    )


def _conventions(group: Group, protocol: str) -> list[str]:
    """Give the conventions that the records of a protocol name, which may differ between versions."""
    return list(dict.fromkeys(record.convention.rstrip(".") for record in group.of(protocol)))
