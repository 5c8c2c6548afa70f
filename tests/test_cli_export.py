"""`recon export`: what it prints, and what it says to mistakes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from recon.cli import exporting, main
from recon.clinical.export import Wishes
from recon.clinical.words import RESEARCH_ONLY
from tests.clinical.export.conftest import small_network

TINY = ["--size", "16x24", "--out"]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_network(tmp_path_factory.mktemp("cli") / "network.safetensors", "ct", sampling="mass")


def test_export_prints_what_was_checked_and_what_it_costs(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(network), "--format", "torchscript", *TINY, str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0] == "mass for ct: intensities in and out (HU), sizes that are multiples of 2"
    assert f"{tmp_path / 'out' / 'mass.ts'}, checked in TorchScript" in said.out
    for start in ("parity, sizes and batches", "equivariance", "processor time", "wall time", "one image of 16 x 24"):
        assert any(line.startswith(start) for line in lines), start
    assert lines[-1] == RESEARCH_ONLY
    assert "mass.ts: checked equivariance" in said.err
    assert json.loads((tmp_path / "out" / "mass.ts.json").read_text())["passed"]


def test_formats_come_with_commas_or_again_and_once_each(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Wishes] = []

    def export_model(spec: str, opening: object, wishes: Wishes) -> int:
        asked.append(wishes)
        return 0

    monkeypatch.setattr(exporting, "export_model", export_model)
    words = ["--format", "onnx,pt2", "--format", "bundle, onnx", "--scaling", "outside", "--no-timing", "--force"]
    assert main(["export", str(network), *words, *TINY, str(tmp_path)]) == 0
    (wishes,) = asked
    assert wishes.formats == ("onnx", "pt2", "bundle")
    assert (wishes.scaling, wishes.timing, wishes.force, wishes.size) == ("outside", False, True, (16, 24))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--format", "onxx"], "did you mean 'onnx'"),
        (["--format", ","], "got none"),
        (["--format", "pt2", "--precision", "float16"], "float16 is for onnx"),
        (["--format", "torchscript", "--size", "16"], "such as 320x320"),
        (["--format", "torchscript", "--size", "17x16"], "multiples of 2"),
        (["--format", "torchscript", "--modality", "mri"], "was trained on ct"),
        (["--format", "torchscript", "--opset", "3"], "from 18 to 23"),
    ],
)
def test_mistake_is_said_in_one_line_and_leaves_nothing(
    words: list[str], reason: str, network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(network), *words, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("recon: error: ")
    assert reason in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_interrupt_is_said(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting, "export_network", interrupted)
    assert main(["export", str(network), "--format", "onnx", "--out", str(tmp_path / "out")]) == 130
    assert "nothing half-written" in capsys.readouterr().err


def test_what_there_is_not_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path / "none"), "--format", "onnx", "--out", str(tmp_path / "out")]) == 2
    assert "got nothing there" in capsys.readouterr().err


def test_place_where_nothing_can_be_written_is_told_before_the_model_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("-")
    for out in ("file", "file/below"):
        assert main(["export", "none", "--format", "onnx", "--out", str(tmp_path / out)]) == 2
        assert f"got {tmp_path / 'file'}, which is no folder; choose another" in capsys.readouterr().err


def test_disk_that_is_full_leaves_nothing(network: Path, tmp_path: Path) -> None:
    """Files of this process may have 20 kB, which is less than the network's."""
    program = (
        "import resource, sys\nfrom recon.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\nsys.exit(main(sys.argv[1:]))"
    )
    words = ["export", str(network), "--format", "torchscript", "--no-timing", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
