"""The two kinds of networks that are reported, those that give images and those that find labels, each its own way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from recon.report import answer, claims, headline
from recon.report.labels import answer as labels_answer
from recon.report.labels import claims as labels_claims
from recon.report.labels import headline as labels_headline
from recon.report.labels.captions import data_line as labels_data_line
from recon.report.labels.plan import LABELS
from recon.report.parts import Claim, Table
from recon.report.plan import IMAGES, Plan
from recon.report.selection import Group


@dataclass(frozen=True, slots=True)
class Track:
    """How one kind of networks is reported.

    Args:
        subject: what of them is reported, for titles.
        answer: the opening's sentences.
        headline: the table of all networks.
        narrow_headline: the same with fewer intervals, for a terminal.
        data_line: the data in one line.
        headline_line: what else must be said above a headline table without its caption.
        claims: what is claimed, judged.
        plans: the sections.
    """

    subject: str
    answer: Callable[[Group], list[str]]
    headline: Callable[[Group], Table | None]
    narrow_headline: Callable[[Group], Table | None]
    data_line: Callable[[Group], str]
    headline_line: Callable[[Group], str]
    claims: Callable[[Group], list[Claim]]
    plans: Sequence[Plan]


_IMAGES = Track(
    "Reconstruction",
    answer.answer,
    headline.headline,
    lambda group: headline.headline(group, error_intervals=False),
    headline.data_line,
    lambda group: f"{headline.worst_line(group)} {headline.intervals_line(group)}".strip(),
    claims.claims,
    IMAGES,
)
_LABELS = Track(
    "Labels",
    labels_answer.answer,
    labels_headline.headline,
    lambda group: labels_headline.headline(group, intervals=False),
    labels_data_line,
    labels_headline.intervals_line,
    labels_claims.claims,
    LABELS,
)


def track_of(group: Group) -> Track:
    """Give the way in which a data set is reported."""
    return _IMAGES if group.task == "reconstruction" else _LABELS
