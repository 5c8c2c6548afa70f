"""How a file is checked: whatever keeps it from being read is its problem, and the next file's turn comes."""

from collections.abc import Callable, Sequence
from pathlib import Path

from recon.data.inspection.records import FileCheck, Problem
from recon.errors import DataError


def checked(path: Path, check: Callable[[], FileCheck], *, others: Sequence[Path] = ()) -> FileCheck:
    """Check a file; whatever keeps it from being checked is its problem, or that of one of the `others` it needs."""
    try:
        return check()
    except DataError as error:
        return FileCheck((problem_of(str(error), path, *others),))
    except Exception as error:  # broken bytes make HDF5 fail in many ways
        words = f"cannot be checked: it may be corrupt ({type(error).__name__}: {error}); copy or download it again"
        return FileCheck((Problem(str(path), words),))


def problem_of(words: str, *paths: Path) -> Problem:
    """Make a problem out of an error's words, which name the file that it is about: one of these, or else the first."""
    for beginning, ending in (("cannot read the image ", "cannot be read"), ("cannot read ", "cannot be read")):
        for path in paths:
            if words.startswith(f"{beginning}{path}: "):
                return Problem(str(path), words.replace(f"{beginning}{path}", ending, 1))
    for path in paths:
        for beginning in (f"{path}: ", f"{path} "):
            if words.startswith(beginning):
                return Problem(str(path), words.removeprefix(beginning))
    return Problem(str(paths[0]), words)
