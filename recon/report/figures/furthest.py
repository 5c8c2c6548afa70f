"""Accuracy as a function of how far an adversary may shift the image, as Zhang (2019) draws it in Fig. 9."""

import numpy as np

from recon.report.cells import percent_text
from recon.report.figures.drawing import canvas, finished, guides, heading, styled
from recon.report.figures.labels import height_for, label_ends
from recon.report.figures.looks import looks
from recon.report.labels.captions import images_of
from recon.report.labels.curves import within
from recon.report.labels.reading import not_drawn, trained
from recon.report.parts import Figure
from recon.report.selection import Group
from recon.report.tables import counted

_HEIGHT, _HEAD, _FOOT, _RIGHT = 2.4, 0.33, 0.46, 0.79  # inches, but the right end
_MARKED = 17  # distances, that still have a marker each


@styled
def furthest(group: Group) -> Figure | None:
    """Draw a line for each network, which falls from left to right unless the network is exact."""
    lines = {one.name: within(group.of("adversary", one.name)) for one in trained(group)}
    lines = {name: line for name, line in lines.items() if len(line) > 1}
    if not lines:
        return None
    networks = looks(group)
    inner = height_for(len(lines), _HEIGHT)
    height = _HEAD + inner + _FOOT
    drawing = canvas(height)
    axes = drawing.add_axes((0.08, _FOOT / height, _RIGHT - 0.08, inner / height))
    for name, line in lines.items():
        look = networks[name]
        marker = look.marker if len(line) <= _MARKED else ""
        axes.plot(list(line), 100 * np.array(list(line.values())), marker=marker, markersize=4, color=look.colour,
                  linestyle=look.dash, clip_on=False)  # fmt: skip
    axes.set_xlim(0, max(max(line) for line in lines.values()))
    axes.margins(y=0.08)
    axes.locator_params(axis="x", integer=True)
    guides(axes, "y")
    heading(axes, "accuracy under the worst shift so far, %")
    axes.set_xlabel("furthest shift along each axis, pixels")
    label_ends(axes, {name: 100 * line[max(line)] for name, line in lines.items()}, networks)
    caption = (
        f"Accuracy on {counted(images_of(group, 'adversary'), 'image')} of {group.source.name} when whoever shifts an "
        "image may do so by up to so many pixels along each axis: an image counts that is right under all these shifts "
        f"(after Zhang, 2019, Fig. 9). An exact network's line is level.{not_drawn(group, 'adversary')}"
    )
    ends = "; ".join(
        f"{name}: {percent_text(line[min(line)])} to {percent_text(line[max(line)])}" for name, line in lines.items()
    )
    alt = f"Lines of the accuracy against the furthest shift. {ends}."
    return finished(drawing, group, "furthest", title="Accuracy by the furthest shift", caption=caption, alt=alt)
