"""The project's claims of one data set, each judged from the measured numbers alone."""

from collections.abc import Mapping, Sequence

from recon.report.cells import sentence
from recon.report.claims_exact import exact_claim, worst_claim
from recon.report.claims_order import order_claims
from recon.report.claims_price import psnr_claim, time_claim
from recon.report.headline import basis_of
from recon.report.parts import Cell, Claim, Table, Verdict
from recon.report.selection import Group
from recon.report.tables import caption_of

__all__ = ["Claim", "claims", "claims_table", "table_of"]

_KINDS: Mapping[Verdict, str] = {"shown": "pass", "not shown": "fail", "not measured": "none"}


def claims(group: Group) -> list[Claim]:
    """Judge all claims: exactness, orders of errors, the worst case; prices are shown where they were measured."""
    return [exact_claim(group), *order_claims(group), worst_claim(group), psnr_claim(group), time_claim(group)]


def claims_table(group: Group) -> Table | None:
    """Show every claim with its verdict and the numbers; None where nothing that is claimed was measured."""
    what = (
        "Claims, judged from the measured numbers: orders by means, where neighbours may differ by chance if the 95 % "
        "interval of their paired difference holds 0; exactness by the largest error of all comparisons."
    )
    return table_of(claims(group), group, caption_of(group, what, basis_of(group)))


def table_of(judged: Sequence[Claim], group: Group, caption: str) -> Table | None:
    """Lay claims out as a table; None where all of them are not measured."""
    if all(claim.verdict == "not measured" for claim in judged):
        return None
    rows = [
        (sentence(claim.text), Cell(claim.verdict, kind=_KINDS[claim.verdict]), sentence(claim.found))
        for claim in judged
    ]
    return Table(f"{group.key}-claims", "What is claimed, and was found", caption, ("claim", "verdict", "found"), rows)
