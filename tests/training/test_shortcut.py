"""The scripts that train one modality."""

import runpy
import sys
from pathlib import Path

import pytest

import recon
from recon.recipes import CONFIGS
from recon.training.shortcut import run
from tests.data.files import write_lodopab_folder
from tests.training.runs import QUIET

TINY = ("--network.channels", "[4,6]", "--data.init_args.workers", "0", "--trainer.max_epochs", "1", *QUIET)


def test_mri_is_trained_with_short_options(knees: Path, tmp_path: Path) -> None:
    short = ["--sampling", "aps", "--blur", "tri-3", "--data", str(knees), "--small"]
    assert run("mri", "", [*short, *TINY, "--run", str(tmp_path / "run")]) == 0
    network = recon.load(tmp_path / "run" / "checkpoints" / "last.safetensors")
    assert (network.sampling.name, network.blur) == ("aps", "tri-3")


def test_ct_is_trained_by_its_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chests, script = write_lodopab_folder(tmp_path / "chests"), CONFIGS.parent / "scripts" / "train_ct.py"
    cache = ("--data.init_args.cache", str(tmp_path / "cache"))
    arguments = ["--sampling", "mass", "--data", str(chests), "--small", *TINY, *cache, "--run", str(tmp_path / "run")]
    monkeypatch.setattr(sys, "argv", [str(script), *arguments])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(script), run_name="__main__")
    assert end.value.code == 0
    assert recon.load(tmp_path / "run" / "checkpoints" / "best.safetensors").sampling.name == "mass"


@pytest.mark.parametrize("wrong", [["--sampling", "app"], ["--blurr", "tri-3"], ["--data", "nowhere"]])
def test_mistakes_are_refused_in_words(wrong: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("mri", "", [*TINY, "--run", str(tmp_path / "run"), *wrong]) == 2
    said = capsys.readouterr().err
    assert "error: " in said
    assert wrong[1] in said or wrong[0].strip("-") in said
