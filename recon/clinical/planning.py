"""What is to be reconstructed and where it goes, all looked at before the work begins."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from recon.clinical.formats.files import FileSource, Reading
from recon.clinical.identity import Identity, Modality
from recon.clinical.models import ClinicalModel, require_size
from recon.clinical.processing import processing_of
from recon.clinical.sources import Source
from recon.clinical.targets import is_there, name_of, targets_of
from recon.errors import ConfigError, DataError, ShapeError

_WORDS = {"mri": "MRI", "ct": "CT"}


@dataclass(frozen=True, slots=True)
class Job:
    """A volume, where it goes, what messages call it, and what the result will say of what made it."""

    source: Source
    target: Path
    name: str
    identity: Identity


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done; what is there and is kept; name and reason of what the model does not take."""

    jobs: tuple[Job, ...]
    kept: tuple[Path, ...]
    refused: tuple[tuple[str, str], ...]

    @property
    def slices(self) -> int:
        """Count the slices that are to be done."""
        return sum(job.source.slices for job in self.jobs)


def planned(
    sources: Sequence[Source],
    model: ClinicalModel,
    out: Path,
    *,
    inputs: Sequence[Path] = (),
    force: bool = False,
    resume: bool = False,
    reading: Reading | None = None,
    modality: Modality | None = None,
) -> Plan:
    """Plan volumes into a file, or into a folder that mirrors `inputs`, the files and folders that they are from.

    Results that are there are an error, or are overwritten with `force`, or kept with `resume`. `modality` is that of
    the data where files do not tell it.
    """
    reading = reading or Reading()
    _require_used(sources, reading)
    read = [source.adapted(model.identity, reading) if isinstance(source, FileSource) else source for source in sources]
    names = [name_of(source, inputs) for source in read]
    reasons = [
        _misfit(source, name, source.modality or modality, model) for source, name in zip(read, names, strict=True)
    ]
    refused = tuple((name, reason) for name, reason in zip(names, reasons, strict=True) if reason)
    if len(refused) == len(read):
        raise _nothing(refused)
    targets = targets_of(read, out, inputs)
    jobs = [
        Job(source, target, name, replace(model.identity, processing=processing_of(source, model)))
        for source, target, name, reason in zip(read, targets, names, reasons, strict=True)
        if not reason
    ]
    there = [] if force else [job for job in jobs if is_there(job.source, job.target)]
    if there and not resume:
        raise _is_there(there[0].target, len(there), len(jobs))
    for job in there:
        _require_same(job)
    kept = {job.target for job in there}
    waiting = tuple(job for job in jobs if job.target not in kept)
    return Plan(waiting, tuple(job.target for job in there), refused)


def _require_used(sources: Sequence[Source], reading: Reading) -> None:
    """Refuse an option that none of the volumes has a use for."""
    for option, wanted, kinds in (
        ("undersample", reading.undersample, "fastMRI files"),
        ("slice_axis", reading.slice_axis is not None, "NIfTI files"),
    ):
        if wanted and not any(isinstance(source, FileSource) and option in source.options for source in sources):
            raise ConfigError(f"--{option.replace('_', '-')} is for {kinds}, got none of them; leave it out")


def _misfit(source: Source, name: str, modality: str | None, model: ClinicalModel) -> str:
    """Say why a model does not take a volume, as far as that is known before it is read; nothing where it does."""
    if modality not in (None, model.identity.modality):
        has, wants = _WORDS.get(modality, modality), _WORDS[model.identity.modality]
        return f"{name} must be {wants}, on which {model.name} was trained, got {has}; give another model or data"
    size = getattr(source, "size", None)
    try:
        if size is not None:
            require_size(size, model)
    except ShapeError as error:
        return f"{name}: {error}"
    return ""


def _nothing(refused: Sequence[tuple[str, str]]) -> ConfigError:
    """Say why none of the volumes can be reconstructed."""
    if not refused:
        return ConfigError("there must be something to reconstruct, got nothing")
    more = f" ({len(refused)} volumes do not fit)" if len(refused) > 1 else ""
    return ConfigError(f"{refused[0][1]}{more}")


def _is_there(target: Path, there: int, of: int) -> DataError:
    others = f", or --resume to do the {of - there} others" if there < of else ""
    count = f"{there} of {of} results that are" if of > 1 else "one that is"
    return DataError(f"{target} must not be there yet, got {count}; pass --force to overwrite{others}")


def _require_same(job: Job) -> None:
    """Refuse to go on beside results of another model, or of other settings."""
    told, wanted = job.source.made_with(job.target), job.identity
    if told.weights != wanted.weights:
        what, got, now = "from the same weights", told.weights[:12], wanted.weights[:12]
    elif told.processing != wanted.processing:
        what, got, now = "made in the same way", told.processing, wanted.processing
    elif not job.source.is_source_of(job.target):
        what, got, now = "of the same images", "a result of others", "of those that are there now"
    else:
        return
    raise DataError(
        f"{job.target} must be {what} to go on, got {got or 'a result that does not say'}, not {now}; choose another "
        f"--out, or pass --force to make all anew"
    )
