"""What is to be reconstructed and where it goes, all looked at before the work begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recon.clinical.formats.files import FileSource, Reading
from recon.clinical.identity import Modality
from recon.clinical.models import ClinicalModel, require_size
from recon.clinical.sources import Source
from recon.clinical.targets import is_there, targets_of
from recon.errors import ConfigError, DataError, ShapeError

_WORDS = {"mri": "MRI", "ct": "CT"}


@dataclass(frozen=True, slots=True)
class Job:
    """A volume and where it goes."""

    source: Source
    target: Path


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
    reasons = [_misfit(source, source.modality or modality, model) for source in read]
    refused = tuple((source.name, reason) for source, reason in zip(read, reasons, strict=True) if reason)
    if len(refused) == len(read):
        raise _nothing(refused)
    targets = targets_of(read, out, inputs)
    jobs = [Job(source, target) for source, target, reason in zip(read, targets, reasons, strict=True) if not reason]
    there = [] if force else [job for job in jobs if is_there(job.source, job.target)]
    if there and not resume:
        raise _is_there(there[0].target, len(there), len(jobs))
    for job in there:
        _require_same(job, model)
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


def _misfit(source: Source, modality: str | None, model: ClinicalModel) -> str:
    """Say why a model does not take a volume, as far as that is known before it is read; nothing where it does."""
    if modality not in (None, model.identity.modality):
        has, wants = _WORDS.get(modality, modality), _WORDS[model.identity.modality]
        return (
            f"{source.name} must be {wants}, on which {model.name} was trained, got {has}; give another model or data"
        )
    size = getattr(source, "size", None)
    try:
        if size is not None:
            require_size(size, model)
    except ShapeError as error:
        return f"{source.name}: {error}"
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


def _require_same(job: Job, model: ClinicalModel) -> None:
    """Refuse to go on beside results of another model."""
    told = job.source.weights_of(job.target)
    if told != model.identity.weights:
        raise DataError(
            f"{job.target} must be from the same weights to go on, got {told[:12] or 'a file that does not say'}, not "
            f"{model.identity.weights[:12]}; "
            f"choose another --out, or pass --force"
        )
