"""A contact sheet: targets beside what a network gets of them, spread over a data set."""

import math
import warnings
from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from recon.data.inspection.kinds import NAMES, DataFolder, data_folder
from recon.data.inspection.tile import Image, Tile
from recon.data.inspection.tiles import COLUMNS, tiles_of
from recon.errors import ConfigError, DataError
from recon.files import written_whole

WIDTH = 1600  # pixels
_DPI = 100
_PAGE, _INK, _FAINT, _ACCENT, _BLANK = "#14171c", "#e8eaed", "#98a1ab", "#f2b84b", "#1d2128"
_MARGIN = 28
_ACROSS = {"cifar10": 8, "imagenet": 8}  # images in a row
_ELSE = 6  # in that of others
_BETWEEN = 5  # the images of one case
_APART = 26  # cases
_LABEL = 58  # below the images
_HEAD = 112  # above all
_LETTER = 7  # the width of a label's letter, about: longer labels would run into the next


def write_sheet(folder: Path, path: Path) -> int:
    """Write a contact sheet of the data set in a folder as a PNG file, and count the cases that it shows."""
    if path.suffix.lower() != ".png":
        raise ConfigError(f"the contact sheet must be a file with the ending .png, got {path}")
    found = data_folder(folder)
    tiles = tiles_of(found)
    if not tiles:
        raise DataError(f"{folder} must have slices that can be read, got none; see `recon data check {folder}`")
    with written_whole(path) as partial, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # letters of a name that the font does not have
        _figure(tiles, found).savefig(partial, format="png", dpi=_DPI)
    return len(tiles)


def _figure(tiles: Sequence[Tile], found: DataFolder) -> Figure:
    columns = COLUMNS[found.kind]
    across = _ACROSS.get(found.kind, _ELSE) // len(columns)
    rows = math.ceil(len(tiles) / across)
    case = (WIDTH - 2 * _MARGIN - (across - 1) * _APART) / across
    side = (case - (len(columns) - 1) * _BETWEEN) / len(columns)
    height = _HEAD + rows * (side + _LABEL) + _MARGIN // 2
    figure = Figure((WIDTH / _DPI, height / _DPI), dpi=_DPI, facecolor=_PAGE)
    FigureCanvasAgg(figure)
    page = _Page(figure, height)
    page.text(_MARGIN, 40, found.path.resolve().name, size=20, weight="bold")
    page.text(_MARGIN, 68, _subtitle(tiles, found), size=12, colour=_FAINT)
    if any(tile.synthetic for tile in tiles):
        page.text(WIDTH - _MARGIN, 40, "synthetic", size=16, weight="bold", colour=_ACCENT, to_the_left=True)
    for place, tile in enumerate(tiles):
        left, top = _MARGIN + place % across * (case + _APART), _HEAD + place // across * (side + _LABEL)
        for number, (image, word) in enumerate(zip(tile.images, columns, strict=True)):
            x = left + number * (side + _BETWEEN)
            page.image(x, top, side, image, tile.range)
            if place < across:
                page.text(x, top - 9, word, size=11, colour=_INK)
        letters = int(case / _LETTER)
        page.text(left, top + side + 19, _short(tile.name, letters), size=11)
        about = f"{tile.about}  ·  synthetic" if tile.synthetic else tile.about
        page.text(left, top + side + 37, _short(about, letters), size=10, colour=_ACCENT if tile.synthetic else _FAINT)
    return figure


class _Page:
    """A figure that is laid out in pixels from its upper left corner."""

    def __init__(self, figure: Figure, height: float) -> None:
        self.figure, self.height = figure, height

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float,
        weight: str = "normal",
        colour: str = _INK,
        to_the_left: bool = False,
    ) -> None:
        """Write words on the base line at y, from x on or up to x; a dollar in a file's name is a dollar."""
        place = (x / WIDTH, 1 - y / self.height)
        side = "right" if to_the_left else "left"
        words = words.encode(errors="backslashreplace").decode()  # names need not be valid text
        self.figure.text(*place, words, fontsize=size, weight=weight, color=colour, ha=side, parse_math=False)

    def image(self, x: float, y: float, side: float, image: Image | None, grey: tuple[float, float]) -> None:
        """Show an image, grey or in colour, in a square whose upper left corner is at (x, y)."""
        axes = self.figure.add_axes(
            (x / WIDTH, 1 - (y + side) / self.height, side / WIDTH, side / self.height), facecolor=_BLANK
        )
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        if image is None:
            axes.text(0.5, 0.5, "no target", color=_FAINT, fontsize=11, ha="center", va="center")
            return
        axes.imshow(image, cmap="gray", vmin=grey[0], vmax=grey[1], aspect="equal")


def _subtitle(tiles: Sequence[Tile], found: DataFolder) -> str:
    parts = ", ".join(f"{part} {len(files)}" for part, files in found.parts.items() if part)
    words = [NAMES[found.kind], f"{len(found.files)} files" + f" ({parts})" * bool(parts), f"{len(tiles)} shown"]
    if found.kind in ("fastmri", "lodopab"):
        words.append("each pair on one grey scale")
    return "   ·   ".join(words)


def _short(words: str, letters: int) -> str:
    return words if len(words) <= letters else f"{words[: letters - 2]} .."
