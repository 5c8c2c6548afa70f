"""Tiny runs: a data folder of a few slices, the options of `recon train` for them, and what a run leaves behind."""

import csv
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from recon.recipes import CONFIGS
from recon.training.command import train
from tests.data.files import write_fastmri_folder, write_fastmri_volume

STEPS_PER_EPOCH = 4  # of the data of `write_knees` in batches of 3
EPOCHS = 3
QUIET = (
    *("--trainer.accelerator", "cpu"),
    *("--trainer.enable_progress_bar", "false"),
    *("--trainer.enable_model_summary", "false"),
)


def write_knees(folder: Path, *, val: int = 1) -> Path:
    """Write 10 training slices, in volumes of 3, 3 and 4, and validation volumes of 3."""
    write_fastmri_folder(folder, train=2, val=val)
    write_fastmri_volume(folder / "singlecoil_train" / "file9.h5", slices=4, seed=9)
    return folder


def options(data: Path, run: Path, *more: str, sampling: str = "plain") -> list[str]:
    """Give the options of a tiny run: 3 epochs of 4 steps."""
    return [
        *("--config", str(CONFIGS / "mri.yaml")),
        *("--network.channels", "[4,6]"),
        *("--network.sampling", sampling),
        *("--data.init_args.data_dir", str(data)),
        *("--data.init_args.batch_size", "3"),
        *("--data.init_args.workers", "0"),
        *("--trainer.max_epochs", str(EPOCHS)),
        *("--run", str(run)),
        *QUIET,
        *more,
    ]


def trained(data: Path, run: Path, *more: str, sampling: str = "plain") -> Path:
    """Train a tiny run."""
    return train(options(data, run, *more, sampling=sampling))


def weights(run: Path, name: str = "last") -> dict[str, Tensor]:
    """Read the weights of a run."""
    return load_file(run / "checkpoints" / f"{name}.safetensors")


def metrics(run: Path) -> list[dict[str, str]]:
    """Read the rows of a run's metrics.csv."""
    with (run / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def column(run: Path, name: str) -> list[float]:
    """Read the numbers of one column of metrics.csv, where there are any."""
    return [float(row[name]) for row in metrics(run) if row[name]]


def require_same_weights(run: Path, other: Path) -> None:
    """Require that two runs ended with bitwise the same weights."""
    found, wanted = weights(run), weights(other)
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def require_same_metrics(run: Path, other: Path, *, but: Sequence[int] = ()) -> None:
    """Require that two runs logged the same numbers, except for the training loss of the named steps."""

    def rows(folder: Path) -> list[dict[str, str]]:
        return [
            {name: value for name, value in row.items() if value and name not in ("epoch", "train/loss")}
            if int(row["step"]) in but
            else row
            for row in metrics(folder)
        ]

    assert [row for row in rows(run) if len(row) > 1] == [row for row in rows(other) if len(row) > 1]
