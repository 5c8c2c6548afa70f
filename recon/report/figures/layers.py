"""Which layer breaks: the error at every layer's output, and its map over the shifts as Zhang (2019) draws it."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure as Canvas

from recon.records import Record
from recon.report.figures.drawing import WIDTH, canvas, finished, guides, heading, styled
from recon.report.figures.heatmap import draw_errors, error_colours
from recon.report.figures.labels import label_ends
from recon.report.figures.looks import Look, looks
from recon.report.figures.reading import Grid, residue_grid
from recon.report.figures.scale import scale_of
from recon.report.parts import Figure
from recon.report.selection import Group
from recon.report.tables import numbers_in

_LINES, _HEAD, _FOOT = 2.3, 0.3, 0.45  # inches
_ACROSS, _GAP, _TITLE, _MOST_MAPS = 9, 0.1, 0.3, 27


@styled
def layers(group: Group) -> Figure | None:
    """Draw the networks that are not exact, layer by layer: where an output is exact, no layer is looked at."""
    found = {name: sorted((r for r in group.of("layers", name) if r.item), key=_index) for name in group.names}
    shown = {name: records for name, records in found.items() if records}
    if not shown:
        return None
    mapped, maps = _maps(group, shown)
    side = (WIDTH - (_ACROSS - 1) * _GAP) / _ACROSS
    down = -(-len(maps) // _ACROSS)
    below = down * (side + _TITLE) + 0.3 if maps else 0.0
    height = _HEAD + _LINES + _FOOT + below
    drawing = canvas(height)
    first = {name: _first_broken(group, name, records) for name, records in shown.items()}
    _lines(drawing, shown, first, looks(group), height)
    if maps:
        _draw_maps(drawing, mapped, maps, side, height)
    broken = "; ".join(f"{name}: {item or 'none'}" for name, item in first.items())
    return finished(
        drawing,
        group,
        "layers",
        title="Which layer breaks",
        caption=_caption(group, shown, mapped if maps else ""),
        alt=f"First layer with an error. {broken}.",
    )


def _caption(group: Group, shown: Mapping[str, Sequence[Record]], mapped: str) -> str:
    parts = [
        f"Equivariance NMSE at the output of every layer, in the order of execution, on {group.source.name}: the "
        "largest over all shifts and slices that were tried. Where a line leaves “exactly 0” is the layer that breaks."
    ]
    if mapped:
        parts.append(
            f"Below: {mapped}, layer by layer; every point is a shift (mean over slices), the upper left corner is "
            "none, and exact zeros are blue (after Zhang, 2019, Fig. 4)."
        )
    exact = [name for name in group.names if group.of("layers", name) and name not in shown]
    if exact:
        parts.append(f"All outputs are exact, so that no layer is looked at: {', '.join(exact)}.")
    return " ".join(parts)


def _index(record: Record) -> float:
    return next(iter(numbers_in(record.settings.get("index"))), 0.0)


def _errors(records: Sequence[Record]) -> list[float]:
    return [record.measures.get("nmse", float("nan")) for record in records]


def _first_broken(group: Group, name: str, records: Sequence[Record]) -> str:
    """Give the layer that the protocol found, or else the first with an error; nothing where there is none."""
    said = [record.settings["first"] for record in group.of("layers", name) if "first" in record.settings]
    if said:
        return str(said[0])
    return next((record.item for record in records if record.measures.get("nmse", 0) > 0), "")


def _lines(
    drawing: Canvas,
    shown: Mapping[str, Sequence[Record]],
    first: Mapping[str, str],
    networks: Mapping[str, Look],
    height: float,
) -> None:
    """Draw a line for each network, and name the layer where it leaves zero."""
    axes = drawing.add_axes((0.08, 1 - (_HEAD + _LINES) / height, 0.74, _LINES / height))
    scale = scale_of(error for records in shown.values() for error in _errors(records))
    ends = {}
    named: set[tuple[str, int]] = set()
    for name, records in shown.items():
        look, places = networks[name], scale.place(_errors(records))
        axes.plot(
            range(1, len(places) + 1), places, color=look.colour, linestyle=look.dash, marker=look.marker, markersize=3
        )
        ends[name] = float(places[-1])
        named |= {(record.item, number) for number, record in enumerate(records, 1) if record.item == first[name]}
    scale.dress(axes, "y")
    axes.set_xlim(0.5, max(map(len, shown.values())) + 0.5)
    guides(axes, "y")
    heading(axes, "error (NMSE) at the layer's output")
    axes.set_xlabel("layer, in the order of execution")
    for item, number in sorted(named, key=lambda pair: pair[1])[:2]:
        axes.annotate(
            f"{item} is the first to break",
            (number, scale.zero),
            (6, 9),
            textcoords="offset points",
            size=7.5,
            va="bottom",
        )
    label_ends(axes, {name: end for name, end in ends.items() if np.isfinite(end)}, networks)


def _maps(group: Group, shown: Mapping[str, Sequence[Record]]) -> tuple[str, list[tuple[str, Grid]]]:
    """Give the network whose maps are drawn, the plain one if it is there, and them."""
    plain = [subject.name for subject in group.subjects if subject.variant == "plain" and subject.name in shown]
    name = (plain or list(shown))[0]
    maps = [(record.item, grid) for record in shown[name] if (grid := residue_grid(record)) is not None]
    if len(maps) > _MOST_MAPS:
        chosen = sorted(set(np.linspace(0, len(maps) - 1, _MOST_MAPS).round().astype(int).tolist()))
        maps = [maps[index] for index in chosen]
    return name, maps


def _draw_maps(drawing: Canvas, name: str, maps: Sequence[tuple[str, Grid]], side: float, height: float) -> None:
    norm, colours = error_colours(np.concatenate([grid.ravel() for _, grid in maps]))
    start = height - _HEAD - _LINES - _FOOT - 0.3
    drawing.text(0, (start + 0.16) / height, f"{name}, layer by layer", va="bottom", fontweight="bold", size=8)
    for place, (item, grid) in enumerate(maps):
        row, column = divmod(place, _ACROSS)
        left, top = column * (side + _GAP), start - 0.14 - row * (side + _TITLE)
        axes = drawing.add_axes((left / WIDTH, (top - side) / height, side / WIDTH, side / height))
        draw_errors(axes, grid, norm, colours)
        axes.set_title(_short(item), loc="left", size=6.5, pad=2)


def _short(item: str) -> str:
    """Shorten a layer's name to what fits above a small square."""
    return item if len(item) <= 16 else f"…{item[-15:]}"
