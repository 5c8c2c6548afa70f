"""What quality costs: PSNR against the time of one image."""

import numpy as np

from recon.report.figures.drawing import canvas, finished, guides, heading, styled
from recon.report.figures.labels import height_for, name_points
from recon.report.figures.looks import looks
from recon.report.notation import fixed, short
from recon.report.parts import Figure
from recon.report.selection import Group
from recon.report.tables import average
from recon.report.tables_cost import typical

_HEIGHT, _HEAD, _FOOT = 2.5, 0.33, 0.46  # inches


@styled
def quality_cost(group: Group) -> Figure | None:
    """Draw a marker for each network that has both."""
    found = {
        name: (typical(group, "seconds", name), average(group.of("quality", name), "psnr")) for name in group.names
    }
    found = {name: pair for name, pair in found.items() if np.isfinite(pair).all() and pair[0] > 0}
    if len(found) < 2:
        return None
    networks = looks(group)
    longest = max(seconds for seconds, _ in found.values())
    factor, unit = (1e3, "ms") if longest < 1 else (1.0, "s")
    inner = height_for(len(found), _HEIGHT)
    height = _HEAD + inner + _FOOT
    drawing = canvas(height)
    axes = drawing.add_axes((0.08, _FOOT / height, 0.7, inner / height))
    for name, (seconds, quality) in found.items():
        axes.plot([seconds * factor], [quality], networks[name].marker, color=networks[name].colour, markersize=7)
    axes.set_xlim(0, 1.06 * longest * factor)
    axes.margins(y=0.12)
    guides(axes, "y")
    guides(axes, "x")
    heading(axes, "PSNR, dB")
    axes.set_xlabel(f"time, {unit}")
    name_points(
        axes, {name: (seconds * factor, quality) for name, (seconds, quality) in found.items()}, networks, inner
    )
    caption = (
        f"Quality against time on {group.source.name}: mean PSNR, and the time that was measured on "
        f"{group.of('cost')[0].circumstances.device}. Up and to the left is better; exact networks are bold."
    )
    alt = "; ".join(
        f"{name}: {short(value * factor)} {unit}, {fixed(psnr, 2)} dB" for name, (value, psnr) in found.items()
    )
    return finished(drawing, group, "quality-cost", title="Quality and time", caption=caption, alt=f"{alt}.")
