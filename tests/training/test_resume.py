"""A run that goes on from a checkpoint ends with bitwise the weights of one never stopped."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytorch_lightning import LightningModule, Trainer

from recon.training.checkpointing import Checkpoints
from recon.training.command import train
from tests.training.runs import STEPS_PER_EPOCH, require_same_metrics, require_same_weights, trained

EMA = """
trainer:
  callbacks:
    - class_path: pytorch_lightning.callbacks.EMAWeightAveraging
      init_args: {decay: 0.9}
    - class_path: pytorch_lightning.callbacks.EarlyStopping
      init_args: {monitor: val/loss, patience: 5}
"""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A way to train, and the steps after which a copy of the run is kept to go on from."""

    sampling: str
    options: tuple[str, ...]
    keep: tuple[int, ...]
    averaged: bool = False


RECIPES = {
    "plain, step schedule": Recipe("plain", ("--model.step_epochs", "1"), (1, 3, 4, 6)),
    "aps, cosine schedule, shifts": Recipe(
        "aps", ("--model.schedule", "cosine", "--data.init_args.shift_augmentation", "4"), (2, 5, 8)
    ),
    "lps, averaged weights, early stopping": Recipe("lps", ("--model.optimizer", "adamw"), (1, 4, 7), averaged=True),
    "lps, accumulated gradients, workers, shifts": Recipe(
        "lps",
        (
            *("--trainer.accumulate_grad_batches", "2"),
            *("--data.init_args.workers", "2"),
            *("--data.init_args.shift_augmentation", "4"),
        ),
        (1, 2, 3),
    ),
    "mass, equivariance penalty, sgd": Recipe(
        "mass", ("--model.equivariance_weight", "0.5", "--model.optimizer", "sgd", "--model.loss", "ssim"), (1, 6)
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_resumed_from_any_step_a_run_ends_the_same(
    name: str, knees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = RECIPES[name]
    save = Checkpoints.save

    def save_and_copy(self: Checkpoints, trainer: Trainer, module: LightningModule, file: str) -> None:
        save(self, trainer, module, file)
        if file == "last" and trainer.global_step in recipe.keep:
            shutil.copytree(tmp_path / "whole", tmp_path / f"from-{trainer.global_step}")

    more = [*recipe.options, "--checkpoints.every_steps", "1"]
    if recipe.averaged:
        (tmp_path / "ema.yaml").write_text(EMA)
        more += ["--config", str(tmp_path / "ema.yaml")]
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", save_and_copy)
        whole = trained(knees, tmp_path / "whole", *more, sampling=recipe.sampling)
    for step in recipe.keep:
        resumed = train(["--resume", str(tmp_path / f"from-{step}")])
        require_same_weights(resumed, whole)
        require_same_metrics(resumed, whole, but=[step - 1])


def test_two_runs_of_one_seed_are_identical_and_those_of_two_are_not(knees: Path, tmp_path: Path) -> None:
    one, other = (trained(knees, tmp_path / name, sampling="lps") for name in ("one", "other"))
    require_same_weights(one, other)
    assert (one / "metrics.csv").read_text() == (other / "metrics.csv").read_text()
    different = trained(knees, tmp_path / "different", "--seed_everything", "1", sampling="lps")
    assert (one / "metrics.csv").read_text() != (different / "metrics.csv").read_text()


def test_a_finished_run_can_go_on_longer(knees: Path, tmp_path: Path) -> None:
    long = trained(knees, tmp_path / "long")
    short = trained(knees, tmp_path / "short", "--trainer.max_epochs", "2")
    longer = train(["--resume", str(short), "--trainer.max_epochs", "3"])
    require_same_weights(longer, long)
    require_same_metrics(longer, long, but=[2 * STEPS_PER_EPOCH - 1])
