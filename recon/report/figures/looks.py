"""How each network looks in every figure: a colour, a marker and a dash; exact networks are cool, others warm."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from recon.records import BUILT_IN
from recon.report.exactness import exactness_of
from recon.report.selection import Group

Dash = str | tuple[float, tuple[float, ...]]

# Of middle lightness, 3 : 1 at least against white and against a dark page; markers tell them apart, too.
EXACT = ("#0072b2", "#00967d", "#4a86d8", "#00828f", "#7a78d6", "#3d8f4e")
OTHER = ("#d55e00", "#c0508f", "#a8761a", "#c8403a", "#9b5fc0", "#b3653f", "#8a7a2e")
UNTOUCHED = "#7c848d"  # what leaves its input as it is
_MARKERS_EXACT, _MARKERS_OTHER = ("o", "s", "D", "p", "h"), ("^", "v", "<", ">", "X", "P")
_DASHES_EXACT: Sequence[Dash] = ("-", (0, (8, 1.5)), (0, (5, 1, 1, 1)))
_DASHES_OTHER: Sequence[Dash] = ((0, (4, 1.5)), (0, (1.5, 1.2)), (0, (6, 1, 1, 1)))


@dataclass(frozen=True, slots=True)
class Look:
    """How one network is drawn, and whether it was exact: see `exactness_of`."""

    colour: str
    marker: str
    dash: Dash
    exact: bool


def looks(group: Group) -> dict[str, Look]:
    """Give each network its look: the same for the same records, in all figures."""
    exact_looks = zip(cycle(EXACT), cycle(_MARKERS_EXACT), cycle(_DASHES_EXACT), strict=False)
    other_looks = zip(cycle(OTHER), cycle(_MARKERS_OTHER), cycle(_DASHES_OTHER), strict=False)
    found: dict[str, Look] = {}
    exact = {name: exactness_of(group, name).exact for name in group.names}
    for subject in group.subjects:
        if subject.kind == BUILT_IN:
            found[subject.name] = Look(UNTOUCHED, "d", (0, (1, 1.5)), exact[subject.name])
        else:
            colour, marker, dash = next(exact_looks if exact[subject.name] else other_looks)
            found[subject.name] = Look(colour, marker, dash, exact[subject.name])
    return found
