"""Names of networks beside what is drawn of them, spread so that none covers another."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from recon.report.figures.drawing import FAINT, INK, LONGEST
from recon.report.figures.looks import Look

LINE = 0.155  # inches from one name to the next


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move places, in their order, apart to at least `gap`, and as far as that goes into [low, high].

    >>> spread([0.5, 0.5, 0.0], 0.25, 0, 1)
    [0.5, 0.75, 0.0]
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = list(places)
    reached = low - gap
    for index in order:
        moved[index] = reached = max(places[index], reached + gap)
    reached = high + gap
    for index in reversed(order):
        moved[index] = reached = min(moved[index], reached - gap)
    return moved


def shortened(name: str, longest: int = LONGEST) -> str:
    """Leave out the middle of a long name.

    >>> shortened("package.module:function", 11)
    'packa…ction'
    """
    half = (longest - 1) // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


def label_ends(axes: Axes, ends: Mapping[str, float], networks: Mapping[str, Look]) -> None:
    """Write the networks' names to the right of the axes, each at the height where its line ends."""
    low, high = axes.get_ylim()
    gap = (high - low) * LINE / _inches(axes)[1]
    names = list(ends)
    places = spread([ends[name] for name in names], gap, low + gap / 2, high - gap / 2)
    right = axes.get_xlim()[1]
    width = right - axes.get_xlim()[0]
    inch = width / _inches(axes)[0]
    for name, place in zip(names, places, strict=True):
        look = networks[name]
        axes.plot([right, right + 0.1 * inch], [ends[name], place], color=look.colour, linewidth=0.7, clip_on=False)
        axes.plot([right + 0.16 * inch], [place], look.marker, color=look.colour, clip_on=False, markersize=4)
        axes.text(right + 0.24 * inch, place, shortened(name), va="center", ha="left", size=8)
    axes.set_xlim(right - width, right)
    axes.set_ylim(low, high)


def name_points(
    axes: Axes, points: Mapping[str, tuple[float, float]], networks: Mapping[str, Look], height: float
) -> None:
    """Write the networks' names to the right of axes of that height in inches, each with a line to its point."""
    low, high = axes.get_ylim()
    gap = (high - low) * LINE / height
    ordered = sorted(points, key=lambda name: points[name][0])  # of points as high, the left one's name is the lower
    places = spread([points[name][1] for name in ordered], gap, low, high)
    for name, place in zip(ordered, places, strict=True):
        look = networks[name]
        axes.annotate(
            shortened(name),
            points[name],
            (1.03, place),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            size=8,
            fontweight="bold" if look.exact else "normal",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": look.colour, "linewidth": 0.6, "alpha": 0.6, "shrinkB": 4},
        )
    axes.set_ylim(low, high)


def height_for(count: int, least: float) -> float:
    """Give the height, in inches, of axes beside which so many names stand."""
    return max(least, LINE * count)


def name_rows(axes: Axes, names: Sequence[str], networks: Mapping[str, Look]) -> None:
    """Make the y axis one row for each network, the first at the top, with its name and marker."""
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), [shortened(name) for name in names])
    axes.tick_params(axis="y", length=0, pad=6)
    axes.spines["left"].set_visible(False)
    for row, name in enumerate(names):
        axes.axhline(row, color=INK, alpha=FAINT, linewidth=0.6, zorder=0)
        axes.get_yticklabels()[row].set_color(INK)
        axes.get_yticklabels()[row].set_fontweight("bold" if networks[name].exact else "normal")


def _inches(axes: Axes) -> tuple[float, float]:
    """Give the width and height of axes in inches."""
    width, height = axes.figure.get_size_inches()  # type: ignore[union-attr]
    place = axes.get_position()
    return place.width * width, place.height * height
