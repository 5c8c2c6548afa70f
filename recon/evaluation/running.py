"""Evaluation as it runs: unit by unit, each kept when it is measured, by one process or several, and gone on with."""

import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

import torch

from recon import __version__
from recon.data.progress import Counter
from recon.errors import ReconError
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol
from recon.evaluation.studies import AnyStudy, Unit
from recon.files import written_whole
from recon.locks import claimed, held
from recon.records import FORMAT, LINES, TABLE, Circumstances, Record, read_records, to_line, write_lines, write_table

PARTS = "parts"
StudyT = TypeVar("StudyT", bound=AnyStudy)
Counting: TypeAlias = type[Counter] | Callable[..., Counter]

_PATIENCE = 0.5  # seconds between two looks at what other processes are at


@dataclass(frozen=True, slots=True)
class Task(Generic[StudyT]):
    """One unit of one protocol for one model; `part` is the file that holds its records once it is measured."""

    model: Model
    protocol: Protocol[StudyT]
    unit: Unit
    study: StudyT
    part: Path


def evaluate(
    models: Sequence[Model],
    study: StudyT,
    protocols: Sequence[Protocol[StudyT]],
    out: Path,
    *,
    counting: Counting = Counter,
) -> list[Record]:
    """Measure every model by every protocol that fits it, and write `records.jsonl` and `records.csv` into `out`.

    What was measured before with the same weights, data, seed, versions and settings is not measured again. Several
    processes may be started alike: they share the units out among them. Records of other models, data and protocols
    that are in the folder already stay there. `counting` makes what shows how far it is.
    """
    tasks = list(_all_tasks(models, study, protocols, out))
    _others(out, [])  # what is there must be readable, before hours of work
    _measure_all(tasks, counting)
    records = [record for task in tasks for record in _read_part(task.part)]
    for protocol in protocols:
        protocol.conclude(models, study, records, out)
    with held(out / PARTS / "merging.lock"):
        merged = [*_others(out, records), *records]
        write_lines(merged, out / LINES)
        write_table(merged, out / TABLE)
    return records


def unfit_protocols(
    models: Sequence[Model], study: StudyT, protocols: Sequence[Protocol[StudyT]]
) -> Mapping[tuple[str, str], str]:
    """Say which protocols do not fit which models, and why."""
    found = {(model.name, protocol.name): protocol.unfit(model, study) for model in models for protocol in protocols}
    return {key: reason for key, reason in found.items() if reason}


def circumstances_of(model: Model, study: AnyStudy) -> Circumstances:
    """Say how a model is measured."""
    device = torch.cuda.get_device_name(model.device) if model.device.type == "cuda" else platform.machine()
    versions = {"recon": __version__, "torch": str(torch.__version__), "python": platform.python_version()}
    return Circumstances(study.seed, versions, f"{model.device.type} ({device})", model.precision)


def _all_tasks(
    models: Sequence[Model], study: StudyT, protocols: Sequence[Protocol[StudyT]], out: Path
) -> Iterator[Task[StudyT]]:
    """Cut all work, network by network; last comes what is measured of all networks in turn."""
    for model in models:
        for protocol in protocols:
            if not protocol.in_turns:
                yield from _tasks(model, protocol, study, out)
    in_turns = [protocol for protocol in protocols if protocol.in_turns]
    rows = [list(_tasks(model, protocol, study, out)) for protocol in in_turns for model in models]
    for turn in zip_longest(*rows):
        yield from (task for task in turn if task is not None)


def _tasks(model: Model, protocol: Protocol[StudyT], study: StudyT, out: Path) -> Iterator[Task[StudyT]]:
    """Cut a protocol's work on a model; nothing where it does not fit."""
    if protocol.unfit(model, study):
        return
    for unit in protocol.units(model, study):
        yield Task(model, protocol, unit, study, out / PARTS / f"{_key(model, protocol, unit, study)}.jsonl")


def _key(model: Model, protocol: Protocol[StudyT], unit: Unit, study: StudyT) -> str:
    """Hash everything that a unit's records depend on."""
    subject = replace(model.subject, details={})
    words = {
        "format": FORMAT,
        "subject": asdict(subject),
        "circumstances": asdict(circumstances_of(model, study)),
        "protocol": [protocol.name, protocol.version, dict(protocol.settings)],
        "study": study.fingerprint,
        "unit": [unit.name, list(unit.indices)],
    }
    return sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:32]


def _measure_all(tasks: Sequence[Task[StudyT]], counting: Counting) -> None:
    """Measure what is not there yet, until all is there; units that another process is at are waited for."""
    left = [task for task in tasks if not task.part.exists()]
    with counting("evaluating", sum(_passes(task) for task in left), unit="images") as counter:
        while left:
            later = []
            for task in left:
                with claimed(task.part) as mine:
                    if task.part.exists():
                        counter.advance(_passes(task))
                    elif mine:
                        _measure(task, counter)
                    else:
                        later.append(task)
            if len(later) == len(left):
                time.sleep(_PATIENCE)
            left = later


def _measure(task: Task[StudyT], counter: Counter) -> None:
    """Measure one unit and write its records."""
    model, protocol = task.model, task.protocol
    done, foretold = 0, _passes(task)

    def count(passes: int) -> None:
        nonlocal done
        counter.advance(min(passes, foretold - done))
        done = min(done + passes, foretold)

    counter.describe(f"{model.name}: {protocol.name}")
    model.on_pass = count
    try:
        found = list(protocol.measure(model, task.unit, task.study))
    except ReconError as error:
        raise type(error)(f"{protocol.name} of {model.name}, {task.unit.name}: {error}") from error
    finally:
        model.on_pass = lambda passes: None
    counter.advance(foretold - done)
    convention = protocol.convention(task.study)
    with written_whole(task.part) as partial, partial.open("w", encoding="utf-8") as file:
        file.writelines(f"{to_line(_record(one, task, convention))}\n" for one in found)
        file.flush()
        os.fsync(file.fileno())  # an empty part would mean that nothing was found


def _record(found: Measured, task: Task[StudyT], convention: str) -> Record:
    return Record(
        protocol=task.protocol.name,
        scope=found.scope,
        item=found.item,
        slice=found.slice,
        group=found.group,
        settings=found.settings,
        measures=found.measures,
        arrays=found.arrays,
        convention=convention,
        subject=task.model.subject,
        source=task.study.source,
        circumstances=circumstances_of(task.model, task.study),
    )


def _passes(task: Task[StudyT]) -> int:
    return max(1, task.protocol.passes(task.model, task.unit, task.study))


def _read_part(path: Path) -> list[Record]:
    """Read a unit's records; a unit may have found nothing."""
    if path.stat().st_size == 0:
        return []
    return read_records(path)


def _others(out: Path, records: Sequence[Record]) -> list[Record]:
    """Give the records that are in the folder and that these neither replace nor outdate, being of other weights."""
    if not (out / LINES).exists():
        return []
    new = {_place(record) for record in records}
    weights = {_who(record): record.subject.weights for record in records}
    return [
        record
        for record in read_records(out / LINES)
        if _place(record) not in new and weights.get(_who(record), record.subject.weights) == record.subject.weights
    ]


def _who(record: Record) -> tuple[str, str]:
    return record.source.modality, record.subject.name


def _place(record: Record) -> tuple[str, str, str]:
    return record.source.name, record.subject.name, record.protocol
