"""The accuracy at every shift that there is, a square for each network, as Zhang (2019) draws it in Fig. 11."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure as Canvas

from recon.report.cells import percent_text
from recon.report.figures.drawing import WIDTH, canvas, finished, styled
from recon.report.figures.heatmap import LONGEST, name_axes
from recon.report.figures.labels import shortened
from recon.report.figures.reading import Grid
from recon.report.labels.captions import images_of
from recon.report.labels.curves import by_shift
from recon.report.labels.reading import not_drawn, trained
from recon.report.parts import Figure
from recon.report.selection import Group
from recon.report.tables import counted

_ACROSS, _GAP, _TITLE, _LEFT = 6, 0.16, 0.36, 0.3  # squares, and inches


@styled
def shift_map(group: Group) -> Figure | None:
    """Draw the accuracy at all shifts on one scale."""
    found = {one.name: by_shift(group.of("adversary", one.name)) for one in trained(group)}
    grids = {name: 100 * grid for name, grid in found.items() if grid is not None and grid.size > 1}
    if not grids:
        return None
    down = -(-len(grids) // _ACROSS)
    across = max(4, -(-len(grids) // down))
    side = (WIDTH - _LEFT - (across - 1) * _GAP) / across
    height = down * (side + _TITLE) + 0.6
    drawing = canvas(height)
    norm, colours = _colours(grids)
    for place, (name, grid) in enumerate(grids.items()):
        row, column = divmod(place, across)
        left, top = _LEFT + column * (side + _GAP), height - _TITLE - row * (side + _TITLE)
        axes = drawing.add_axes((left / WIDTH, (top - side) / height, side / WIDTH, side / height))
        axes.imshow(grid, norm=norm, cmap=colours, interpolation="none", aspect="auto")
        axes.set_axis_off()
        axes.set_title(shortened(name, LONGEST), loc="left", pad=13, size=8.5)
        axes.annotate(_range_text(grid), (0, 1), (0, 3), xycoords="axes fraction", textcoords="offset points",
                      size=7.5, alpha=0.8)  # fmt: skip
        if place == (down - 1) * across:
            name_axes(axes, grid)
    _scale_bar(drawing, norm, colours, height)
    caption = (
        f"Accuracy at every circular shift (downwards: rows; to the right: columns) on "
        f"{counted(images_of(group, 'adversary'), 'image')} of {group.source.name} (after Zhang, 2019, Fig. 11). The "
        "upper left corner is no shift. One scale for all: pale is the best of any, dark red the worst."
        f"{not_drawn(group, 'adversary')}"
    )
    alt = "; ".join(f"{name}: {_range_text(grid)}" for name, grid in grids.items())
    return finished(
        drawing,
        group,
        "shift-map",
        title="Accuracy at every shift",
        caption=caption,
        alt=f"Maps of the accuracy. {alt}.",
    )


def _range_text(grid: Grid) -> str:
    """Write the least and the largest accuracy; one where it is the same at every shift."""
    low, high = (float(value) / 100 for value in (grid.min(), grid.max()))
    if low == high:
        return f"{percent_text(low)} at all"
    return f"{percent_text(low).removesuffix(' %')} to {percent_text(high)}"


def _colours(grids: Mapping[str, Grid]) -> tuple[Normalize, Colormap]:
    """Give a scale from dark red, the least accuracy of any network and shift, to pale yellow, the largest."""
    low, high = min(grid.min() for grid in grids.values()), max(grid.max() for grid in grids.values())
    warm = ListedColormap(mpl.colormaps["YlOrRd"](np.linspace(1, 0.06, 256)))
    return Normalize(low, high if high > low else low + 1), warm


def _scale_bar(drawing: Canvas, norm: Normalize, colours: Colormap, height: float) -> None:
    """Draw the scale under the squares."""
    bar = drawing.add_axes((1.1 / WIDTH, 0.24 / height, 0.36, 0.1 / height))
    low, high = norm.vmin or 0.0, norm.vmax or 100.0
    bar.imshow(np.linspace(0, 1, 256)[None], cmap=colours, aspect="auto", extent=(low, high, 0, 1))
    bar.locator_params(axis="x", nbins=5)
    bar.annotate(
        "accuracy, %", (1, 0.5), (8, 0), xycoords="axes fraction", textcoords="offset points", va="center", size=8
    )
    bar.set_yticks([])
    bar.tick_params(axis="x", length=2, labelsize=7.5)
    for spine in bar.spines.values():
        spine.set_visible(False)
