"""The map of a certificate as a drawing: the change of PSNR at every shift."""

from collections.abc import Mapping
from io import BytesIO, StringIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure as Canvas

from recon.clinical.certificate.words import mapping, number
from recon.records import Word
from recon.report.figures.drawing import styled
from recon.report.figures.reading import Grid
from recon.report.notation import short
from recon.report.parts import Figure

_SAME = "#2f7fb8"  # exactly no change, as recon's heat maps have it


def map_of(certificate: Mapping[str, Word]) -> Grid | None:
    """Give the changes in dB (rows, columns), or None where there is no map."""
    words = mapping(certificate, "map")
    values = words.get("change of PSNR in dB")
    if not isinstance(values, list):
        return None
    rows, columns = (int(number(words, name) or 0) for name in ("rows", "columns"))
    return np.array(values, dtype=np.float64).reshape(rows, columns)


def draw_map(axes: Axes, grid: Grid) -> None:
    """Draw it: blue is exactly no change, red a loss, green a gain."""
    axes.set_xticks([])
    axes.set_yticks([])
    reach = float(np.abs(grid).max())
    if reach == 0:
        axes.set_facecolor(_SAME)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
    else:
        axes.imshow(grid, norm=TwoSlopeNorm(0.0, -reach, reach), cmap="PiYG", interpolation="none")
    axes.set_aspect("equal")
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.5)


def map_text(grid: Grid) -> str:
    """Say in a line what the map shows."""
    if not np.any(grid):
        return f"all {grid.size} shifts: exactly 0 dB"
    return f"{grid.size} shifts: {short(float(grid.min()))} to {short(float(grid.max()))} dB"


@styled
def map_figure(certificate: Mapping[str, Word]) -> Figure | None:
    """Give the map as a figure of a page."""
    grid = map_of(certificate)
    if grid is None:
        return None
    drawing = Canvas(figsize=(3.2, 3.2))
    FigureCanvasAgg(drawing)
    draw_map(drawing.add_axes((0.02, 0.02, 0.96, 0.96)), grid)
    svg, png = StringIO(), BytesIO()
    drawing.savefig(svg, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    drawing.savefig(png, format="png", dpi=200, metadata={"Software": None})
    slices = mapping(certificate, "map")["slices"]
    synthetic = " Synthetic data." if mapping(certificate, "data")["synthetic"] else ""
    caption = (
        f"Change of PSNR by every shift (downwards: rows; to the right: columns; the upper left corner is no shift), "
        f"of the slice of {slices} that it changes most; {map_text(grid)}.{synthetic}"
    )
    return Figure("shift-map", "Every shift", caption, "", png.getvalue(), caption)
