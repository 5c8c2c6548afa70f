"""An experiment from nothing to its report; what is done is not done again, and what was stopped goes on."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from recon.checkpoints import read_about
from recon.errors import ReconError
from recon.experiments.done import is_finished, untrained
from recon.experiments.experiment import Experiment, Measurement
from recon.experiments.means import Means, gpus_of
from recon.experiments.running import run
from recon.records import Record
from tests.experiments.small import OPTIONS, small_demo

ROOT = Path(__file__).parents[2]
FEW = (Measurement(("quality",)),)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECON_CACHE", str(cache))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> tuple[Experiment, list[Record]]:
    """Run the demo in small, whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECON_CACHE", str(cache))
        experiment = small_demo(tmp_path_factory.mktemp("demo"))
        return experiment, run(experiment, Means(workers=2), command=["recon", "demo"])


def test_demo_measures_every_network_by_every_protocol(finished: tuple[Experiment, list[Record]]) -> None:
    _, records = finished
    assert all(record.source.synthetic for record in records)
    measured = {(record.source.modality, record.subject.name, record.protocol) for record in records}
    protocols = {
        *("quality", "equivariance", "worst", "ood", "hard", "subpixel", "border", "physics", "stability", "layers"),
        "cost",
    }
    for modality, networks in (("mri", ("plain", "aps")), ("ct", ("plain", "aps"))):
        for network in networks:
            assert {name for kind, who, name in measured if (kind, who) == (modality, network)} == protocols
    assert {"zero-filling", "fbp"} <= {record.subject.name for record in records}


def test_demo_is_exact_where_it_must_be(finished: tuple[Experiment, list[Record]]) -> None:
    _, records = finished
    compared = [record for record in records if record.subject.name == "aps" and "bitwise" in record.measures]
    assert len(compared) > 20
    assert {record.measures["bitwise"] for record in compared} == {1.0}
    plain = [record for record in records if record.subject.name == "plain" and "bitwise" in record.measures]
    assert min(record.measures["bitwise"] for record in plain) < 1


def test_demo_leaves_a_report_with_figures(finished: tuple[Experiment, list[Record]]) -> None:
    experiment, _ = finished
    page = experiment.report.read_text(encoding="utf-8")
    assert "synthetic data" in page
    assert "recon demo" in page
    drawn = {path.name for path in (experiment.out / "figures").iterdir()}
    assert {f"{name}-{kind}.png" for name in ("worst-panel", "heatmap") for kind in ("mri", "ct")} <= drawn
    assert "synthetic" in (experiment.out / "report.md").read_text(encoding="utf-8")


def test_second_run_does_nothing_and_loads_no_torch(finished: tuple[Experiment, list[Record]]) -> None:
    experiment, records = finished
    assert is_finished(experiment)
    before = {path: path.stat().st_mtime_ns for path in experiment.out.rglob("*") if path.is_file()}
    program = (
        "import sys; from pathlib import Path; from tests.experiments.small import small_demo; "
        "from recon.experiments.running import run; from recon.experiments.means import Means; "
        f"records = run(small_demo(Path({str(experiment.out)!r})), Means(), command=['recon']); "
        "print(len(records), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(records)), "False"]
    assert {path: path.stat().st_mtime_ns for path in experiment.out.rglob("*") if path.is_file()} == before


def test_moved_experiment_is_still_done(finished: tuple[Experiment, list[Record]], tmp_path: Path) -> None:
    experiment, records = finished
    moved = tmp_path / "moved"
    shutil.copytree(experiment.out, moved)
    assert is_finished(small_demo(moved))
    assert run(small_demo(moved), Means(), command=["recon", "demo"]) == records


def test_deleted_report_is_written_again_and_nothing_else(finished: tuple[Experiment, list[Record]]) -> None:
    experiment, _ = finished
    weights = {
        run.folder: (run.folder / "checkpoints" / "last.ckpt").stat().st_mtime_ns for run in experiment.all_trainings
    }
    experiment.report.unlink()
    run(experiment, Means(workers=1), command=["recon", "demo"])
    assert experiment.report.exists()
    for folder, stamp in weights.items():
        assert (folder / "checkpoints" / "last.ckpt").stat().st_mtime_ns == stamp


def test_other_recipe_in_the_same_folder_is_refused(finished: tuple[Experiment, list[Record]]) -> None:
    experiment, _ = finished
    branches = [replace(branch, options=(*OPTIONS, "--model.lr", "0.5")) for branch in experiment.branches]
    with pytest.raises(ReconError, match=r"the training of plain .* must be of the recipe as it is now"):
        run(replace(experiment, branches=branches), Means(workers=1), command=["recon"])


def stoppable(out: Path) -> Experiment:
    """Give an experiment on MRI alone that trains for long enough to be stopped, and measures little."""
    whole = small_demo(out, measurements=FEW)
    mri = replace(whole.branches[0], options=(*OPTIONS, "--trainer.max_epochs", "40"), other=None)
    return replace(whole, branches=[mri])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_experiment_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\nfrom pathlib import Path\nfrom recon.experiments.means import Means\n"
        "from recon.experiments.running import run\nfrom tests.experiments.test_running import stoppable\n"
        "if __name__ == '__main__':\n    try:\n"
        "        run(stoppable(Path(sys.argv[1])), Means(workers=2), command=['recon'])\n"
        "    except KeyboardInterrupt:\n        sys.exit(130)\n"
    )
    out = tmp_path / "out"
    arguments = [sys.executable, str(program), str(out)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    stopped = subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(out.glob("runs/*/*/checkpoints/last.ckpt")):
        assert time.monotonic() < deadline
        assert stopped.poll() is None
        time.sleep(0.02)
    stopped.send_signal(number)
    assert stopped.wait(60) == (130 if number == signal.SIGINT else -number)
    assert untrained(stoppable(out))
    subprocess.run(arguments, env=environment, stderr=subprocess.DEVNULL, check=True, timeout=300)
    assert is_finished(stoppable(out))
    for one in stoppable(out).all_trainings:
        assert read_about(one.folder / "checkpoints" / "last.safetensors").about["epoch"] == 39


def test_no_gpu_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpus_of("auto") == gpus_of("cpu") == []
    with pytest.raises(ValueError, match="device cuda:1 must be there, got none"):
        gpus_of("cuda:1")
    with pytest.raises(ValueError, match="device must be auto, cpu, cuda or cuda:N, got 'tpu'"):
        gpus_of("tpu")


def test_all_gpus_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert gpus_of("auto") == ["cuda:0", "cuda:1", "cuda:2"]
    assert gpus_of("cuda:2") == ["cuda:2"]
    with pytest.raises(ValueError, match="device cuda:3 must be there, got 3 GPUs"):
        gpus_of("cuda:3")
    means = Means(gpus_of("auto"))
    assert [worker.device for worker in means.workers_for(2, Path("logs"))] == ["cuda:0", "cuda:1"]


def test_processes_are_as_many_as_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recon.experiments.means.cores", lambda: 8)
    assert Means().fitting(10, 35).most == 3
    assert Means().fitting(10, 5).most == 1
    assert Means().fitting(10, None).most == 8
    assert Means(workers=6).fitting(10, 35).most == 6
    assert Means(["cuda:0"]).fitting(10, 5).most == 1
