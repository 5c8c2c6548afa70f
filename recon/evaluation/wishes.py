"""What is asked of an evaluation, in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recon.evaluation.loading import Place


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for: see `recon evaluate --help`. Without protocols, all that the data have are measured."""

    specs: Sequence[str]
    out: Path
    protocols: Sequence[str] = ()
    data: Path | None = None
    modality: str | None = None
    ood: Path | None = None
    other: Path | None = None
    limit: int | None = None
    seed: int = 0
    every_shift: bool = False
    ten_shifts: bool = False
    factory: str | None = None
    place: Place = field(default_factory=Place)
