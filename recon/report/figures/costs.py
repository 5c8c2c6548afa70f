"""What quality costs: PSNR against the time of one image."""

import numpy as np

from recon.report.figures.drawing import canvas, finished, guides, heading, styled
from recon.report.figures.labels import short, spread
from recon.report.figures.looks import looks
from recon.report.parts import Figure
from recon.report.selection import Group
from recon.report.tables import average

_HEIGHT, _LABEL = 3.3, 0.165  # inches


@styled
def quality_cost(group: Group) -> Figure | None:
    """Draw a marker for each network that has both."""
    found = {
        name: (average(group.of("cost", name), "seconds"), average(group.of("quality", name), "psnr"))
        for name in group.names
    }
    found = {name: pair for name, pair in found.items() if np.isfinite(pair).all() and pair[0] > 0}
    if len(found) < 2:
        return None
    networks = looks(group)
    longest = max(seconds for seconds, _ in found.values())
    factor, unit = (1e3, "ms") if longest < 1 else (1.0, "s")
    drawing = canvas(_HEIGHT)
    axes = drawing.add_axes((0.08, 0.14, 0.7, 0.76))
    for name, (seconds, quality) in found.items():
        axes.plot([seconds * factor], [quality], networks[name].marker, color=networks[name].colour, markersize=7)
    axes.set_xlim(0, 1.06 * longest * factor)
    axes.margins(y=0.12)
    guides(axes, "y")
    guides(axes, "x")
    heading(axes, "PSNR, dB")
    axes.set_xlabel(f"time, {unit}")
    low, high = axes.get_ylim()
    gap = (high - low) * _LABEL / (0.76 * _HEIGHT)
    names = list(found)
    places = spread([found[name][1] for name in names], gap, low, high)
    for name, place in zip(names, places, strict=True):
        seconds, quality = found[name]
        look = networks[name]
        axes.annotate(
            short(name),
            (seconds * factor, quality),
            (1.03, place),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            size=8,
            fontweight="bold" if look.exact else "normal",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": look.colour, "linewidth": 0.6, "alpha": 0.6, "shrinkB": 4},
        )
    axes.set_ylim(low, high)
    caption = (
        f"Quality against time on {group.source.name}: mean PSNR, and the time that was measured on "
        f"{group.of('cost')[0].circumstances.device}. Up and to the left is better; exact networks are bold."
    )
    alt = "; ".join(f"{name}: {value * factor:.3g} {unit}, {psnr:.2f} dB" for name, (value, psnr) in found.items())
    return finished(drawing, group, "quality-cost", title="Quality and time", caption=caption, alt=f"{alt}.")
