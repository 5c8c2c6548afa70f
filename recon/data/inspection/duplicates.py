"""Files with the same content, within a part or, worse, in two."""

from collections.abc import Iterable, Iterator
from hashlib import file_digest
from pathlib import Path

from recon.data.inspection.records import Problem


def duplicates(files: Iterable[tuple[str, Path, str]], *, note: bool = False) -> Iterator[Problem]:
    """Find files with equal fingerprints among (part, path, fingerprint); those without one ("") are passed over."""
    first: dict[str, tuple[str, Path]] = {}
    for part, path, fingerprint in files:
        if not fingerprint:
            continue
        other_part, other = first.setdefault(fingerprint, (part, path))
        if other == path:
            continue
        if other_part == part:
            yield Problem(str(path), f"has the same content as {other}; take one of them away", note=note)
        else:
            what = f"is leakage: {part} has the same content as {other} in {other_part}; take one of them away"
            yield Problem(str(path), what, note=note)


def equal_files(files: Iterable[Path]) -> Iterator[Problem]:
    """Find files that are equal byte for byte; only those of one length are read."""
    by_size: dict[int, list[Path]] = {}
    for path in files:
        by_size.setdefault(path.stat().st_size, []).append(path)
    alike = [path for group in by_size.values() if len(group) > 1 for path in group]
    return duplicates((("", path, _digest(path)) for path in alike), note=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
