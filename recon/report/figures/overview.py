"""Which network to use, how exact it is, and at what price: error, PSNR and cost side by side, a row a network."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from recon.records import Record
from recon.report.cells import decibel_text
from recon.report.figures.drawing import FAINT, INK, canvas, finished, guides, heading, left_for, styled
from recon.report.figures.labels import name_rows
from recon.report.figures.looks import Look, looks
from recon.report.figures.scale import Scale, scale_of
from recon.report.notation import short
from recon.report.parts import Figure
from recon.report.selection import Group
from recon.report.statistics import largest
from recon.report.tables import average, measured
from recon.report.tables_cost import typical

_ROW, _HEAD, _FOOT = 0.3, 0.42, 0.3  # inches


@styled
def overview(group: Group) -> Figure | None:
    """Draw the equivariance error of every network, beside its PSNR and its cost where those were measured."""
    names = [name for name in group.names if group.of("equivariance", name)]
    if not names:
        return None
    networks = looks(group)
    quality = {name: average(group.of("quality", name), "psnr") for name in names}
    prices, unit = _prices(group, names)
    columns = [1.7, *([1.0] if any(map(np.isfinite, quality.values())) else []), *([0.8] if prices else [])]
    height = _HEAD + _ROW * len(names) + _FOOT
    drawing = canvas(height)
    grid = drawing.add_gridspec(
        1, len(columns), width_ratios=columns, left=left_for(names), right=0.985, wspace=0.12, bottom=_FOOT / height,
        top=1 - _HEAD / height,
    )  # fmt: skip
    panels = [drawing.add_subplot(grid[0, column]) for column in range(len(columns))]
    name_rows(panels[0], names, networks)
    _errors(panels[0], group, names, networks)
    rest = iter(panels[1:])
    if len(columns) > 1 + bool(prices):
        _numbers(
            next(rest), quality, names, networks, title="PSNR, dB", text=decibel_text, reference=_plain(group, quality)
        )
    if prices:
        _numbers(next(rest), prices, names, networks, title=unit, text=short, reference=None, from_zero=True)
    caption = (
        f"Which network is exact, and at what price, on {group.source.name}. Equivariance error: NMSE under one "
        "random shift of each image; the marker is the mean, the line reaches from the smallest to the largest error "
        "of an image that is not 0, the upright stroke is the largest error of any shift that was tried. Exact "
        f"networks (bold) stand apart: every output was equal, bit for bit.{_told(quality, prices, group)}"
    )
    exact = [name for name in names if networks[name].exact]
    alt = f"Dot plot with a row for each of {len(names)} networks. Exactly 0: {', '.join(exact) or 'none'}."
    return finished(drawing, group, "equivariance", title="How exact, and at what price", caption=caption, alt=alt)


def _told(quality: Mapping[str, float], prices: Mapping[str, float], group: Group) -> str:
    """Say what the panels beside the errors show, as far as there are any."""
    plain = ", the dashed line that of plain" if _plain(group, quality) is not None else ""
    level = f" PSNR: the mean against the target{plain}." if any(map(np.isfinite, quality.values())) else ""
    return level + (" Time: of one image." if prices else "")


def _errors(axes: Axes, group: Group, names: Sequence[str], networks: Mapping[str, Look]) -> None:
    """Draw means and ranges on a scale with a place for zero."""
    means = {name: average(_whole(group, name), "nmse") for name in names}
    images = {name: measured(group.of("equivariance", name, scope="image"), "nmse").numbers.tolist() for name in names}
    worst = {name: largest(measured(group.of("worst", name), "nmse")) for name in names}
    scale = scale_of(
        [*means.values(), *worst.values(), *(e for errors in images.values() for e in errors if e > 0)], gap=0.3
    )
    scale.dress(axes, "x")
    guides(axes, "x")
    heading(axes, "equivariance error (NMSE)")
    for row, name in enumerate(names):
        _error(axes, row, scale, networks[name], means[name], images[name], worst[name])


def _error(axes: Axes, row: int, scale: Scale, look: Look, mean: float, images: Sequence[float], worst: float) -> None:
    positive = [error for error in images if error > 0]
    if positive:
        axes.plot(scale.place([min(positive), max(positive)]), [row, row], color=look.colour, linewidth=2, alpha=0.55)
    if worst > 0:
        axes.plot(scale.place([worst]), [row], "|", color=look.colour, markersize=9, markeredgewidth=1.4)
    axes.plot(scale.place([mean]), [row], look.marker, color=look.colour, markersize=6.5)


def _numbers(
    axes: Axes,
    values: Mapping[str, float],
    names: Sequence[str],
    networks: Mapping[str, Look],
    *,
    title: str,
    text: Callable[[float], str],
    reference: float | None,
    from_zero: bool = False,
) -> None:
    """Draw one number a network, with the number itself beside it."""
    name_rows(axes, names, networks)
    axes.set_yticklabels([])
    heading(axes, title)
    found = [values[name] for name in names if np.isfinite(values[name])]
    low, high = (0.0 if from_zero else min(found)), max(found)
    span = (high - low) or 1.0
    axes.set_xlim(low - (0 if from_zero else 0.12) * span, high + 0.75 * span)
    axes.locator_params(axis="x", nbins=4)
    guides(axes, "x")
    if reference is not None:
        axes.axvline(reference, color=INK, alpha=3 * FAINT, linewidth=0.8, dashes=(3, 2))
    for row, name in enumerate(names):
        if np.isfinite(values[name]):
            axes.plot([values[name]], [row], networks[name].marker, color=networks[name].colour, markersize=6.5)
            axes.text(
                1, row, text(values[name]), transform=axes.get_yaxis_transform(), ha="right", va="center", size=7.5
            )


def _whole(group: Group, name: str) -> Sequence[Record]:
    """Give the records of whole volumes, or of images where there are no volumes."""
    return group.of("equivariance", name, scope="volume") or group.of("equivariance", name, scope="image")


def _plain(group: Group, quality: Mapping[str, float]) -> float | None:
    """Give the PSNR of the plain network, with which the others are compared."""
    found = [
        quality[s.name] for s in group.subjects if s.variant == "plain" and np.isfinite(quality.get(s.name, np.nan))
    ]
    return found[0] if found else None


def _prices(group: Group, names: Sequence[str]) -> tuple[dict[str, float], str]:
    """Give the time of each network, or nothing where it was not measured."""
    seconds = {name: typical(group, "seconds", name) for name in names}
    found = [value for value in seconds.values() if np.isfinite(value)]
    if not found:
        return {}, ""
    factor, unit = (1e3, "ms") if max(found) < 1 else (1.0, "s")
    return {name: value * factor for name, value in seconds.items()}, f"time, {unit}"
