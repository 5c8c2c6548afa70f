"""Accuracy against consistency, a point a network, as Zhang (2019) draws it in Fig. 5."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from recon.report.cells import percent_text
from recon.report.figures.drawing import canvas, finished, guides, heading, styled
from recon.report.figures.labels import height_for, name_points
from recon.report.figures.looks import Look, looks
from recon.report.labels.reading import consistency, not_drawn, quality, trained, words_of
from recon.report.labels.totals import Estimate
from recon.report.parts import Figure
from recon.report.selection import Group

_HEIGHT, _HEAD, _FOOT = 2.6, 0.33, 0.46  # inches
_LEFT, _RIGHT = 0.08, 0.76  # of the width
_LEAST = 2.0  # percent that an axis spans at least: less tells nothing


@styled
def tradeoff(group: Group) -> Figure | None:
    """Draw the trained networks; what became of weights that were taken over has a table of its own."""
    found = {one.name: (quality(group, one.name), consistency(group, one.name)) for one in trained(group)}
    pairs = {name: pair for name, pair in found.items() if all(np.isfinite(one.value) for one in pair)}
    if not pairs:
        return None
    networks, words = looks(group), words_of(group)
    points = {name: (100 * right.value, 100 * up.value) for name, (right, up) in pairs.items()}
    inner = height_for(len(points), _HEIGHT)
    height = _HEAD + inner + _FOOT
    drawing = canvas(height)
    axes = drawing.add_axes((_LEFT, _FOOT / height, _RIGHT - _LEFT, inner / height))
    for name, (right, up) in pairs.items():
        _point(axes, right, up, networks[name])
    axes.set_xlim(*_limits([end for right, _ in pairs.values() for end in _ends(right)]))
    axes.set_ylim(*_limits([end for _, up in pairs.values() for end in _ends(up)]))
    guides(axes, "x")
    guides(axes, "y")
    heading(axes, f"{words.consistency}, %")
    axes.set_xlabel(f"{words.quality}, %")
    name_points(axes, points, networks, inner)
    said = "; ".join(f"{name}: {percent_text(x.value)}, {percent_text(y.value)}" for name, (x, y) in pairs.items())
    return finished(
        drawing,
        group,
        "consistency",
        title=f"{words.title} and {words.consistency}",
        caption=_caption(group),
        alt=f"{words.title} and {words.consistency} of each network. {said}.",
    )


def _caption(group: Group) -> str:
    words = words_of(group)
    return (
        f"{words.title} against {words.consistency} on {group.source.name}, a point a network (after Zhang, 2019, "
        "Fig. 5). Up and to the right is better; the lines are 95 % intervals; exact networks are bold, and stand at "
        f"100.00 %.{not_drawn(group, 'consistency')}"
    )


def _point(axes: Axes, right: Estimate, up: Estimate, look: Look) -> None:
    """Draw one network with its intervals."""
    x, y = 100 * right.value, 100 * up.value
    axes.plot(_ends(right), [y, y], color=look.colour, linewidth=0.9, alpha=0.5)
    axes.plot([x, x], _ends(up), color=look.colour, linewidth=0.9, alpha=0.5)
    axes.plot([x], [y], look.marker, color=look.colour, markersize=7)


def _ends(found: Estimate) -> tuple[float, float]:
    """Give the ends of an interval in percent; those of none are the value itself."""
    low, high = found.value, found.value
    if found.interval is not None:
        low, high = found.interval.low, found.interval.high
    return 100 * low, 100 * high


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """Give the ends of an axis in percent: all values and some room, yet no more above 100 than a marker needs."""
    low, high = min(values), max(values)
    span = max(high - low, _LEAST)
    return low - 0.06 * span, min(high + 0.06 * span, 100 + 0.04 * span)
