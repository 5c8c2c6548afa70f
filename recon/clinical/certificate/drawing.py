"""The map of a certificate as a drawing: the change of PSNR at every shift."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import TwoSlopeNorm, to_rgba
from matplotlib.figure import Figure as Canvas

from recon.clinical.certificate.spelling import counted, word_text
from recon.clinical.certificate.words import mapping, number
from recon.records import Word
from recon.report.figures.drawing import styled
from recon.report.figures.reading import Grid
from recon.report.notation import TIMES, short

_SAME = "#2f7fb8"  # exactly no change, as recon's heat maps have it
_COLOURS = "PiYG"
_LINED = 16  # squares along a side, of more the lines between would hide them


@dataclass(frozen=True, slots=True)
class Drawn:
    """The map as a picture, with what it shows in a line, how it is to be read, and both for who cannot see it."""

    png: bytes
    result: str
    caption: str
    alt: str


@dataclass(frozen=True, slots=True)
class ShiftMap:
    """The changes of PSNR in dB (rows, columns), and how many shifts (rows, columns) they stand for."""

    changes: Grid
    shifts: tuple[int, int]

    @property
    def text(self) -> str:
        """Say in a line what it shows."""
        count, least, most = math.prod(self.shifts), float(self.changes.min()), float(self.changes.max())
        if least == most == 0:
            return f"Every one of {count:,} shifts changes the PSNR by exactly 0 dB."
        return f"{count:,} shifts change the PSNR by {short(least)} to {short(most)} dB."


def map_of(certificate: Mapping[str, Word]) -> ShiftMap | None:
    """Give the map, or None where there is none."""
    words = mapping(certificate, "map")
    values, shifts = words.get("change of PSNR in dB"), words.get("shifts")
    if not isinstance(values, list) or not isinstance(shifts, list):
        return None
    rows, columns = (int(number(words, name) or 0) for name in ("rows", "columns"))
    height, width = (int(str(length)) for length in shifts)
    return ShiftMap(np.array(values, dtype=np.float64).reshape(rows, columns), (height, width))


def draw_map(axes: Axes, scale: Axes, found: ShiftMap) -> None:
    """Draw it with its scale below: blue is exactly no change, red a loss, green a gain."""
    grid = found.changes
    rows, columns = grid.shape
    reach = float(np.abs(grid).max())
    colours = matplotlib.colormaps[_COLOURS]
    image = colours(TwoSlopeNorm(0.0, -reach, reach)(grid)) if reach else np.ones((rows, columns, 4))
    image[grid == 0] = to_rgba(_SAME)
    axes.imshow(image, interpolation="none", extent=(0, columns, rows, 0), aspect="auto")
    if max(rows, columns) <= _LINED:
        for place in range(1, rows):
            axes.axhline(place, color="white", linewidth=0.8)
        for place in range(1, columns):
            axes.axvline(place, color="white", linewidth=0.8)
    _name_axes(axes, found)
    if reach:
        scale.imshow(np.linspace(0, 1, 256)[None], cmap=_COLOURS, aspect="auto", extent=(-1, 1, 0, 1))
        scale.set_xticks([-1, 0, 1], [short(-reach), "0 dB", short(reach)])
        scale.set_yticks([])
        scale.tick_params(labelsize=6.5, length=2)
    else:
        scale.set_axis_off()
        axes.text(
            columns / 2, rows / 2, f"every one of\n{math.prod(found.shifts):,} shifts:\nexactly 0 dB",
            bbox={"facecolor": _SAME, "edgecolor": "none", "pad": 4},
            ha="center", va="center", color="white", weight="bold", size=9,
        )  # fmt: skip


@styled
def map_figure(certificate: Mapping[str, Word]) -> Drawn | None:
    """Give the map as a figure of a page."""
    found = map_of(certificate)
    if found is None:
        return None
    drawing = Canvas(figsize=(3.5, 3.7))
    FigureCanvasAgg(drawing)
    draw_map(drawing.add_axes((0.1, 0.17, 0.8, 0.757)), drawing.add_axes((0.1, 0.07, 0.8, 0.03)), found)
    png = BytesIO()
    drawing.savefig(png, format="png", dpi=220, metadata={"Software": None})
    words = mapping(certificate, "map")
    square = word_text(words["shifts of a square"])
    of = "each shift" if square == f"1 {TIMES} 1" else f"every {square} shifts, with the largest change among them"
    caption = (
        f"A square for {of}: downwards their rows, to the right their columns; the upper left one is no shift. Of "
        f"{counted(words['slices'], 'slice')}, the one that the shift changes most. Blue: exactly no change; red: a "
        f"loss; green: a gain."
    )
    if mapping(certificate, "data")["synthetic"] is True:
        caption += " Synthetic data."
    return Drawn(png.getvalue(), found.text, caption, f"Map of the change of PSNR at every shift. {found.text}")


def _name_axes(axes: Axes, found: ShiftMap) -> None:
    """Write the first and the last shift at each axis."""
    (rows, columns), (height, width) = found.changes.shape, found.shifts
    axes.set_xticks([0.5, columns - 0.5], ["0", str(width - 1)])
    axes.set_yticks([0.5, rows - 0.5], ["0", str(height - 1)])
    axes.tick_params(labelsize=6.5, length=0, pad=2)
    axes.xaxis.tick_top()
    for spine in axes.spines.values():
        spine.set_visible(False)
