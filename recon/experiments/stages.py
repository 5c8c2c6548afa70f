"""What is done already: a small file for each finished piece of work, which says what it was made from."""

import json
from collections.abc import Mapping
from pathlib import Path

from recon.errors import DataError
from recon.files import written_whole
from recon.records import Word


def is_done(marker: Path, key: Mapping[str, Word]) -> bool:
    """Tell whether a piece of work is finished, and was made from the same as now."""
    return _key_of(marker) == _plain(key)


def require_same(marker: Path, key: Mapping[str, Word], *, what: str) -> None:
    """Refuse to go on with a piece of work that was begun from something else; `what` is what errors call it."""
    found = _key_of(marker)
    if found is not None and found != _plain(key):
        differ = [name for name in key if found.get(name) != _plain(key)[name]]
        raise DataError(
            f"{what} in {marker.parent} must be of the recipe as it is now, got one of another (in its "
            f"{' and '.join(differ) or 'contents'}); remove that folder to have it made anew, or choose another with "
            f"--out"
        )


def require_folder(folder: Path) -> None:
    """Refuse a folder that cannot be made and written to."""
    with written_whole(folder / ".writable") as partial:
        partial.touch()
    (folder / ".writable").unlink(missing_ok=True)


def mark(marker: Path, key: Mapping[str, Word]) -> None:
    """Write down what a piece of work is made from."""
    with written_whole(marker) as path:
        path.write_text(json.dumps(_plain(key), indent=2) + "\n", encoding="utf-8")


def _key_of(marker: Path) -> dict[str, Word] | None:
    try:
        found = json.loads(marker.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise DataError(f"{marker} cannot be read: {error}; remove it, and its work is done again") from error
    return found if isinstance(found, dict) else None


def _plain(key: Mapping[str, Word]) -> dict[str, Word]:
    """Give a key as it comes back from JSON."""
    plain: dict[str, Word] = json.loads(json.dumps(dict(key)))
    return plain
