"""A whole synthetic data set in a folder: made once, byte for byte the same, and gone on with after an interruption."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from recon.data.progress import tracked
from recon.data.synthetic.jobs import Job, running
from recon.data.synthetic.labels import LabelledSet
from recon.data.synthetic.volumes import SyntheticSet
from recon.errors import DataError, require_at_least
from recon.files import written_whole
from recon.records import Word

__all__ = ["MANIFEST", "Chosen", "LabelledSet", "SyntheticSet", "is_whole", "make"]

MANIFEST = "synthetic.json"


class Chosen(Protocol):
    """What is made: `SyntheticSet` of volumes, or `LabelledSet` of pictures."""

    @property
    def modality(self) -> str:
        """Which of the data sets it is."""

    @property
    def name(self) -> str:
        """A short name for its folder."""

    @property
    def about(self) -> Mapping[str, Word]:
        """What its manifest says: all that its files depend on."""

    def jobs(self, folder: Path) -> dict[Path, Job]:
        """Give what is to be done for each file; a job may write further files before that one."""


def make(chosen: Chosen, folder: Path, *, workers: int = 1) -> int:
    """Write the data set into a folder, and count the files that were written; those already there are kept.

    A folder with another data set is refused. `workers` processes share the work; the files do not depend on them.
    """
    require_at_least(workers, 1, name="workers")
    _claim(chosen, folder)
    jobs = {path: job for path, job in chosen.jobs(folder).items() if not path.exists()}
    if jobs:
        for _ in tracked(running(list(jobs.values()), workers), f"making {chosen.modality} data", total=len(jobs)):
            pass
    return len(jobs)


def is_whole(chosen: Chosen, folder: Path) -> bool:
    """Tell whether the folder holds all of this data set."""
    return _manifest(folder) == _described(chosen) and all(path.exists() for path in chosen.jobs(folder))


def _claim(chosen: Chosen, folder: Path) -> None:
    found = _manifest(folder)
    if found is None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DataError(f"{folder} must be a new or an empty folder, got one with other contents; choose another")
        with written_whole(folder / MANIFEST) as path:
            path.write_text(json.dumps(_described(chosen), indent=2) + "\n")
    elif found != _described(chosen):
        wanted, there = _described(chosen), found
        differ = ", ".join(f"{key} {there.get(key)!r}" for key in wanted if there.get(key) != wanted[key])
        raise DataError(
            f"{folder} must be a new folder or hold the same data set, got one with {differ}; choose another"
        )


def _manifest(folder: Path) -> dict[str, object] | None:
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}; remove the folder, or choose another") from error
    return found if isinstance(found, dict) else {}


def _described(chosen: Chosen) -> dict[str, object]:
    return {"synthetic": True, **chosen.about}
