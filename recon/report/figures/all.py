"""Draws all figures of a data set."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from recon.report.figures.changes import changes
from recon.report.figures.costs import quality_cost
from recon.report.figures.curves import border, subpixel
from recon.report.figures.furthest import furthest
from recon.report.figures.heatmap import heatmap
from recon.report.figures.layers import layers
from recon.report.figures.overview import overview
from recon.report.figures.panel import worst_panel
from recon.report.figures.shift_map import shift_map
from recon.report.figures.tradeoff import tradeoff
from recon.report.parts import Figure
from recon.report.selection import Group

LABELS: Mapping[str, Callable[[Group], Figure | None]] = {
    "consistency": tradeoff,
    "furthest": furthest,
    "shift-map": shift_map,
}
FIGURES: Mapping[str, Callable[[Group], Figure | None]] = {
    "equivariance": overview,
    "heatmap": heatmap,
    "delta-psnr": changes,
    "subpixel": subpixel,
    "border": border,
    "quality-cost": quality_cost,
    "layers": layers,
}


def figures_of(group: Group, folders: Sequence[Path]) -> dict[str, Figure]:
    """Draw what was measured, by name; `folders` are those of the evaluations, which may hold pictures."""
    if group.task == "reconstruction":
        drawn = {"worst-panel": worst_panel(group, folders)} | {name: draw(group) for name, draw in FIGURES.items()}
    else:
        drawn = {name: draw(group) for name, draw in LABELS.items()}
    return {name: figure for name, figure in drawn.items() if figure is not None}
