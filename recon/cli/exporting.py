"""The course of `recon export`, and what it says."""

import sys
from collections.abc import Sequence

from recon.cli.text import aligned, size_on_disk
from recon.clinical.export import Check, Exported, Wishes, export_network
from recon.clinical.export.costing import Cost
from recon.clinical.models import Opening, open_model
from recon.clinical.words import RESEARCH_ONLY

_INTERRUPTED = 130  # as a shell counts a death by SIGINT


def export_model(spec: str, opening: Opening, wishes: Wishes) -> int:
    """Open a model, export it in each format, and print what was found."""
    model = open_model(spec, opening)
    identity = model.identity
    units = f" ({identity.scaling.units})" if identity.scaling.units != "any" else ""
    inside = f"intensities in and out{units}" if wishes.scaling == "inside" else "scaled images in and out"
    print(f"{identity.variant} for {identity.modality}: {inside}, sizes that are multiples of {identity.multiple}")
    try:
        for exported in export_network(model, wishes, _told):
            print(f"\n{exported_text(exported)}", flush=True)
    except KeyboardInterrupt:
        print("\nstopped; nothing half-written is left, and files that were announced are whole", file=sys.stderr)
        return _INTERRUPTED
    print(f"\n{RESEARCH_ONLY}")
    return 0


def exported_text(exported: Exported) -> str:
    """Say what was found of a file, as a table."""
    rows = [("check", "found", "at most", ""), *map(_row, exported.checks)]
    lines = [f"{exported.path}, checked in {exported.runtime}:", *aligned(rows, right=[1, 2])]
    return "\n".join([*lines, *_cost_lines(exported.cost)])


def _row(check: Check) -> tuple[str, str, str, str]:
    return check.name, f"{check.measured:.3g}", "told" if check.bound is None else f"{check.bound:g}", check.details


def _cost_lines(cost: Cost | None) -> Sequence[str]:
    """Say what an image costs beside eager PyTorch."""
    if cost is None:
        return []
    rows = [("", "eager PyTorch", "this file", "ratio")]
    for name, title, eager, file in (
        ("processor", "processor time", cost.eager.processor, cost.file.processor),
        ("wall", "wall time", cost.eager.wall, cost.file.wall),
    ):
        ratio = f"{cost.ratios[name]:.2f}" if name in cost.ratios else ""
        rows.append((title, f"{1000 * eager:.1f} ms", f"{1000 * file:.1f} ms", ratio))
    if cost.eager_memory and cost.file_memory:
        bytes_of = size_on_disk(cost.eager_memory), size_on_disk(cost.file_memory)
        rows.append(("memory", *bytes_of, f"{cost.file_memory / cost.eager_memory:.2f}"))
    threads = "1 thread" if cost.threads == 1 else f"{cost.threads} threads"
    return [
        f"one image of {cost.size[0]} x {cost.size[1]} by {threads}, medians of {cost.file.passes} passes in turns; "
        f"memory: the most that a process of its own has resident",
        *aligned(rows, right=[1, 2, 3]),
    ]


def _told(step: str) -> None:
    print(step, file=sys.stderr, flush=True)
