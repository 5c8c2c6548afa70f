"""Many files looked at, and what happens when one is bad."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from recon.errors import DataError

T = TypeVar("T")
OnBadFile = Literal["error", "skip"]


def scan(paths: Sequence[Path], read: Callable[[Path], T], on_bad_file: OnBadFile) -> tuple[list[T], tuple[str, ...]]:
    """Read every file's description; give those, and the reasons why files were skipped (each said in a warning)."""
    found, skipped = [], []
    for path in paths:
        try:
            found.append(read(path))
        except DataError as error:
            if on_bad_file == "error":
                raise DataError(
                    f"{error}; `recon data check` lists every bad file, --on-bad-file skip goes on"
                ) from error
            skipped.append(str(error))
    warn_of_skipped(skipped)
    return found, tuple(skipped)


def warn_of_skipped(reasons: Sequence[str]) -> None:
    """Say in one warning how many files were skipped, and why."""
    if reasons:
        warnings.warn(f"skipped {len(reasons)} files: {'; '.join(reasons)}", stacklevel=3)
