"""Lines over a distance: the error against sub-pixel shifts, and against the distance from the border."""

from collections.abc import Mapping, Sequence

import numpy as np

from recon.records import Record
from recon.report.figures.drawing import canvas, finished, guides, heading, styled
from recon.report.figures.labels import height_for, label_ends
from recon.report.figures.looks import looks
from recon.report.figures.reading import counted_slices
from recon.report.figures.scale import scale_of
from recon.report.parts import Figure
from recon.report.selection import Group
from recon.report.tables import average, numbers_in

Line = tuple[list[float], list[float]]  # where, and how large
_HEIGHT, _HEAD, _FOOT, _RIGHT = 2.2, 0.5, 0.46, 0.82  # inches, but the right end
_FRACTIONS = {0.25: "¼", 1 / 3: "⅓", 0.5: "½", 0.75: "¾", 2 / 3: "⅔"}


@styled
def subpixel(group: Group) -> Figure | None:
    """Draw the error against the shift in pixels, a panel for each direction."""
    panels: dict[str, dict[str, Line]] = {}
    for name in (subject.name for subject in group.networks):
        by_shift: dict[tuple[str, float], list[Record]] = {}
        for record in group.of("subpixel", name):
            by_shift.setdefault(_direction(numbers_in(record.settings.get("shift"))), []).append(record)
        for (direction, size), records in sorted(by_shift.items()):
            line = panels.setdefault(direction, {}).setdefault(name, ([], []))
            line[0].append(size)
            line[1].append(average(records, "nmse"))
    if not panels:
        return None
    ordered: dict[str, dict[str, Line]] = {
        word: panels[word] for word in ("along the rows", "along the columns", "along both") if word in panels
    }
    caption = (
        f"Equivariance NMSE under shifts by a fraction of a pixel, mean over {counted_slices(group.of('subpixel'))} of "
        f"{group.source.name}. Networks that are exact for whole pixels are not made for these."
    )
    return _curves(
        group, ordered, "subpixel", title="Shifts by fractions of a pixel", caption=caption, axis="shift, pixels"
    )


@styled
def border(group: Group) -> Figure | None:
    """Draw the error against the distance from the border, the median over slices, a panel for each step."""
    panels: dict[str, dict[str, Line]] = {}
    for name in (subject.name for subject in group.networks):
        by_step: dict[str, list[Record]] = {}
        for record in group.of("border", name):
            if record.arrays.get("distance"):
                step = numbers_in(record.settings.get("step"))
                by_step.setdefault(f"crops {step[0]:g} px apart" if step else "", []).append(record)
        for word, records in by_step.items():
            panels.setdefault(word, {})[name] = _median_line(records)
    if not panels:
        return None
    caption = (
        "Two crops of one image, a few pixels apart: the difference of the outputs on what both show, against the "
        f"distance from the border; median over {counted_slices(group.of('border'))} of {group.source.name}. "
        "New content enters at the border of the second crop; how deep that reaches shows here."
    )
    ordered = dict(sorted(panels.items()))
    return _curves(
        group, ordered, "border", title="Shifts that are not circular", caption=caption,
        axis="distance from the border, pixels",
    )  # fmt: skip


def _curves(
    group: Group, panels: Mapping[str, Mapping[str, Line]], name: str, *, title: str, caption: str, axis: str
) -> Figure:
    """Draw panels that share their scale, with the networks' names at the right."""
    networks = looks(group)
    scale = scale_of(value for lines in panels.values() for _, errors in lines.values() for value in errors)
    inner = height_for(max(map(len, panels.values())), _HEIGHT)
    height = _HEAD + inner + _FOOT
    drawing = canvas(height)
    grid = drawing.add_gridspec(
        1, len(panels), left=0.08, right=_RIGHT, top=1 - _HEAD / height, bottom=_FOOT / height, wspace=0.08
    )
    for number, (word, lines) in enumerate(panels.items()):
        axes = drawing.add_subplot(grid[0, number])
        few = all(len(places) <= 6 for places, _ in lines.values())
        for network, (places, errors) in lines.items():
            look = networks[network]
            mark = look.marker if few else ""
            axes.plot(places, scale.place(errors), marker=mark, color=look.colour, linestyle=look.dash)
        scale.dress(axes, "y")
        guides(axes, "y")
        heading(axes, word)
        if few:
            where = sorted({place for places, _ in lines.values() for place in places})
            axes.set_xticks(where, [_fraction(place) for place in where])
            axes.margins(x=0.12)
        else:
            axes.set_xlim(left=0)
        if number:
            axes.tick_params(axis="y", labelleft=False)
        if number == len(panels) - 1:
            ends = {network: float(scale.place(errors)[-1]) for network, (_, errors) in lines.items()}
            label_ends(axes, {network: end for network, end in ends.items() if np.isfinite(end)}, networks)
    kind = "error (NMSE)" if name == "subpixel" else "error, relative to the output"
    drawing.text(0.08, 0.995, kind, ha="left", va="top", weight="bold")
    drawing.text((0.08 + _RIGHT) / 2, 0.06 / height, axis, ha="center", va="bottom")
    alt = f"Lines of the error against the {axis.replace(',', ' in')}, for {', '.join(next(iter(panels.values())))}."
    return finished(drawing, group, name, title=title, caption=caption, alt=alt)


def _direction(shift: Sequence[float]) -> tuple[str, float]:
    """Put a shift into a direction and a size."""
    rows, columns = shift if len(shift) == 2 else (shift[0] if shift else 0.0, 0.0)
    if columns == 0:
        return "along the rows", abs(rows)
    if rows == 0:
        return "along the columns", abs(columns)
    return "along both", abs(rows)


def _median_line(records: Sequence[Record]) -> Line:
    """Give the median error at each distance over records, each of which may reach less far."""
    by_distance: dict[float, list[float]] = {}
    for record in records:
        for distance, error in zip(record.arrays["distance"], record.arrays["error"], strict=True):
            by_distance.setdefault(distance, []).append(error)
    places = sorted(by_distance)
    return places, [float(np.median(by_distance[place])) for place in places]


def _fraction(value: float) -> str:
    return next((word for known, word in _FRACTIONS.items() if abs(known - value) < 1e-6), f"{value:g}")
