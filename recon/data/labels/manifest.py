"""What a folder of generated pictures says of itself: that they are synthetic, and what their classes are called."""

import json
from pathlib import Path

from recon.data.synthetic.make import MANIFEST
from recon.errors import DataError


def is_synthetic(*folders: Path) -> bool:
    """Tell whether one of the folders says that what it holds is synthetic."""
    return any((folder / MANIFEST).is_file() for folder in folders)


def named_classes(folder: Path) -> tuple[str, ...] | None:
    """Give the names of the classes by their numbers, if the folder's manifest tells them."""
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["classes"]
    except KeyError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path} cannot be read: {error}; remove the folder, or choose another") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path} must tell the classes as a list of names, got {names!r}; make the data set again")
    return tuple(names)
