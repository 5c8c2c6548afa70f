"""What is claimed of networks that find labels, each claim judged from the measured numbers alone."""

from recon.report.claims import table_of
from recon.report.labels.captions import caption
from recon.report.labels.claims_exact import bits_claim, filters_claim, labels_claim, plain_claim
from recon.report.labels.claims_price import quality_claim, time_claim
from recon.report.labels.claims_transfer import transfer_claims, tuning_claim
from recon.report.parts import Claim, Table
from recon.report.selection import Group

_WHAT = (
    "Claims, judged from the measured numbers: exactness by every comparison made; differences are paired, with 95 % "
    "bootstrap intervals."
)


def claims(group: Group) -> list[Claim]:
    """Judge all claims: exactness, plain and filters, weights taken over, fine-tuning; then state the prices."""
    return [
        labels_claim(group),
        bits_claim(group),
        plain_claim(group),
        filters_claim(group),
        *transfer_claims(group),
        tuning_claim(group),
        quality_claim(group),
        time_claim(group),
    ]


def claims_table(group: Group) -> Table | None:
    """Show every claim with its verdict and the numbers; None where nothing that is claimed was measured."""
    return table_of(claims(group), group, caption(group, _WHAT))
