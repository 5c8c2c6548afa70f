"""`recon evaluate` as a person uses it: on tiny data, with mistakes, and stopped by Ctrl-C."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recon.cli import main
from recon.data.synthetic.make import LabelledSet, make
from recon.evaluation.labels.protocols import LABEL_PROTOCOLS
from recon.evaluation.protocols import PROTOCOLS
from recon.records import read_records
from tests.data.files import write_fastmri_folder
from tests.evaluation.labels.small import classifier, write_label_run
from tests.evaluation.small import write_run

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def knees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a data folder."""
    return write_fastmri_folder(tmp_path_factory.mktemp("data") / "knees")


@pytest.fixture(scope="module")
def plain(knees: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a run."""
    return write_run(tmp_path_factory.mktemp("runs") / "plain", data=knees)


@pytest.fixture(scope="module")
def labeller(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the run of a classifier on a synthetic CIFAR-10 folder."""
    folder = tmp_path_factory.mktemp("data") / "cifar10"
    make(LabelledSet("cifar10", images=60, size=32), folder)
    run = tmp_path_factory.mktemp("runs") / "labeller"
    return write_label_run(run, classifier("mass", classes=10), modality="cifar10", folder=folder)


def evaluated(*arguments: str | Path) -> int:
    return main(["evaluate", *map(str, arguments), "--device", "cpu"])


def test_help_loads_no_torch() -> None:
    code = "import sys; from recon.cli import main\ntry: main(['evaluate', '--help'])\nexcept SystemExit: pass\n"
    code += "print('torch' in sys.modules, 'numpy' in sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.split() == ["False", "False"]
    assert "[NAME=]NETWORK" in done.stdout
    for protocols in (PROTOCOLS, LABEL_PROTOCOLS):
        places = [done.stdout.find(f" {name}") for name in protocols]
        assert -1 not in places


def test_a_run_is_evaluated_from_beginning_to_end(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    options = ("--protocol", "quality,worst", "--protocol", "equivariance", "--limit", "1", "--out", out)
    assert evaluated(plain, "zero-filling", *options) == 0
    told = capsys.readouterr()
    records = read_records(out)
    assert {record.protocol for record in records} == {"quality", "worst", "equivariance"}
    assert {record.subject.name for record in records} == {"plain", "zero-filling"}
    assert f"{len(records)} records in {out}/records.jsonl" in told.out
    assert f"recon report {out}" in told.out
    assert len((out / "records.csv").read_text().splitlines()) == len(records) + 1
    assert evaluated(plain, "zero-filling", *options) == 0
    assert read_records(out) == records


def test_a_classifier_is_evaluated_from_beginning_to_end(
    labeller: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--protocol", "accuracy,consistency,crops,adversary", "--limit", "2", "--out", tmp_path / "out")
    assert evaluated(labeller, *options) == 0
    assert f"4 records in {tmp_path}/out/records.jsonl" in capsys.readouterr().out
    records = {record.protocol: record for record in read_records(tmp_path / "out")}
    assert list(records) == ["accuracy", "consistency", "crops", "adversary"]
    assert records["consistency"].measures["agreeing"] == records["consistency"].measures["pairs"] == 10
    assert records["adversary"].measures["correct"] == records["adversary"].measures["correct_worst"]


def test_the_next_command_can_be_copied(plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "my records"
    assert evaluated(plain, "--protocol", "quality", "--limit", "1", "--out", out) == 0
    line = capsys.readouterr().out.splitlines()[-1].partition(": ")[2]
    assert shlex.split(line) == ["recon", "report", str(out), "--out", str(out / "report.html")]


def test_what_a_function_raises_is_told_in_a_line(
    knees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_raising.py").write_text("def f(images):\n    raise ValueError('no')\n")
    options = ("--data", knees, "--protocol", "quality", "--limit", "1", "--out", tmp_path / "out")
    assert evaluated("my_raising:f", *options) == 2
    assert "ValueError: no (my_raising.py, line 2)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere must be a run"),
        (["zero-filing"], "did you mean zero-filling?"),
        (["identity", "--protocol", "qualty"], "did you mean 'quality'?"),
        (["identity", "--modality", "mri", "--data", "nowhere"], "nowhere must be a folder of"),
        (["torch:relu"], "give --data FOLDER, or --modality"),
        (["torch:no_such_function", "--modality", "mri"], "no_such_function"),
        (["no_such_module:function", "--modality", "mri"], "no_such_module"),
        (["PLAIN", "--limit", "0"], "limit must be a whole number of at least 1"),
        (["PLAIN", "--seed", "-1"], "seed must be a whole number of at least 0"),
        (["PLAIN", "--batch-size", "0"], "batch_size must be a whole number of at least 1"),
        (["PLAIN", "--modality", "ct"], "plain must be for CT data"),
        (["PLAIN", "PLAIN"], "write NAME=PATH"),
        (["a.onnx", "--modality", "mri"], "a.onnx"),
        (["a.pt2", "--modality", "mri"], "a.pt2"),
        (["LABELLER", "--protocol", "quality"], "quality is not for CIFAR-10 data; choose of accuracy"),
        (["LABELLER", "--protocol", "acuracy"], "did you mean 'accuracy'?"),
        (["LABELLER", "--modality", "mri"], "mass must be for MRI data"),
        (["LABELLER", "--factory", "torch:relu"], "a factory is for files of networks of your own"),
        (["LABELLER", "PLAIN", "torch:relu"], "torch:relu must be for images or for labels"),
        (["torch:relu", "--modality", "cifar10", "--data", "nowhere"], "nowhere"),
    ],
)
def test_mistakes_are_told_in_a_line_with_status_two(
    arguments: list[str],
    words: str,
    plain: Path,
    labeller: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs = {"PLAIN": str(plain), "LABELLER": str(labeller)}
    given = [runs.get(word, word) for word in arguments]
    assert evaluated(*given, "--out", tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert told.startswith("recon: error: ")
    assert words in told
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


def test_a_wrong_device_is_a_mistake(plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(plain), "--out", str(tmp_path), "--device", "gpu"]) == 2
    assert "device must be cpu, cuda, cuda:N or auto, got 'gpu'" in capsys.readouterr().err


def test_a_file_in_place_of_the_folder_is_a_mistake(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("")
    assert evaluated(plain, "--protocol", "quality", "--out", tmp_path / "out") == 2
    assert "cannot be written" in capsys.readouterr().err


def test_networks_that_do_not_fit_are_told(
    plain: Path, knees: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluated(plain, "fbp", "--data", knees, "--protocol", "quality", "--out", tmp_path) == 0
    assert "left out: everything of fbp: it is for CT data" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(plain: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "recon", "evaluate", str(plain), "--protocol", "worst", "--every-shift"]
    process = subprocess.Popen(
        [*command, "--batch-size", "1", "--device", "cpu", "--out", str(out)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    end = time.monotonic() + 120
    while not out.exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=120)[1]
    assert process.returncode == 130
    assert f"stopped; what was measured is kept in {out}, go on with the same command" in told
    assert "Traceback" not in told
