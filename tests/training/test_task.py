"""Schedules, layouts and compilation."""

import copy
from pathlib import Path

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer

from recon.errors import ConfigError
from recon.nn.selectors import LearnedSelector
from recon.nn.unet import UNet
from recon.training.command import train
from recon.training.reconstruction import ReconstructionTask
from recon.training.task import OptimizerName, ScheduleName
from recon.training.watching import Watch
from tests.training.runs import column, options


def rates(schedule: ScheduleName, *, lr: float, gamma: float, epochs: int) -> list[float]:
    """Give the learning rate of each epoch."""
    task = ReconstructionTask(UNet(channels=(2, 2)), schedule=schedule, lr=lr, gamma=gamma, step_epochs=5)
    task.trainer = Trainer(max_epochs=epochs, logger=False, enable_checkpointing=False, accelerator="cpu")
    chosen = task.configure_optimizers()
    optimizer, how = chosen["optimizer"], chosen["lr_scheduler"]
    assert isinstance(how, dict)
    scheduler = how["scheduler"]
    found = []
    for _ in range(epochs):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_the_papers_rates_fall_every_five_epochs() -> None:
    assert rates("step", lr=1e-3, gamma=0.5, epochs=50) == pytest.approx([1e-3 * 0.5 ** (n // 5) for n in range(50)])
    assert rates("step", lr=1e-2, gamma=0.1, epochs=20) == pytest.approx([1e-2 * 0.1 ** (n // 5) for n in range(20)])


def test_cosine_falls_to_nothing_and_constant_stays() -> None:
    found = rates("cosine", lr=1.0, gamma=0.5, epochs=4)
    assert found == pytest.approx([1, 0.5 + 0.5 * 2**-0.5, 0.5, 0.5 - 0.5 * 2**-0.5])
    assert rates("constant", lr=0.3, gamma=0.5, epochs=7) == [0.3] * 7


def test_the_rate_is_logged_for_every_epoch(knees: Path, tmp_path: Path) -> None:
    run = train(options(knees, tmp_path / "run", "--model.step_epochs", "1"))
    assert column(run, "lr") == [1e-3, 5e-4, 2.5e-4]


@pytest.mark.parametrize(("name", "kind"), [("adam", "Adam"), ("adamw", "AdamW"), ("sgd", "SGD")])
def test_the_optimiser_is_the_chosen_one(name: OptimizerName, kind: str) -> None:
    task = ReconstructionTask(UNet(channels=(2, 2)), optimizer=name, weight_decay=5e-4, schedule="constant")
    optimizer = task.configure_optimizers()["optimizer"]
    assert type(optimizer).__name__ == kind
    assert optimizer.param_groups[0]["weight_decay"] == 5e-4
    assert optimizer.param_groups[0].get("momentum", 0.9) == 0.9


def test_the_temperature_falls_from_one_to_its_end(
    knees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[float] = []

    def note(self: Watch, trainer: Trainer, module: LightningModule) -> None:
        found.extend(float(part.temperature) for part in module.modules() if isinstance(part, LearnedSelector))

    monkeypatch.setattr(Watch, "on_validation_epoch_end", note)
    train(options(knees, tmp_path / "run", "--model.temperature_end", "0.25", sampling="lps"))
    assert found == pytest.approx([1.0, 0.5, 0.25])


@pytest.mark.parametrize("sampling", ["plain", "lpf", "aps", "mass-unpool"])
def test_channels_last_gives_the_same_outputs_and_gradients(sampling: str) -> None:
    images = torch.randn(3, 1, 12, 10, dtype=torch.float64)
    network = UNet(channels=(4, 6), sampling=sampling).double()
    tasks = [ReconstructionTask(copy.deepcopy(network), channels_last=last) for last in (False, True)]
    outputs = [task(images) for task in tasks]
    torch.testing.assert_close(outputs[1], outputs[0])
    for output in outputs:
        output.square().mean().backward()
    for one, other in zip(*(task.parameters() for task in tasks), strict=True):
        torch.testing.assert_close(other.grad, one.grad)
    filters = [weight for weight in tasks[1].parameters() if weight.ndim == 4]
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in filters)


def test_channels_last_trains(knees: Path, finished: Path, tmp_path: Path) -> None:
    run = train(options(knees, tmp_path / "run", "--model.channels_last", "true"))
    assert column(run, "val/loss") == pytest.approx(column(finished, "val/loss"), rel=1e-2)  # Adam magnifies roundings


@pytest.mark.slow
def test_a_compiled_network_gives_the_same_losses(knees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_network = UNet.compile
    monkeypatch.setattr(UNet, "compile", lambda self: compile_network(self, backend="aot_eager"))
    one = ("--trainer.max_epochs", "1")
    plain = train(options(knees, tmp_path / "plain", *one, sampling="aps"))
    compiled = train(options(knees, tmp_path / "compiled", *one, "--model.compile", "true", sampling="aps"))
    assert column(compiled, "val/loss") == pytest.approx(column(plain, "val/loss"), rel=1e-4)


@pytest.mark.parametrize(
    "wrong", [{"lr": 0.0}, {"loss": "huber"}, {"optimizer": "adams"}, {"schedule": "steps"}], ids=str
)
def test_wrong_choices_are_refused(wrong: dict[str, float | str]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        ReconstructionTask(UNet(channels=(2, 2)), **wrong)  # type: ignore[arg-type]


def test_bfloat16_and_accumulation_train(knees: Path, tmp_path: Path) -> None:
    more = ("--trainer.precision", "bf16-mixed", "--trainer.accumulate_grad_batches", "3", "--model.loss", "ssim")
    run = train(options(knees, tmp_path / "run", *more))
    losses = torch.tensor(column(run, "val/loss"))
    assert losses.isfinite().all()
    assert losses[-1] < losses[0]
