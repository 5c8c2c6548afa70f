"""Evaluation as it runs: interrupted, killed, shared among processes, repeated, and written to where it cannot be."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import torch

from recon.errors import DataError
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol
from recon.evaluation.quality import QualityProtocol
from recon.evaluation.running import PARTS, evaluate, unfit_protocols
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.records import LINES, TABLE, Record, Word, read_records
from tests.evaluation.small import function_model, mri_study


@dataclass
class Counted(Protocol[Study]):
    """Measures one slice a unit, and notes which; stops at the unit that `stop_at` names."""

    chosen: int = 0
    stop_at: int | None = None
    error: BaseException = field(default_factory=KeyboardInterrupt)
    calls: list[tuple[int, ...]] = field(default_factory=list)
    name = "counted"
    title = "which slices were measured"

    def convention(self, study: Study) -> str:
        """None."""
        return "counts"

    def units(self, model: Model, study: Study) -> Sequence[Unit]:
        """One for each slice."""
        return [Unit(f"slice {index}", (index,)) for unit in study.volumes() for index in unit.indices]

    def passes(self, model: Model, unit: Unit, study: Study) -> int:
        """One."""
        return 1

    @property
    def settings(self) -> Mapping[str, Word]:
        """A choice."""
        return {"chosen": self.chosen}

    def measure(self, model: Model, unit: Unit, study: Study) -> Iterator[Measured]:
        """Give two records, unless it is to stop between them."""
        self.calls.append(unit.indices)
        mean = float(model(study.batch(unit).input).mean())
        yield Measured("image", f"item {unit.indices[0]}", {"mean": mean}, slice=unit.indices[0])
        if unit.indices[0] == self.stop_at:
            raise self.error
        yield Measured("set", f"item {unit.indices[0]}", {"double": 2 * mean}, arrays={"both": [mean, mean]})


class Slowly(Counted):
    """As that, but slowly, and with a line in a file for every unit."""

    def __init__(self, log: Path, seconds: float) -> None:
        super().__init__()
        self.log, self.seconds = log, seconds

    def measure(self, model: Model, unit: Unit, study: Study) -> Iterator[Measured]:
        """Take time."""
        with self.log.open("a") as file:
            file.write(f"{unit.indices[0]} {os.getpid()}\n")
        time.sleep(self.seconds)
        yield from super().measure(model, unit, study)


class Nothing(Counted):
    """Finds nothing."""

    name = "nothing"

    def measure(self, model: Model, unit: Unit, study: Study) -> Iterator[Measured]:
        """Give no record."""
        self.calls.append(unit.indices)
        yield from ()


class Unfit(Counted):
    """Fits nothing."""

    name = "unfit"

    def unfit(self, model: Model, study: Study) -> str:
        """Say so."""
        return f"not for {model.name}"


def left_behind(out: Path) -> list[str]:
    """List what is neither a result nor a part."""
    kept = {LINES, TABLE, PARTS}
    return [path.name for path in out.rglob("*") if path.name not in kept and path.suffix != ".jsonl"]


def key_of(record: Record) -> tuple[str, str, str, str]:
    return record.subject.name, record.protocol, record.scope, record.item


@pytest.mark.parametrize("stop_at", [0, 3, 5])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), DataError("no")])
def test_an_interrupted_evaluation_goes_on_where_it_was(
    stop_at: int, error: BaseException, mri: Study, tmp_path: Path
) -> None:
    model = function_model(torch.relu)
    wanted = evaluate([model], mri, [Counted()], tmp_path / "whole")
    first = Counted(stop_at=stop_at, error=error)
    with pytest.raises(type(error)):
        evaluate([model], mri, [first], tmp_path / "out")
    assert not (tmp_path / "out" / LINES).exists()
    assert first.calls == [(index,) for index in range(stop_at + 1)]
    second = Counted()
    assert evaluate([model], mri, [second], tmp_path / "out") == wanted
    assert second.calls == [(index,) for index in range(stop_at, 6)]
    assert read_records(tmp_path / "out") == wanted
    for name in (LINES, TABLE):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not left_behind(tmp_path / "out")


def test_nothing_is_measured_twice(mri: Study, tmp_path: Path) -> None:
    models = [function_model(torch.relu, name) for name in ("a", "b")]
    first, again = Counted(), Counted()
    records = evaluate(models, mri, [first], tmp_path)
    assert (len(first.calls), len(records)) == (12, 24)
    assert evaluate(models, mri, [again], tmp_path) == records
    assert again.calls == []
    assert read_records(tmp_path) == records


def test_what_was_measured_with_a_smaller_limit_is_taken_over(knees: Path, tmp_path: Path) -> None:
    protocol, model = Counted(), function_model(torch.relu)
    assert len(evaluate([model], mri_study(knees, limit=3), [protocol], tmp_path)) == 6
    assert len(evaluate([model], mri_study(knees), [protocol], tmp_path)) == 12
    assert len(protocol.calls) == 6


def test_other_seeds_data_weights_choices_and_precisions_are_measured_anew(knees: Path, tmp_path: Path) -> None:
    from recon.data.datamodules import MRIData
    from recon.evaluation.study import study_of

    model, study = function_model(torch.relu), mri_study(knees)
    evaluate([model], study, [Counted()], tmp_path)
    other = function_model(torch.relu)
    other.subject = replace(other.subject, weights="other")
    rough = Model(model.subject, torch.relu, precision="bfloat16")
    eightfold = study_of(MRIData(knees, workers=0, accelerations=(8,), center_fractions=(0.04,)))
    cases: list[tuple[Model, Study, Counted]] = [
        (model, mri_study(knees, seed=1), Counted()),
        (model, eightfold, Counted()),
        (other, study, Counted()),
        (rough, study, Counted()),
        (model, study, Counted(chosen=1)),
    ]
    for subject, where, protocol in cases:
        records = evaluate([subject], where, [protocol], tmp_path)
        assert len(protocol.calls) == 6
        assert read_records(tmp_path) == records  # of one name and one protocol there is one set of records


def test_other_networks_records_stay_and_those_of_the_same_name_are_replaced(mri: Study, tmp_path: Path) -> None:
    first, second = function_model(torch.relu, "first"), function_model(torch.abs, "second")
    kept = evaluate([first], mri, [Counted()], tmp_path)
    quality = evaluate([second], mri, [QualityProtocol()], tmp_path)
    more = evaluate([second], mri, [Counted()], tmp_path)
    assert read_records(tmp_path) == [*kept, *quality, *more]
    changed = function_model(torch.neg, "second")
    changed.subject = replace(changed.subject, weights="other")
    new = evaluate([changed], mri, [Counted()], tmp_path)
    assert read_records(tmp_path) == [*kept, *new]


def test_records_of_other_data_stay(mri: Study, ct: Study, tmp_path: Path) -> None:
    model = function_model(torch.relu)
    one, other = (evaluate([model], study, [Counted()], tmp_path) for study in (mri, ct))
    assert read_records(tmp_path) == [*one, *other]


def test_a_protocol_may_find_nothing(mri: Study, tmp_path: Path) -> None:
    nothing, model = Nothing(), function_model(torch.relu)
    assert len(evaluate([model], mri, [nothing, Counted()], tmp_path)) == 12
    assert len(nothing.calls) == 6
    evaluate([model], mri, [nothing, Counted()], tmp_path)
    assert len(nothing.calls) == 6


def test_what_does_not_fit_is_left_out_and_told(mri: Study, tmp_path: Path) -> None:
    model, unfit = function_model(torch.relu), Unfit()
    assert {record.protocol for record in evaluate([model], mri, [unfit, Counted()], tmp_path)} == {"counted"}
    assert unfit.calls == []
    assert unfit_protocols([model], mri, [unfit, Counted()]) == {("function", "unfit"): "not for function"}


def test_a_protocol_concludes_with_the_records_of_all_networks(mri: Study, tmp_path: Path) -> None:
    told: list[tuple[list[str], int, Path]] = []

    class Concluding(Counted):
        def conclude(self, models: Sequence[Model], study: Study, records: Sequence[Record], out: Path) -> None:
            told.append(([model.name for model in models], len(records), out))

    models = [function_model(torch.relu, name) for name in ("a", "b")]
    evaluate(models, mri, [Concluding()], tmp_path)
    assert told == [(["a", "b"], 24, tmp_path)]


def test_an_error_says_where(mri: Study, tmp_path: Path) -> None:
    protocol = Counted(stop_at=1, error=DataError("it broke"))
    with pytest.raises(DataError, match="counted of function, slice 1: it broke"):
        evaluate([function_model(torch.relu)], mri, [protocol], tmp_path)


def test_a_file_in_the_place_of_the_folder_is_refused(mri: Study, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(DataError, match=r"out.* cannot be written.*choose another folder"):
        evaluate([function_model(torch.relu)], mri, [Counted()], tmp_path / "out")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(mri: Study, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DataError, match=r"cannot be written.*choose another folder"):
        evaluate([function_model(torch.relu)], mri, [Counted()], tmp_path / "out")


def test_the_number_of_passes_is_shown(mri: Study, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    evaluate([function_model(torch.relu)], mri, [Counted()], tmp_path)
    told = capfd.readouterr().err
    assert "evaluating: 6 images to do" in told
    assert "evaluating: 6 of 6 images" in told


def start(knees: Path, out: Path, log: Path, seconds: float) -> BaseProcess:
    """Evaluate slowly in a process of its own; a fork server imports the libraries once for all of them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["recon.evaluation.protocols"])
    process = context.Process(target=evaluate_slowly, args=(knees, out, log, seconds))
    process.start()
    return process


def evaluate_slowly(knees: Path, out: Path, log: Path, seconds: float) -> None:
    evaluate([function_model(abs)], mri_study(knees), [Slowly(log, seconds)], out)


def lines_of(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def wait_for(condition: Callable[[], bool], *, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def finish(process: BaseProcess) -> None:
    process.join(120)
    assert process.exitcode == 0


def test_two_processes_share_the_work(knees: Path, mri: Study, tmp_path: Path) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    processes = [start(knees, out, log, 2.0) for _ in range(2)]
    for process in processes:
        finish(process)
    units = [line.split() for line in lines_of(log)]
    assert sorted(unit for unit, _ in units) == [str(index) for index in range(6)]
    assert len({process for _, process in units}) == 2
    alone = evaluate([function_model(abs)], mri, [Counted()], tmp_path / "alone")
    assert read_records(out) == alone
    assert not left_behind(out)


def test_a_killed_process_leaves_nothing_half(knees: Path, mri: Study, tmp_path: Path) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    victim = start(knees, out, log, 0.3)
    wait_for(lambda: len(lines_of(log)) >= 3)
    victim.kill()
    victim.join()
    whole = len(list((out / PARTS).glob("*.jsonl")))
    assert whole >= 2
    assert not (out / LINES).exists()
    assert all(len(read_records(part)) == 2 for part in (out / PARTS).glob("*.jsonl"))
    again = Counted()
    records = evaluate([function_model(abs)], mri, [again], out)
    assert len(again.calls) == 6 - whole
    assert records == evaluate([function_model(abs)], mri, [Counted()], tmp_path / "alone")
    assert [key_of(record) for record in read_records(out)] == [key_of(record) for record in records]
    assert not left_behind(out)


def test_a_process_waits_for_what_another_is_at(knees: Path, tmp_path: Path) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    other = start(knees, out, log, 1.0)
    wait_for(lambda: len(lines_of(log)) >= 6)  # it is at the last one
    mine = Counted()
    records = evaluate([function_model(abs)], mri_study(knees), [mine], out)
    finish(other)
    assert len(records) == 12
    assert mine.calls == []
