"""Volumes read, reconstructed and written, one after the other: the one way from a source to a target."""

import errno
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from recon.clinical.formats.files import FileSource
from recon.clinical.models import ClinicalModel
from recon.clinical.planning import Job, Plan
from recon.errors import ReconError


@dataclass(frozen=True, slots=True)
class Done:
    """A volume that was reconstructed, and how long reading, the network and writing took."""

    name: str
    target: Path
    slices: int
    seconds: float


@dataclass(slots=True)
class Outcome:
    """What became of the volumes.

    Args:
        done: those that were written.
        kept: targets that were there already and were kept.
        failed: name and reason of those that could not be reconstructed.
        notes: what a person should know of how they were read, and of how many each is true.
        untried: how many were left when a full disk, or the user, stopped it.
        interrupted: whether it was the user.
    """

    done: list[Done] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    untried: int = 0
    interrupted: bool = False


def run(plan: Plan, model: ClinicalModel, *, on_slice: Callable[[int], None] = lambda count: None) -> Outcome:
    """Reconstruct what was planned.

    A volume that fails does not stop the others, and leaves nothing half-written; a full disk and Ctrl-C do, and leave
    what was finished. `on_slice` is called with how many slices were dealt with since the last call.
    """
    outcome = Outcome(kept=[*plan.kept], failed=[*plan.refused])
    before = model.on_images
    try:
        for number, job in enumerate(plan.jobs, 1):
            outcome.untried = len(plan.jobs) - number
            if not _finished(job, model, outcome, on_slice):
                break
    except KeyboardInterrupt:
        outcome.interrupted = True
        outcome.untried += 1
    finally:
        model.on_images = before
    return outcome


def _finished(job: Job, model: ClinicalModel, outcome: Outcome, on_slice: Callable[[int], None]) -> bool:
    """Deal with one volume, and say whether to go on."""
    source, counted = job.source, Counter[str]()

    def count(images: int) -> None:
        counted["slices"] += images
        on_slice(images)

    model.on_images = count
    start = time.perf_counter()
    try:
        images = model(source.read())
        source.write(images, job.identity, job.target)
    except (ReconError, MemoryError, OSError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not _is_memory(error):
            raise
        outcome.failed.append((job.name, _reason(error)))
        on_slice(source.slices - counted["slices"])
        return not _is_full(error)
    outcome.done.append(Done(job.name, job.target, source.slices, time.perf_counter() - start))
    if isinstance(source, FileSource) and source.note:
        outcome.notes[source.note] += 1
    return True


def _reason(error: Exception) -> str:
    if isinstance(error, ReconError):
        return str(error)
    if isinstance(error, OSError):
        return f"it cannot be read or written ({error.strerror or error})"
    return "there must be memory for it, got too little; lower --batch-size, or split the volume"


def _is_memory(error: RuntimeError) -> bool:
    """Whether torch lacked memory, which it tells in words alone on a CPU."""
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)


def _is_full(error: BaseException | None) -> bool:
    """Whether a disk was full, which HDF5 tells in words alone."""
    while error is not None:
        if getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error):
            return True
        error = error.__cause__
    return False
