"""What a certificate is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from recon.clinical.certificate.words import mapping, number, text
from recon.errors import DataError, ReconError, require_at_least
from recon.records import Word

SLICES = 8  # of each measurement under shifts: enough to see an error, as every one is under every shift


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is measured.

    Args:
        limit: at most so many slices, spread evenly over the data, in each measurement under shifts and noise.
        quality_limit: whole volumes until there are so many slices for the quality; None for all.
        every_shift: try each of the H x W shifts, without relying on the network's period.
        seed: all that is drawn follows from it.
        embedded: whether the data are the embedded ones.
        precision: what the network computes in.
        batch_size: images at once.
        checkpoint: of a run.
    """

    limit: int = SLICES
    quality_limit: int | None = None
    every_shift: bool = False
    seed: int = 0
    embedded: bool = True
    precision: str = "float32"
    batch_size: int = 8
    checkpoint: str = "best"

    def __post_init__(self) -> None:
        """Check the numbers."""
        require_at_least(self.limit, 1, name="limit")
        if self.quality_limit is not None:
            require_at_least(self.quality_limit, 1, name="quality_limit")
        require_at_least(self.seed, 0, name="seed")

    @property
    def words(self) -> dict[str, Word]:
        """What JSON can hold; `settings_from` reads it."""
        return {name: getattr(self, name) for name in self.__slots__}


def settings_from(certificate: Mapping[str, Word]) -> Settings:
    """Read the settings of a certificate."""
    words = mapping(certificate, "settings")
    quality = number(words, "quality_limit")
    try:
        return Settings(
            limit=int(number(words, "limit") or 0),
            quality_limit=None if quality is None else int(quality),
            every_shift=words.get("every_shift") is True,
            seed=int(number(words, "seed") or 0),
            embedded=words.get("embedded") is True,
            precision=text(words, "precision"),
            batch_size=int(number(words, "batch_size") or 0),
            checkpoint=text(words, "checkpoint"),
        )
    except (ReconError, ValueError, OverflowError) as error:
        raise DataError(f"the settings of a certificate cannot be understood: {error}") from error


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are: the model as `open_model` takes it, the data (None: embedded), and the folder of measurements.

    `measurements` keeps what is measured, so that it can be gone on with.
    """

    spec: str
    data: Path | None
    measurements: Path
