"""What a report shows of a data set, section by section, before there is a number."""

from collections.abc import Callable
from dataclasses import dataclass

from recon.report import tables_beyond, tables_cost, tables_paper, tables_quality, tables_shifts
from recon.report.claims import claims_table
from recon.report.headline import headline
from recon.report.parts import Table
from recon.report.selection import Group

Make = Callable[[Group], Table | None]


@dataclass(frozen=True, slots=True)
class Plan:
    """A section to be made.

    Args:
        name: for links.
        title: a few words.
        protocols: whose conventions are told.
        tables: what makes each table, or nothing.
        figures: the names of the drawings that stand there.
    """

    name: str
    title: str
    protocols: tuple[str, ...] = ()
    tables: tuple[Make, ...] = ()
    figures: tuple[str, ...] = ()


IMAGES = (
    Plan("summary", "Summary", tables=(headline, claims_table)),
    Plan(
        "worst",
        "The worst case over every shift",
        ("worst",),
        (tables_shifts.worst,),
        ("worst-panel", "heatmap", "delta-psnr"),
    ),
    Plan("equivariance", "One random shift", ("equivariance",), (tables_shifts.honest,), ("equivariance",)),
    Plan("quality", "Quality", ("quality",), (tables_quality.quality,), ("quality-cost",)),
    Plan(
        "paper",
        "The tables of the APS-U paper",
        tables=(tables_paper.table1, tables_paper.table2, tables_paper.table3, tables_paper.table4),
    ),
    Plan("ood", "Out of the training distribution", ("ood",), (tables_shifts.ood,)),
    Plan("hard", "Hard images", ("hard",), (tables_shifts.hard,)),
    Plan("subpixel", "Fractions of a pixel", ("subpixel",), (tables_beyond.subpixel,), ("subpixel",)),
    Plan("border", "Shifts that are not circular", ("border",), (tables_beyond.border,), ("border",)),
    Plan("physics", "The object moves before it is measured", ("physics",), (tables_beyond.physics,)),
    Plan("stability", "Selections under noise", ("stability",), (tables_beyond.stability,)),
    Plan("layers", "Which layer breaks", ("layers",), (tables_beyond.layers,), ("layers",)),
    Plan("cost", "Cost", ("cost",), (tables_cost.cost,)),
    Plan("networks", "Networks and circumstances", tables=(tables_cost.networks,)),
)
