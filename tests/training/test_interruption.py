"""A run that is killed or asked to stop leaves what is needed to go on to the very same end."""

import signal
from pathlib import Path

import pytest

from recon.training.command import train
from tests.training.runs import metrics, options, require_same_weights, trained
from tests.training.victims import (
    Sabotage,
    run_victim,
    signal_in_checkpoint,
    signal_in_step,
    signal_in_step_to_all,
    signal_in_validation,
)

NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


@pytest.fixture(scope="module")
def whole(knees: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a run that nobody stops."""
    return trained(knees, tmp_path_factory.mktemp("whole") / "run", "--checkpoints.every_steps", "2", sampling="lps")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sabotage", "step", "left"),
    [
        (signal_in_step, 0, ()),
        (signal_in_step, 7, ()),
        (signal_in_checkpoint, 2, ("last.ckpt",)),  # the very first one
        (signal_in_checkpoint, 6, ("last.ckpt",)),
        (signal_in_checkpoint, 8, ("best.ckpt",)),
    ],
)
def test_killed_at_any_moment_a_run_goes_on_to_the_same_end(
    sabotage: Sabotage, step: int, left: tuple[str, ...], knees: Path, whole: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    arguments = options(knees, run, "--checkpoints.every_steps", "2", sampling="lps")
    status = run_victim(arguments, tmp_path / "log", sabotage=sabotage, number=signal.SIGKILL, step=step)
    assert status == -signal.SIGKILL
    partials = list(run.rglob("*.partial"))
    assert len(partials) == len(left)
    assert all(partial.name.startswith(name) for partial, name in zip(partials, left, strict=True))
    train(["--resume", str(run)])
    require_same_weights(run, whole)
    assert not list(run.rglob("*.partial"))
    assert [row["step"] for row in metrics(run)] == [row["step"] for row in metrics(whole)]


@pytest.mark.parametrize(
    ("number", "sabotage", "step"),
    [
        (signal.SIGINT, signal_in_step, 5),
        (signal.SIGTERM, signal_in_step, 5),
        (signal.SIGTERM, signal_in_validation, 4),
        (signal.SIGINT, signal_in_step_to_all, 5),
    ],
)
def test_asked_to_stop_a_run_is_saved_and_says_how_to_go_on(
    number: signal.Signals, sabotage: Sabotage, step: int, knees: Path, whole: Path, tmp_path: Path
) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    workers = "2" if sabotage is signal_in_step_to_all else "0"
    arguments = options(knees, run, "--data.init_args.workers", workers, sampling="lps")
    assert run_victim(arguments, log, sabotage=sabotage, number=number, step=step) == 128 + number
    said = log.read_text()
    assert f"stopped by {NAMES[number]}; the run is saved, go on with: recon train --resume {run}" in said
    assert "Traceback" not in said
    train(["--resume", str(run)])
    require_same_weights(run, whole)
