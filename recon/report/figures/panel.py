"""The worst case in pictures, as in Chaman and Dokmanic (2021), Fig. 4: outputs of an image and of its shifted self."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from recon.report.cells import change_text
from recon.report.figures.drawing import WIDTH, canvas, finished, styled
from recon.report.figures.labels import shortened
from recon.report.figures.pictures import Image, Pictures, chosen_networks, find_pictures
from recon.report.notation import TIMES, short
from recon.report.parts import Figure
from recon.report.selection import Group

_LONGEST = 18  # letters of a name above an image
_AXES = ("row", "column")
_LEFT, _GAP, _HEAD, _FOOT = 0.36, 0.07, 0.3, 0.3  # inches


@styled
def worst_panel(group: Group, folders: Sequence[Path]) -> Figure | None:
    """Draw the worst case of a data set from the first folder that has pictures of it."""
    pictures = find_pictures(group, folders)
    if pictures is None:
        return None
    chosen = chosen_networks(pictures, group)
    across = max(4, len(chosen))
    height_over_width = pictures.input.shape[0] / pictures.input.shape[1]
    wide = (WIDTH - _LEFT - (across - 1) * _GAP) / across
    tall = wide * height_over_width
    height = _HEAD + tall + 0.5 + 3 * tall + 2 * _GAP + _FOOT
    drawing = canvas(height)
    place = _Places(drawing, wide, tall, height)
    window = _window(pictures.target)
    factor = amplification(pictures, chosen, window)
    _top_row(place, pictures, window, factor)
    for column, index in enumerate(chosen):
        _column(place, pictures, column, index, window, factor)
    for row, text in enumerate(("output", "of shifted input,\nmoved back", f"difference {TIMES} {factor:g}")):
        place.label(row, text)
    return finished(
        drawing,
        group,
        "worst-panel",
        title="The worst case, in pictures",
        caption=_caption(pictures, chosen, factor),
        alt=f"Images: input, shifted input, target; for {', '.join(pictures.names[i] for i in chosen)} the output, the "
        "output of the shifted input moved back, and their difference.",
    )


def amplification(pictures: Pictures, chosen: Sequence[int], window: tuple[float, float]) -> float:
    """Give the factor, 1, 2 or 5 times a power of ten, that makes the largest difference about white."""
    largest = max((float(np.quantile(_difference(pictures, index, window), 0.99)) for index in chosen), default=0.0)
    if largest <= 0:
        return 1.0
    wanted = 0.8 / largest
    power = 10.0 ** floor(log10(wanted))
    return max(1.0, max(step * power for step in (1, 2, 5) if step * power <= wanted))


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the images lie, in inches: a row of inputs, then three rows of outputs, a column a network."""

    drawing: Canvas
    wide: float
    tall: float
    height: float

    def top(self, row: int) -> float:
        """Give the height of a row's upper edge; the inputs are row -1."""
        if row < 0:
            return self.height - _HEAD
        return self.height - _HEAD - self.tall - 0.5 - row * (self.tall + _GAP)

    def axes(self, row: int, column: int) -> Axes:
        left = _LEFT + column * (self.wide + _GAP)
        bottom = self.top(row) - self.tall
        axes = self.drawing.add_axes((left / WIDTH, bottom / self.height, self.wide / WIDTH, self.tall / self.height))
        axes.set_axis_off()
        return axes

    def label(self, row: int, text: str) -> None:
        middle = self.top(row) - self.tall / 2
        self.drawing.text(
            (_LEFT - 0.1) / WIDTH,
            middle / self.height,
            text,
            rotation=90,
            rotation_mode="anchor",
            ha="center",
            size=8,
            linespacing=1.1,
        )


def _top_row(place: _Places, pictures: Pictures, window: tuple[float, float], factor: float) -> None:
    rows, columns = map(short, pictures.shift)
    texts = ("input", f"shifted by ({rows}, {columns})", "target")
    for column, (text, image) in enumerate(
        zip(texts, (pictures.input, pictures.shifted_input, pictures.target), strict=True)
    ):
        axes = place.axes(-1, column)
        _show(axes, image, window)
        axes.set_title(text, loc="left", size=8, pad=4)
    low, high = (short(value) for value in window)
    words = f"shown:\nfrom {low}\nto {high}\n\ndifference:\nblack is 0,\nwhite {_of_range(factor)}"
    place.axes(-1, 3).text(0.06, 1, words, va="top", ha="left", size=7.5, alpha=0.85, linespacing=1.35)


def _of_range(factor: float) -> str:
    percent = 100 / factor
    return f"{percent:.2g} %\nof that range"


def _column(
    place: _Places, pictures: Pictures, column: int, index: int, window: tuple[float, float], factor: float
) -> None:
    """Draw a network's output, that of the shifted input moved back, and their difference."""
    exact = pictures.exact(index)
    first = place.axes(0, column)
    _show(first, pictures.outputs[index], window)
    first.set_title(
        shortened(pictures.names[index], 18), loc="left", size=8.5, pad=4, fontweight="bold" if exact else "normal"
    )
    _show(place.axes(1, column), pictures.shifted_outputs[index], window)
    last = place.axes(2, column)
    _show(last, _difference(pictures, index, window) * factor, (0.0, 1.0))
    if exact:
        last.text(0.5, 0.5, "0", color="#f2f2f2", size=20, ha="center", va="center", transform=last.transAxes)
    text = "PSNR unchanged" if exact else f"{change_text(pictures.changes[index])} dB"
    last.annotate(text, (0, 0), (0, -4), xycoords="axes fraction", textcoords="offset points", va="top", size=8)


def _show(axes: Axes, image: Image, window: tuple[float, float]) -> None:
    axes.imshow(image, cmap="gray", vmin=window[0], vmax=window[1], interpolation="none", aspect="auto")


def _difference(pictures: Pictures, index: int, window: tuple[float, float]) -> Image:
    span = window[1] - window[0]
    return np.abs(pictures.shifted_outputs[index].astype(np.float64) - pictures.outputs[index]) / span


def _window(target: Image) -> tuple[float, float]:
    """Give what is shown as black and white: all of the target but the brightest thousandth."""
    low, high = float(target.min()), float(np.quantile(target, 0.999))
    return (low, high) if high > low else (low, low + 1.0)


def _caption(pictures: Pictures, chosen: Sequence[int], factor: float) -> str:
    rows, columns = (
        f"{short(by)} {axis}{'' if by == 1 else 's'}" for by, axis in zip(pictures.shift, _AXES, strict=True)
    )
    where = pictures.item if pictures.slice is None else f"{pictures.item}, slice {pictures.slice}"
    parts = [
        f"The largest change of PSNR that a shift causes in any network on {pictures.source}: {where}, shifted by "
        f"{rows} and {columns}. Below: each network's output, its output for the shifted input moved "
        f"back, the size of their difference (times {factor:g} for all), and the change of PSNR."
    ]
    if any(pictures.exact(index) for index in chosen):
        parts.append("Networks in bold are exact: the difference is 0 in every pixel.")
    left = len(pictures.names) - len(chosen)
    if left:
        parts.append(f"{left} more {'was' if left == 1 else 'were'} measured and not drawn.")
    return " ".join(parts)
