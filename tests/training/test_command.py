"""`recon train` refuses mistakes in words, and says little else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from recon.cli import main
from recon.errors import ConfigError
from recon.recipes import CONFIGS
from recon.training.command import built
from tests.training.runs import options

MRI = str(CONFIGS / "mri.yaml")


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("model.lrr", "model.lr"),
        ("modell.lr", "model.lr"),
        ("network.chanels", "network.channels"),
        ("trainer.max_epoch", "trainer.max_epochs"),  # no abbreviations: a configuration knows none either
        ("data.init_args.batch_sise", "data.init_args.batch_size"),
        ("checkpoints.every_step", "checkpoints.every_steps"),
        ("watch.slice", "watch.slices"),
        ("seed_everythin", "seed_everything"),
    ],
)
@pytest.mark.parametrize("place", ["file", "command line"])
def test_an_unknown_key_is_refused_with_the_nearest_known_one(
    wrong: str, nearest: str, place: str, tmp_path: Path
) -> None:
    arguments = [f"--{wrong}", "3"]
    if place == "file":
        *groups, key = wrong.split(".")
        lines = [f"{'  ' * depth}{name}:" for depth, name in enumerate([*groups, key])]
        (tmp_path / "wrong.yaml").write_text("\n".join(lines) + " 3\n")
        arguments = ["--config", str(tmp_path / "wrong.yaml")]
    with pytest.raises(ConfigError, match=rf"{wrong} is no option; did you mean {nearest}\?"):
        built(["--config", MRI, *arguments])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model.lr", "fast"], "model.lr"),
        (["--model.lr", "-1"], "lr must be positive"),
        (["--model.loss", "huber"], "mse.*l1.*ssim"),
        (["--trainer.max_epochs", "many"], "trainer.max_epochs"),
        (["--trainer.accelerator", "cpuu"], "accelerator"),
        (["--network.sampling", "app"], "did you mean 'aps'"),
        (["--network.channels", "[4]"], "at least 2 levels"),
        (["--data.init_args.batch_size", "0"], "batch_size must be a whole number"),
        (["--data.init_args.data_dir", "nowhere"], "nowhere"),
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
        (["--data", "Nope"], "Nope"),
        (["--checkpoints.every_steps", "-1"], "every_steps"),
        (["--watch.slices", "0"], "slices must be"),
        (["--resume"], "--resume must name the folder of a run"),
        (["--resume", "nowhere"], "--resume must name the folder of a run, got 'nowhere'"),
    ],
)
def test_a_wrong_value_is_refused_in_words(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    quick = ["--network.channels", "[4,6]", "--trainer.accelerator", "cpu"]
    assert main(["train", "--config", MRI, *quick, "--run", str(run), *arguments]) == 2
    said = capsys.readouterr().err
    assert "recon: error: " in said
    assert "Traceback" not in said
    assert re.search(words, said)
    assert not (run / "checkpoints").exists()


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("model: [\n")
    with pytest.raises(ConfigError, match="Problems parsing config"):
        built(["--config", str(tmp_path / "broken.yaml")])


def test_after_a_wrong_data_folder_the_run_can_be_begun_again(knees: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert main(["train", *options(tmp_path / "nowhere", run)]) == 2
    assert main(["train", *options(knees, run, "--trainer.max_epochs", "1")]) == 0


def test_help_comes_without_torch() -> None:
    code = (
        "import sys; from recon.cli import main; status = main(['train', '--help']); "
        "sys.exit(status or 'torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "recon train --resume" in ran.stdout


def test_options_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--options"]) == 0
    said = capsys.readouterr().out
    assert all(option in said for option in ("--model.lr", "--trainer.max_epochs", "--run", "--network.sampling"))


def test_a_run_says_where_it_is_and_nothing_that_puzzles(
    knees: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(["train", *options(knees, run, "--trainer.max_epochs", "1")]) == 0
    said = capfd.readouterr()
    assert f"the run is in {run}" in said.out
    assert all(noise not in said.err for noise in ("Tip", "LeafSpec", "deprecated", "TPU", "Warning"))
