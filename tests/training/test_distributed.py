"""Several processes reach what one does, and none of the data is repeated or lost."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from recon.data.datamodules import MRIData
from recon.errors import ConfigError
from recon.training.command import train
from recon.training.task import require_share
from tests.training.runs import column, metrics, options, weights, write_knees
from tests.training.victims import run_ranks, signal_in_step

TWO = ("--trainer.devices", "2", "--trainer.strategy", "ddp")
RECON = "import sys; from recon.cli import main; sys.exit(main())"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the tiny data folder with three validation volumes, which two processes cannot share out evenly."""
    return write_knees(tmp_path_factory.mktemp("data") / "knees", val=3)


def arguments(data: Path, run: Path, *more: str) -> list[str]:
    """Give the options of a run without batch statistics, which processes would not share."""
    return options(data, run, "--network.norm", "null", "--trainer.max_epochs", "2", *more, sampling="lpf")


@pytest.fixture(scope="module")
def one(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train in one process, with batches of 6."""
    return train(arguments(data, tmp_path_factory.mktemp("one") / "run", "--data.init_args.batch_size", "6"))


def require_close(two: Path, one: Path) -> None:
    """Require that two processes with batches of 3 reached what one did with batches of 6."""
    found, wanted = weights(two), weights(one)
    assert all(torch.allclose(found[name], wanted[name], rtol=0, atol=1e-5) for name in wanted)
    assert column(two, "val/loss") == pytest.approx(column(one, "val/loss"), abs=1e-6)
    assert column(two, "watch/psnr") == pytest.approx(column(one, "watch/psnr"), abs=1e-3)
    assert [row["step"] for row in metrics(two)] == [row["step"] for row in metrics(one)]


@pytest.mark.slow
def test_two_processes_reach_the_weights_of_one_with_twice_the_batch(data: Path, one: Path, tmp_path: Path) -> None:
    """The first process starts the second."""
    script, two = tmp_path / "recon", tmp_path / "two"
    script.write_text(RECON)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    ran = subprocess.run(
        [sys.executable, str(script), "train", *arguments(data, two, *TWO)],
        capture_output=True, text=True, check=False, env=environment, timeout=180, cwd=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("the run is in") == 1
    assert all(noise not in ran.stderr for noise in ("Tip", "LeafSpec", "deprecated", "TPU available", "sync_dist"))
    require_close(two, one)


@pytest.mark.slow
def test_started_by_torchrun_stopped_and_resumed_they_reach_them_too(data: Path, one: Path, tmp_path: Path) -> None:
    """One process alone is asked to stop; both do, after the same step."""
    two, log = tmp_path / "two", tmp_path / "log"
    begin = arguments(data, two, *TWO)
    assert run_ranks(begin, log, sabotage=signal_in_step, number=signal.SIGTERM, step=3) == [128 + signal.SIGTERM] * 2
    assert f"go on with: recon train --resume {two}" in log.with_suffix(".0").read_text()
    assert run_ranks(["--resume", str(two)], log) == [0, 0]
    require_close(two, one)


def test_more_processes_than_validation_volumes_are_refused(data: Path) -> None:
    knees = MRIData(data)
    knees.setup("fit")
    require_share(knees.datasets["validation"], 3)
    with pytest.raises(ConfigError, match="got 3 for 4; use fewer devices"):
        require_share(knees.datasets["validation"], 4)
