"""What every protocol is: a way to cut its work into units, and a measurement of one unit."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from recon.data.samples import Origin
from recon.evaluation.models import Model
from recon.evaluation.studies import AnyStudy, Unit
from recon.records import Record, Scope, Word

StudyT_contra = TypeVar("StudyT_contra", bound=AnyStudy, contravariant=True)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a protocol finds; who was measured, on what and how is added where it becomes a record."""

    scope: Scope
    item: str
    measures: Mapping[str, float]
    slice: int | None = None
    group: str = ""
    settings: Mapping[str, Word] = field(default_factory=dict)
    arrays: Mapping[str, Sequence[float]] = field(default_factory=dict)


class Protocol(ABC, Generic[StudyT_contra]):
    """One question to a network, asked of one unit of the data at a time; `Protocol[Study]` of slices alone.

    `name` is what the command line and the records call it, `title` what it finds, in a few words. `version` goes up
    when the same question would now be answered differently. With `in_turns`, units of the same number are measured of
    all networks before the next ones.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    version: ClassVar[int] = 1
    in_turns: ClassVar[bool] = False

    @abstractmethod
    def convention(self, study: StudyT_contra) -> str:
        """Say how the measures are defined, in a sentence or two that a report can print."""

    @abstractmethod
    def units(self, model: Model, study: StudyT_contra) -> Sequence[Unit]:
        """Cut the work; empty where there is nothing to do."""

    @abstractmethod
    def passes(self, model: Model, unit: Unit, study: StudyT_contra) -> int:
        """Foretell how many images the network will be given, for the progress bar."""

    @abstractmethod
    def measure(self, model: Model, unit: Unit, study: StudyT_contra) -> Iterator[Measured]:
        """Measure one unit."""

    @property
    def settings(self) -> Mapping[str, Word]:
        """The protocol's own choices, on which its results depend."""
        return {}

    def unfit(self, model: Model, study: StudyT_contra) -> str:
        """Say why the protocol cannot be applied to this model on these data, or nothing."""
        return ""

    def conclude(self, models: Sequence[Model], study: StudyT_contra, records: Sequence[Record], out: Path) -> None:
        """Write into the folder what a report needs besides the records of all models; nothing unless overridden."""


def place_of(origin: Origin) -> tuple[str, int, str]:
    """Give the item, slice and group that records say of a slice: the volume (or patient, or file) first."""
    return origin.volume or origin.file, origin.slice, origin.acquisition
