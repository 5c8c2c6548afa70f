"""The equivariance error at every shift that there is: a small square for each network."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap, LogNorm
from matplotlib.figure import Figure as Canvas

from recon.report.figures.drawing import INK, WIDTH, canvas, finished, styled
from recon.report.figures.labels import shortened
from recon.report.figures.reading import Grid, counted_slices, residue_grid
from recon.report.figures.scale import Scale, scale_of
from recon.report.notation import scientific
from recon.report.parts import Figure
from recon.report.selection import Group

ZERO = "#2f7fb8"  # of exact zeros: the one colour that is not on the scale
_ACROSS, _GAP, _TITLE = 6, 0.16, 0.36
LONGEST = 18  # letters of a name above a square


@styled
def heatmap(group: Group) -> Figure | None:
    """Draw the error over all residues, mean over slices, on one scale."""
    grids = _grids(group)
    if not grids:
        return None
    down = -(-len(grids) // _ACROSS)
    across = max(4, -(-len(grids) // down))
    side = (WIDTH - 0.3 - (across - 1) * _GAP) / across
    height = down * (side + _TITLE) + 0.6
    drawing = canvas(height)
    values = np.concatenate([grid.ravel() for grid in grids.values()])
    norm, colours = error_colours(values)
    for place, (name, grid) in enumerate(grids.items()):
        row, column = divmod(place, across)
        left, top = 0.3 + column * (side + _GAP), height - _TITLE - row * (side + _TITLE)
        axes = drawing.add_axes((left / WIDTH, (top - side) / height, side / WIDTH, side / height))
        draw_errors(axes, grid, norm, colours)
        text = "exactly 0" if not grid.any() else f"to {scientific(float(grid.max()))}"
        axes.set_title(shortened(name, LONGEST), loc="left", pad=13, size=8.5)
        axes.annotate(text, (0, 1), (0, 3), xycoords="axes fraction", textcoords="offset points", size=7.5, alpha=0.8)
        if place == (down - 1) * across:
            name_axes(axes, grid)
    _scale_bar(drawing, norm, colours, height)
    records = group.of("worst")
    caption = (
        f"Equivariance NMSE at every shift below the network's period (downwards: rows; to the right: columns), mean "
        f"over {counted_slices(records)} of {group.source.name}. The upper left corner is no shift. One scale for all; "
        "exact zeros are blue."
    )
    exact = [name for name, grid in grids.items() if not grid.any()]
    alt = f"Heat maps of {len(grids)} networks. Exactly 0 at every shift: {', '.join(exact) or 'none'}."
    return finished(drawing, group, "heatmap", title="Error at every shift", caption=caption, alt=alt)


def _grids(group: Group) -> dict[str, Grid]:
    """Give the mean grid of each network whose shifts are a grid; what does nothing is left out."""
    found: dict[str, Grid] = {}
    for subject in group.networks:
        grids = [grid for record in group.of("worst", subject.name) if (grid := residue_grid(record)) is not None]
        same = [grid for grid in grids if grid.shape == grids[0].shape]
        if same and same[0].size > 1:
            found[subject.name] = np.mean(same, axis=0)
    return found


def error_colours(values: Grid) -> tuple[LogNorm, Colormap]:
    """Give a scale for errors, from pale yellow, the smallest, to dark red, the largest; zeros in a colour apart."""
    scale = scale_of(values.tolist())
    warm = mpl.colormaps["YlOrRd"]
    colours = ListedColormap(warm(np.linspace(0.06, 1, 256))).with_extremes(bad=ZERO, under=warm(0.06))
    return LogNorm(10.0**scale.low, 10.0**scale.high), colours


def draw_errors(axes: Axes, grid: Grid, norm: LogNorm, colours: Colormap) -> None:
    """Draw one square of errors."""
    axes.imshow(np.ma.masked_equal(grid, 0), norm=norm, cmap=colours, interpolation="none", aspect="auto")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def name_axes(axes: Axes, grid: Grid) -> None:
    """Say at the first square which way is which."""
    rows, columns = grid.shape
    style: Mapping[str, object] = {"xycoords": "axes fraction", "textcoords": "offset points", "size": 7, "color": INK}
    axes.annotate(f"0 … {columns - 1} columns", (0, 0), (0, -3), va="top", ha="left", **style)  # type: ignore[arg-type]
    axes.annotate(
        f"{rows - 1} … 0 rows",
        (0, 1),
        (-5, 0),
        va="top",
        ha="right",
        rotation=90,
        **style,  # type: ignore[arg-type]
    )


def _scale_bar(drawing: Canvas, norm: LogNorm, colours: Colormap, height: float) -> None:
    """Draw the scale under the squares, with zero apart at its left."""
    bottom, thick = 0.24 / height, 0.1 / height
    zero = drawing.add_axes((0.3 / WIDTH, bottom, 0.03, thick))
    zero.axvspan(0, 1, color=ZERO, linewidth=0)
    zero.set_xlim(0, 1)
    zero.set_xticks([0.5], ["exactly 0"])
    bar = drawing.add_axes((1.1 / WIDTH, bottom, 0.36, thick))
    low, high = map(float, np.log10([norm.vmin or 0.1, norm.vmax or 1.0]))
    bar.imshow(np.linspace(0, 1, 256)[None], cmap=colours, aspect="auto", extent=(low, high, 0, 1))
    bar.set_xticks(*Scale(low, high, has_zero=False).ticks())
    bar.annotate("NMSE", (1, 0.5), (8, 0), xycoords="axes fraction", textcoords="offset points", va="center", size=8)
    for axes in (zero, bar):
        axes.set_yticks([])
        axes.tick_params(axis="x", length=2, labelsize=7.5)
        for spine in axes.spines.values():
            spine.set_visible(False)
