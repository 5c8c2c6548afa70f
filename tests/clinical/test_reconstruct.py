"""The way from sources to targets: what is written, what fails, what stops it."""

import errno
from pathlib import Path

import numpy as np
import pytest
import torch

from recon.clinical.models import ClinicalModel, Opening
from recon.clinical.planning import planned
from recon.clinical.reconstruct import Outcome, run
from recon.errors import DataError
from recon.evaluation.loading import Place
from tests.clinical.formats.models import WEIGHTS, known_model
from tests.clinical.volumes import MadeUp, raising


def done(sources: list[MadeUp], out: Path, model: ClinicalModel | None = None) -> Outcome:
    model = model or known_model()
    return run(planned(sources, model, out), model)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def test_every_volume_is_written_with_what_the_model_makes_of_it(tmp_path: Path) -> None:
    sources = [MadeUp(tmp_path / f"{number}.npy", slices=number + 1) for number in range(3)]
    outcome = done(sources, tmp_path / "out", known_model("ct", lambda images: images * 0))
    assert [(one.name, one.slices) for one in outcome.done] == [("0.npy", 1), ("1.npy", 2), ("2.npy", 3)]
    assert all(one.seconds > 0 for one in outcome.done)
    air = round(16 * 3 * -20 / (20 - 0.02) * 1000)  # 0 is what nothing attenuates, in HU
    assert (tmp_path / "out" / "2.npy").read_text().splitlines()[::2] == [WEIGHTS, str(air)]
    assert not outcome.failed
    assert not outcome.interrupted


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DataError("slice 3 must be finite"), "slice 3 must be finite"),
        (MemoryError(), "there must be memory for it"),
        (torch.OutOfMemoryError("CUDA out of memory"), "lower --batch-size"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "lower --batch-size"),
        (OSError(errno.EIO, "Input/output error"), "cannot be read or written (Input/output error)"),
    ],
)
def test_volume_that_fails_does_not_stop_the_others(tmp_path: Path, error: Exception, reason: str) -> None:
    bad = MadeUp(tmp_path / "1.npy", reading=raising(error))
    outcome = done([MadeUp(tmp_path / "0.npy"), bad, MadeUp(tmp_path / "2.npy")], tmp_path / "out")
    assert [one.name for one in outcome.done] == ["0.npy", "2.npy"]
    assert [name for name, _ in outcome.failed] == ["1.npy"]
    assert reason in outcome.failed[0][1]
    assert files(tmp_path / "out") == ["0.npy", "2.npy"]


def test_volume_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    bad = MadeUp(tmp_path / "1.npy", writing=raising(OSError(errno.EACCES, "Permission denied")))
    outcome = done([bad, MadeUp(tmp_path / "2.npy")], tmp_path / "out")
    assert "Permission denied" in outcome.failed[0][1]
    assert files(tmp_path / "out") == ["2.npy"]


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("errno = 28, error message = 'No space left'")],
)
def test_full_disk_stops_and_keeps_what_was_finished(tmp_path: Path, error: Exception) -> None:
    full = MadeUp(tmp_path / "1.npy", writing=raising(error))
    sources = [MadeUp(tmp_path / "0.npy"), full, MadeUp(tmp_path / "2.npy"), MadeUp(tmp_path / "3.npy")]
    outcome = done(sources, tmp_path / "out")
    assert [one.name for one in outcome.done] == ["0.npy"]
    assert "make room" in outcome.failed[0][1]
    assert outcome.untried == 2
    assert files(tmp_path / "out") == ["0.npy"]


@pytest.mark.parametrize("when", ["reading", "writing"])
def test_stop_by_the_user_keeps_what_was_finished(tmp_path: Path, when: str) -> None:
    stopped = (
        MadeUp(tmp_path / "1.npy", reading=raising(KeyboardInterrupt()))
        if when == "reading"
        else MadeUp(tmp_path / "1.npy", writing=raising(KeyboardInterrupt()))
    )
    outcome = done([MadeUp(tmp_path / "0.npy"), stopped, MadeUp(tmp_path / "2.npy")], tmp_path / "out")
    assert outcome.interrupted
    assert outcome.untried == 2
    assert files(tmp_path / "out") == ["0.npy"]


@pytest.mark.parametrize("fault", [ZeroDivisionError, RuntimeError])
def test_fault_of_the_program_is_not_hidden(tmp_path: Path, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        done([MadeUp(tmp_path / "0.npy", reading=raising(fault()))], tmp_path / "out")


def test_slices_are_counted_as_they_are_done(tmp_path: Path) -> None:
    model = ClinicalModel(
        known_model().identity,
        lambda images: images,
        file=None,
        runtime="",
        module=None,
        opening=Opening(Place(batch_size=2)),
    )
    counts: list[int] = []
    bad = MadeUp(tmp_path / "1.npy", slices=4, reading=raising(DataError("no")))
    run(planned([MadeUp(tmp_path / "0.npy", slices=5), bad], model, tmp_path / "out"), model, on_slice=counts.append)
    assert counts == [2, 2, 1, 4]


def test_model_is_left_as_it_was(tmp_path: Path) -> None:
    model, seen = known_model(), [0]
    before = model.on_images = lambda count: seen.append(count)
    done([MadeUp(tmp_path / "0.npy")], tmp_path / "out", model)
    assert model.on_images is before
    assert seen == [0]


def test_size_that_the_model_does_not_take_is_told_with_the_way_out(tmp_path: Path) -> None:
    outcome = done([MadeUp(tmp_path / "0.npy")], tmp_path / "out", known_model(multiple=8))
    assert "multiples of 8, got 4 x 4; pass --pad" in outcome.failed[0][1]
    assert files(tmp_path / "out") == []


def test_notes_are_counted(tmp_path: Path) -> None:
    sources = [MadeUp(tmp_path / f"{number}.npy", note="seen as a whole") for number in range(3)]
    assert done(sources, tmp_path / "out").notes == {"seen as a whole": 3}


def test_results_that_are_kept_are_told(tmp_path: Path) -> None:
    sources = [MadeUp(tmp_path / f"{number}.npy") for number in range(3)]
    done(sources[:2], tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    outcome = run(planned(sources, known_model(), tmp_path / "out", resume=True), known_model())
    assert [one.name for one in outcome.done] == ["2.npy"]
    assert len(outcome.kept) == 2
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_result_is_the_same_whatever_the_batch(tmp_path: Path, mri_model_file: Path) -> None:
    from recon.clinical.formats import find_sources
    from recon.clinical.models import open_model

    np.save(tmp_path / "x.npy", np.random.default_rng(0).uniform(0, 10, (5, 16, 16)))
    found = []
    for size in (1, 2, 8):
        model = open_model(str(mri_model_file), Opening(Place(batch_size=size)))
        out = tmp_path / str(size)
        run(planned(find_sources(tmp_path / "x.npy").sources, model, out, inputs=[tmp_path / "x.npy"]), model)
        found.append(np.load(out / "x.npy"))
    assert all(np.allclose(one, found[0], atol=1e-5) for one in found)
