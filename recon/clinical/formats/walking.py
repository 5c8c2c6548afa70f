"""Folders walked through, and what a person may have meant who names a path that is not there."""

from collections.abc import Iterator
from difflib import get_close_matches
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


def hint_for_missing(path: Path) -> str:
    """Say what is there instead of a path: the nearest folder above, and what it holds of that name."""
    if path.is_symlink():
        return f"got a link to {path.readlink()}, which is not there"
    above = next(parent for parent in path.absolute().parents if parent.is_dir())
    missing = path.absolute().relative_to(above).parts[0]
    try:
        names = {entry.name.casefold(): entry.name for entry in above.iterdir()}
    except OSError:
        names = {}
    near = get_close_matches(missing.casefold(), names, n=1, cutoff=0.5)
    hint = f"; did you mean {above / names[near[0]]}?" if near else ""
    return f"got nothing there: {above} has no {missing!r}{hint}"
