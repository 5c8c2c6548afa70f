"""Folders walked through."""

from collections.abc import Iterator
from pathlib import Path


def folders_of(top: Path, leave_out: Path | None, broken: list[tuple[Path, str]]) -> Iterator[Path]:
    """Give a folder and all folders in it, in the order of their names, each once; those that cannot be read are told.

    Links to folders are followed; `leave_out` and hidden folders are not.
    """
    seen = set() if leave_out is None else {leave_out.resolve()}
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        if folder.resolve() in seen:
            continue
        seen.add(folder.resolve())
        try:
            inside = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        except OSError as error:
            broken.append((folder, f"{folder} cannot be listed ({error.strerror}); see its owner and mode"))
            continue
        waiting += reversed(inside)
        yield folder
