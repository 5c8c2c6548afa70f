"""The demo in small: both modalities, 32 x 32 pixels, networks of a few channels, one epoch."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from recon.experiments.demo import demo
from recon.experiments.experiment import Experiment, Measurement, Synthetic

OPTIONS = (
    *("--network.channels", "[4, 6, 8]"),
    *("--trainer.max_epochs", "1"),
    *("--trainer.check_val_every_n_epoch", "1"),
)


def small_demo(
    out: Path, *, variants: Sequence[str] = ("plain", "aps"), measurements: Sequence[Measurement] | None = None
) -> Experiment:
    """Give the demo with smaller data and networks, and fewer of them."""
    whole = demo(out)
    branches = [
        replace(
            branch,
            variants=variants,
            made=Synthetic(4, 2, 32),
            options=OPTIONS,
            measurements=[replace(one, limit=2) for one in measurements or branch.measurements],
        )
        for branch in whole.branches
    ]
    return replace(whole, branches=branches)
