"""Sources that are made up, and what goes wrong with them."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from recon.clinical.formats.files import FileSource
from recon.clinical.identity import Identity, Modality
from recon.clinical.sources import Made
from recon.files import written_whole


class MadeUp(FileSource):
    """Slices of ones, written as the sum of their values; `reading` and `writing` are called first."""

    format = "npy"
    suffix = ".npy"

    def __init__(
        self,
        path: Path,
        *,
        slices: int = 2,
        modality: Modality | None = None,
        reading: Callable[[], object] = lambda: None,
        writing: Callable[[], object] = lambda: None,
        note: str = "",
    ) -> None:
        super().__init__(path, modality=modality, slices=slices)
        self.reading, self.writing, self.note = reading, writing, note

    def read(self) -> Tensor:
        """Give ones."""
        self.reading()
        return torch.ones(self.slices, 1, 4, 4)

    def write(self, images: Tensor, identity: Identity, target: Path) -> None:
        """Write three lines."""
        with written_whole(target) as partial:
            partial.write_text(f"{identity.weights}\n{identity.processing}\n{images.sum().item():.0f}\n")
            self.writing()

    def made_with(self, target: Path) -> Made:
        """Read the first two."""
        return Made(*target.read_text().splitlines()[:2])


class MadeUpSeries(MadeUp):
    """The same, as a folder."""

    suffix = ""

    def write(self, images: Tensor, identity: Identity, target: Path) -> None:
        """Write a file into a folder."""
        super().write(images, identity, target / "1.dcm")


def raising(error: BaseException) -> Callable[[], None]:
    """Give a function that raises an error."""

    def fail() -> None:
        raise error

    return fail
