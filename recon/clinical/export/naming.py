"""Names of exported files, and the folder in which they are written before they get them."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from recon.clinical.export.wishes import ENDINGS, Wishes
from recon.clinical.identity import Identity
from recon.errors import DataError
from recon.files import reason_of

STATEMENT = ".json"  # after the name of a file: what was checked of it
WEIGHTS = ".data"  # after the name of an ONNX file: weights that had no room in it


def targets_of(identity: Identity, wishes: Wishes) -> Mapping[str, Path]:
    """Give the path of each format's file.

    A name of the user's own keeps only letters, digits and `+-._`, so that it names a file everywhere.
    """
    name = re.sub(r"[^A-Za-z0-9+._-]+", "-", identity.variant).strip(".-") or "network"
    name = name if wishes.precision == "float32" else f"{name}-{wishes.precision}"
    return {kind: wishes.out / f"{name}{ENDINGS[kind]}" for kind in wishes.formats}


def require_free(target: Path, *, force: bool) -> None:
    """Refuse to write over what is there, unless asked to; and over a file where a folder must be."""
    folder = target.parent
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} must be a folder, got a file; choose another --out")
    there = [path for path in (target, *_beside(target)) if path.exists() or path.is_symlink()]
    if there and not force:
        raise DataError(f"{there[0]} must not be there yet; pass --force to replace it, or choose another --out")
    if target.is_dir() and not target.name.endswith(ENDINGS["bundle"]):
        raise DataError(f"{target} must be a file, got a folder; choose another --out")


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Give a path to write to, of the target's own name in a folder of its own; `placed` takes what is there out.

    Whatever is left in that folder goes, whether an error or a person stopped it; so does a folder of exports that was
    made for it and stayed empty.
    """
    out = target.parent
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    folder = out / f".{target.name}.{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True)
        yield folder / target.name
    except (OSError, RuntimeError) as error:
        told = "PytorchStreamWriter" in str(error) or "No space" in str(error)  # how torch tells of a full disk
        if isinstance(error, RuntimeError) and not told:
            raise
        raise DataError(
            f"{target} cannot be written: {reason_of(error)}; choose another folder, or make room"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for empty in made:
            with suppress(OSError):  # it is not empty
                empty.rmdir()


def placed(partial: Path, target: Path) -> None:
    """Give what was written its name; what had the name goes, the statement of it first."""
    for path in (*_beside(target), target):
        if path.is_dir() and not path.is_symlink():
            path.rename(partial.parent / f"{path.name}.old")
        elif path != target:
            path.unlink(missing_ok=True)
    for path in sorted(
        partial.parent.iterdir(), key=lambda path: path == partial.with_name(f"{partial.name}{STATEMENT}")
    ):
        if path.name.startswith(target.name) and not path.name.endswith(".old"):
            path.replace(target.with_name(path.name))


def _beside(target: Path) -> tuple[Path, ...]:
    return target.with_name(f"{target.name}{STATEMENT}"), target.with_name(f"{target.name}{WEIGHTS}")
