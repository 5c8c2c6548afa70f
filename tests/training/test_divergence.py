"""A run that cannot go on says why, and leaves the last good checkpoint whole."""

import errno
import shutil
from pathlib import Path
from typing import BinaryIO

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor

from recon.cli import main
from recon.data.samples import Batch
from recon.errors import DataError
from recon.training.checkpointing import Checkpoints
from recon.training.command import train
from recon.training.divergence import DivergenceError
from recon.training.reconstruction import ReconstructionTask
from tests.training.runs import options, require_same_weights, trained, weights


def spoil(monkeypatch: pytest.MonkeyPatch, *, step: int, value: float) -> None:
    """Put a number into the batch of a step."""
    ordinary = ReconstructionTask.training_step

    def training_step(self: ReconstructionTask, batch: Batch, batch_idx: int) -> Tensor:
        if self.global_step == step:
            batch.input[0, 0, 0, 0] = value
        return ordinary(self, batch, batch_idx)

    monkeypatch.setattr(ReconstructionTask, "training_step", training_step)
    monkeypatch.setattr("recon.nn.unet.require_finite", lambda x, **_: x)


def test_a_loss_that_is_no_number_stops_the_run_and_says_where(
    knees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    spoil(monkeypatch, step=5, value=float("nan"))
    assert main(["train", *options(knees, run)]) == 2
    said = capsys.readouterr().err
    assert "got nan at step 6 of epoch 1 for file" in said
    assert "slice" in said
    assert f"the last good checkpoint is {run / 'checkpoints' / 'last.ckpt'}" in said
    assert "Traceback" not in said
    assert all(value.isfinite().all() for value in weights(run).values() if value.is_floating_point())
    monkeypatch.undo()
    train(["--resume", str(run)])
    require_same_weights(run, trained(knees, tmp_path / "never stopped"))


def test_without_a_checkpoint_it_says_so(knees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, step=0, value=float("inf"))
    with pytest.raises(DivergenceError, match="there is no checkpoint yet"):
        trained(knees, tmp_path / "run")


def test_weights_that_are_no_numbers_are_not_saved(
    knees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss can be finite and its gradient not."""

    def on_before_optimizer_step(self: ReconstructionTask, optimizer: torch.optim.Optimizer) -> None:
        if self.global_step == 7:
            next(self.parameters()).grad.fill_(torch.nan)  # type: ignore[union-attr]

    monkeypatch.setattr(ReconstructionTask, "on_before_optimizer_step", on_before_optimizer_step)
    run = tmp_path / "run"
    with pytest.raises(DivergenceError, match=r"weights must stay finite.*last good checkpoint is"):
        trained(knees, run)
    assert all(value.isfinite().all() for value in weights(run).values() if value.is_floating_point())


def test_an_unwritable_folder_is_refused_before_the_first_step(
    knees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps: list[int] = []
    monkeypatch.setattr(ReconstructionTask, "training_step", lambda self, batch, batch_idx: steps.append(batch_idx))
    (tmp_path / "file").write_text("in the way")
    for run in (tmp_path / "file", tmp_path / "file" / "run"):
        assert main(["train", *options(knees, run)]) == 2
        said = capsys.readouterr().err
        assert "cannot be written" in said
        assert "Traceback" not in said
    assert not steps


def test_a_full_disk_leaves_the_last_good_checkpoint_whole_and_says_so(
    knees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    write, save = torch.save, Checkpoints.save

    def fill_the_disk(self: Checkpoints, trainer: Trainer, module: LightningModule, name: str) -> None:
        save(self, trainer, module, name)
        if name == "last":
            shutil.copytree(run, tmp_path / "before")
            monkeypatch.setattr(torch, "save", write_half)

    def write_half(state: object, file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Checkpoints, "save", fill_the_disk)
    with pytest.raises(DataError, match=r"cannot be written: .*No space left.*the one before is whole"):
        trained(knees, run)
    monkeypatch.undo()
    assert write is torch.save
    assert not list(run.rglob("*.partial"))
    one, other = (folder / "checkpoints" / "last.ckpt" for folder in (run, tmp_path / "before"))
    assert one.read_bytes() == other.read_bytes()
    train(["--resume", str(run)])
    require_same_weights(run, trained(knees, tmp_path / "never stopped"))
