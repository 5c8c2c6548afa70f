"""What a report shows of networks that find labels, section by section."""

from functools import partial

from recon.report import tables_cost
from recon.report.labels import tables
from recon.report.labels.claims import claims_table
from recon.report.labels.headline import headline
from recon.report.labels.published import NAMES
from recon.report.labels.tables_papers import paper_table
from recon.report.plan import Plan

LABELS = (
    Plan("summary", "Summary", tables=(headline, claims_table)),
    Plan(
        "adversary",
        "The worst case over every shift",
        ("adversary",),
        (tables.adversary, tables.furthest),
        ("furthest", "shift-map"),
    ),
    Plan("consistency", "Random shifts and crops", ("consistency", "crops"), (tables.pairs,), ("consistency",)),
    Plan("accuracy", "Accuracy", ("accuracy",), (tables.accuracy,)),
    Plan("papers", "The papers' tables", tables=tuple(partial(paper_table, name=name) for name in NAMES)),
    Plan("cost", "Cost", ("cost",), (tables_cost.cost,)),
    Plan("networks", "Networks and circumstances", tables=(tables_cost.networks,)),
)
FIGURES = ("consistency", "furthest", "shift-map")
