"""By how much a shift changes the PSNR: the distribution over slices and shifts, a row a network."""

import numpy as np
from matplotlib.axes import Axes

from recon.report.cells import change_text
from recon.report.figures.drawing import FAINT, INK, canvas, finished, guides, heading, left_for, styled
from recon.report.figures.labels import name_rows
from recon.report.figures.looks import Look, looks
from recon.report.figures.reading import Grid, counted_slices
from recon.report.parts import Figure
from recon.report.selection import Group

_ROW, _HEAD, _FOOT, _BINS = 0.44, 0.32, 0.3, 81


@styled
def changes(group: Group) -> Figure | None:
    """Draw the change of PSNR under all shifts that were tried."""
    found = {subject.name: _changes(group, subject.name) for subject in group.networks}
    found = {name: values for name, values in found.items() if values.size}
    if not found:
        return None
    names, networks = list(found), looks(group)
    height = _HEAD + _ROW * len(names) + _FOOT
    drawing = canvas(height)
    bottom, left = _FOOT / height, left_for(names)
    axes = drawing.add_axes((left, bottom, 0.79 - left, 1 - bottom - _HEAD / height))
    name_rows(axes, names, networks)
    heading(axes, "change of PSNR, dB")
    furthest = max(float(np.abs(values).max()) for values in found.values()) or 1e-3
    axes.set_xlim(-1.08 * furthest, 1.08 * furthest)
    axes.locator_params(axis="x", nbins=7)
    guides(axes, "x")
    axes.axvline(0, color=INK, alpha=3 * FAINT, linewidth=0.8)
    for row, name in enumerate(names):
        _distribution(axes, row, found[name], networks[name], furthest)
    records = group.of("worst")
    caption = (
        f"Change of PSNR when the input is shifted and the output moved back: all shifts that were tried of "
        f"{counted_slices(records)} of {group.source.name}. The shape shows how often (each to its own height), the "
        "thick line holds the middle half, the thin one everything, the marker is the change of largest size."
    )
    ranges = "; ".join(f"{name} {_range_text(values)}" for name, values in found.items())
    alt = f"Distributions of the change of PSNR in dB: {ranges}."
    return finished(drawing, group, "delta-psnr", title="Change of PSNR under shifts", caption=caption, alt=alt)


def _changes(group: Group, name: str) -> Grid:
    rows = [record.arrays.get("delta_psnr", ()) for record in group.of("worst", name)]
    values = np.array([value for row in rows for value in row], dtype=np.float64)
    return values[np.isfinite(values)]


def _distribution(axes: Axes, row: int, values: Grid, look: Look, furthest: float) -> None:
    """Draw one row: shape, middle half, all, and the worst."""
    axes.annotate(
        _range_text(values), (1, row), (8, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
        va="center", size=7.5, fontweight="bold" if not values.any() else "normal",
    )  # fmt: skip
    worst = values[np.argmax(np.abs(values))]
    if values.any():
        counts, edges = np.histogram(values, bins=_BINS, range=(-furthest, furthest))
        smooth = np.convolve(np.sqrt(counts), [0.25, 0.5, 0.25], mode="same")
        middle, heights = (edges[1:] + edges[:-1]) / 2, 0.36 * smooth / smooth.max()
        shown = np.flatnonzero(heights > 0)
        part = slice(shown[0], shown[-1] + 1)
        axes.fill_between(
            middle[part], row - heights[part], row + heights[part], color=look.colour, alpha=0.28, linewidth=0
        )
        axes.plot([values.min(), values.max()], [row, row], color=look.colour, linewidth=0.9)
        axes.plot(np.percentile(values, [25, 75]), [row, row], color=look.colour, linewidth=3, solid_capstyle="butt")
    axes.plot([worst], [row], look.marker, color=look.colour, markersize=6)


def _range_text(values: Grid) -> str:
    """Write the smallest and the largest change."""
    if not values.any():
        return "exactly 0"
    return f"{change_text(float(values.min()))} to {change_text(float(values.max()))} dB"
