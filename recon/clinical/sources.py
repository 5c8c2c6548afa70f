"""What is reconstructed: one volume of a file or folder, read as intensities, and written back in its own format."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, NamedTuple

from torch import Tensor

from recon.clinical.identity import Identity, Modality


class Made(NamedTuple):
    """What a result says of how it was made: by which weights (SHA-256), and how; empty where it does not say."""

    weights: str = ""
    processing: str = ""


class Source(ABC):
    """One volume: what to read, and how the result is kept. Making one reads headers, not pixels.

    Errors and progress call it by `name`, which is a file's or folder's name and never says whose images they are.
    """

    format: ClassVar[str]  # one word: fastmri, lodopab, mrd, dicom, nifti, npy
    suffix: ClassVar[str]  # of the file that is written; empty where a folder of files is

    def __init__(self, path: Path, *, modality: Modality | None, slices: int) -> None:
        """Keep what the header says; `modality` is None where the file does not tell (then it is the model's)."""
        self.path, self.modality, self.slices = path, modality, slices

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name

    def made_with(self, target: Path) -> Made:
        """Give what a result that is there says of how it was made."""
        return Made()

    def is_source_of(self, target: Path) -> bool:
        """Whether a result that is there was made of this volume, as far as it says that."""
        return True

    @abstractmethod
    def read(self) -> Tensor:
        """Read all slices as intensities (N, 1, H, W) in float32: MRI magnitudes in the file's own units, CT in HU."""

    @abstractmethod
    def write(self, images: Tensor, identity: Identity, target: Path) -> None:
        """Write reconstructed intensities (N, 1, H, W) to a new file or folder, whole or not at all.

        What is written says which model made it (variant, weights' hash, version), how (`identity.processing`),
        and that it is for research only.
        """
