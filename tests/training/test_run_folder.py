"""What a run leaves behind."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

import recon
from recon.checkpoints import read_about
from recon.cli import main
from recon.errors import ConfigError, DataError
from recon.training.command import built, train
from tests.data.files import cut, write_fastmri_volume
from tests.training.runs import EPOCHS, STEPS_PER_EPOCH, column, metrics, options, weights

SIDE = 24 + 4  # of an image in a panel, with its border


def test_the_configuration_is_all_there_and_gives_itself_again(finished: Path) -> None:
    path = finished / "config.yaml"
    cli = built(["--config", str(path)])
    assert yaml.safe_load(cli.parser.dump(cli.config, skip_none=False, skip_link_targets=False)) == yaml.safe_load(
        path.read_text()
    )


def test_the_record_says_seed_versions_and_data(finished: Path, knees: Path) -> None:
    record = json.loads((finished / "run.json").read_text())
    assert record["seed"] == 0
    assert record["recon"] == recon.__version__
    assert record["libraries"]["torch"] == str(torch.__version__)
    assert {"numpy", "fastmri", "h5py", "pytorch-lightning"} <= record["libraries"].keys()
    assert record["data"] == {
        "folder": str(knees),
        "modality": "mri",
        "synthetic": False,
        "slices": {"train": 10, "validation": 3},
        "settings": {
            "mask": "random",
            "accelerations": [4],
            "center_fractions": [0.08],
            "acquisition": None,
            "crop": None,
            "clamp": 6.0,
        },
    }


def test_synthetic_data_are_called_synthetic(tmp_path: Path) -> None:
    for part in ("train", "val"):
        write_fastmri_volume(tmp_path / "knees" / f"singlecoil_{part}" / "file1.h5", slices=2, synthetic=True)
    run = train(options(tmp_path / "knees", tmp_path / "run", "--trainer.max_epochs", "1"))
    assert json.loads((run / "run.json").read_text())["data"]["synthetic"] is True
    data = read_about(run / "checkpoints" / "best.safetensors").about["data"]
    assert isinstance(data, dict)
    assert data["synthetic"] is True


def test_the_commands_that_it_names_are_real(finished: Path, tmp_path: Path) -> None:
    text = (finished / "HOW-TO.txt").read_text()
    assert main(["train", "--resume", str(finished), "--trainer.max_epochs", "nought"]) == 2
    assert re.search(rf"recon train --resume {finished}$", text, re.MULTILINE)
    assert f"tensorboard --logdir {finished}" in text
    found = re.search(r'recon\.load\("(.*)"\)', text)
    assert found
    assert isinstance(recon.load(Path(found[1])), recon.UNet)
    for name in re.findall(r"^([\w.-]+/?)[\w.*-]*  ", text, re.MULTILINE):
        assert (finished / name).exists()


def test_the_numbers_of_every_epoch_are_there(finished: Path) -> None:
    watched = [f"watch/{name}" for name in ("nmse", "psnr", "ssim", "equivariance")]
    for name in ("lr", "val/loss", *watched):
        assert len(column(finished, name)) == EPOCHS
    assert len(column(finished, "train/loss")) == EPOCHS * STEPS_PER_EPOCH
    assert [int(row["step"]) for row in metrics(finished)] == list(range(EPOCHS * STEPS_PER_EPOCH))
    assert np.isfinite([float(value) for row in metrics(finished) for value in row.values() if value]).all()


def test_a_panel_an_epoch_has_five_columns_and_one_row_a_slice(finished: Path) -> None:
    panels = sorted((finished / "panels").iterdir())
    assert [panel.name for panel in panels] == [f"epoch-{epoch:04d}.png" for epoch in range(EPOCHS)]
    with Image.open(panels[-1]) as image:
        pixels = np.asarray(image)
    assert pixels.shape == (3 * SIDE, 5 * SIDE)
    target = pixels[:SIDE, 2 * SIDE : 3 * SIDE][2:-2, 2:-2]
    assert (target.min(), target.max()) == (0, 255)


def test_tensorboard_gets_the_same(finished: Path) -> None:
    events = EventAccumulator(str(finished / "tensorboard"))
    events.Reload()
    assert {"train/loss", "val/loss", "lr", "watch/ssim", "watch/equivariance"} <= set(events.Tags()["scalars"])
    assert [event.value for event in events.Scalars("val/loss")] == pytest.approx(column(finished, "val/loss"))
    assert len(events.Images("watch")) == EPOCHS


def test_best_is_the_network_of_the_lowest_validation_loss(knees: Path, tmp_path: Path) -> None:
    """With a rate that grows from 0.001 to 40 the last epoch is not the best one."""
    more = ("--model.optimizer", "sgd", "--model.step_epochs", "1", "--model.gamma", "200")
    run = train(options(knees, tmp_path / "run", *more))
    best = int(np.argmin(column(run, "val/loss")))
    assert best < EPOCHS - 1
    assert read_about(run / "checkpoints" / "best.safetensors").about["epoch"] == best
    again = train(options(knees, tmp_path / "again", *more, "--trainer.max_epochs", str(best + 1)))
    assert all(torch.equal(value, weights(again)[name]) for name, value in weights(run, "best").items())


def test_best_is_kept_when_a_resumed_run_gets_worse(knees: Path, tmp_path: Path) -> None:
    more = ("--model.optimizer", "sgd", "--model.step_epochs", "1", "--model.gamma", "200")
    run = train(options(knees, tmp_path / "run", *more, "--trainer.max_epochs", "2"))
    best = weights(run, "best")
    train(["--resume", str(run), "--trainer.max_epochs", "3"])
    assert column(run, "val/loss")[-1] > min(column(run, "val/loss"))
    assert all(torch.equal(value, best[name]) for name, value in weights(run, "best").items())


def test_the_network_loads_anywhere(finished: Path) -> None:
    network = recon.load(finished / "checkpoints" / "best.safetensors")
    assert not network.training
    assert network(torch.randn(1, 1, 16, 16)).shape == (1, 1, 16, 16)


def test_a_folder_with_a_run_is_refused(knees: Path, finished: Path) -> None:
    before = weights(finished)
    with pytest.raises(ConfigError, match=rf"go on with --resume {finished}"):
        train(options(knees, finished))
    assert all(torch.equal(value, before[name]) for name, value in weights(finished).items())


def test_the_folder_is_named_after_what_the_run_is(knees: Path, tmp_path: Path) -> None:
    arguments = [*options(knees, tmp_path), "--network.sampling", "aps", "--network.blur", "tri-3", "--run", "null"]
    assert built(arguments).folder == Path("runs/mri-aps-tri-3-seed0")


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """Copy a finished run, to spoil it."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def test_a_truncated_checkpoint_is_refused(run: Path) -> None:
    cut(run / "checkpoints" / "last.ckpt")
    with pytest.raises(DataError, match=r"last\.ckpt must be a whole checkpoint"):
        train(["--resume", str(run)])


def test_a_checkpoint_of_another_network_is_refused(run: Path) -> None:
    with pytest.raises(DataError, match=r"got one with channels \[4, 6\], not \[4, 8\]; leave the network"):
        train(["--resume", str(run), "--network.channels", "[4,8]"])


def test_a_checkpoint_of_a_newer_format_is_refused(run: Path) -> None:
    path = run / "checkpoints" / "last.ckpt"
    state = torch.load(path, weights_only=True)
    state["recon"]["format"] = 99
    torch.save(state, path)
    with pytest.raises(DataError, match=r"of format 99, .* update recon"):
        train(["--resume", str(run)])


def test_a_checkpoint_that_would_run_code_is_refused(run: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path(tmp_path / "sprung").touch, ())  # type: ignore[return-value]

    torch.save({"state_dict": Trap()}, run / "checkpoints" / "last.ckpt")
    with pytest.raises(DataError, match="must be a whole checkpoint"):
        train(["--resume", str(run)])
    assert not (tmp_path / "sprung").exists()


def test_the_resume_state_holds_nothing_that_needs_unpickling(finished: Path) -> None:
    state = torch.load(finished / "checkpoints" / "last.ckpt", weights_only=True)
    assert state["recon"]["network"]["channels"] == [4, 6]
