"""Files computed once from the data set's own: cached, made again when their source or recipe changes."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import h5py

from recon.data.hdf5 import open_hdf5
from recon.data.progress import tracked
from recon.errors import ConfigError, DataError
from recon.files import written_whole

try:
    import fcntl
except ImportError:  # Windows: two processes may then do the same work, and the later one's file stays
    fcntl = None  # type: ignore[assignment]

_NAME_LENGTH = 120  # of the source's name in the prepared file's: file systems allow 255 bytes in all
_ABOUT = "recon"  # the attribute of a prepared file that tells its recipe and source


@dataclass(frozen=True, slots=True)
class Recipe:
    """What prepared files hold: a name, the settings they depend on, and a function that fills one from its source.

    `write` gets the source's path and the new file. `size` tells how many bytes it will need.
    """

    name: str
    settings: Mapping[str, str | int | float]
    write: Callable[[Path, h5py.File], None]
    size: Callable[[Path], int]


def cache_folder() -> Path:
    """Give the folder for what can be made again: $RECON_CACHE, or recon in $XDG_CACHE_HOME or in ~/.cache."""
    chosen = os.environ.get("RECON_CACHE")
    folder = Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "recon"
    try:
        return folder.expanduser()
    except RuntimeError as error:
        raise ConfigError(f"the cache folder {folder} must be one that is known: {error} Set RECON_CACHE") from error


def prepared_file(source: Path, recipe: Recipe, cache: Path) -> Path:
    """Give the path of a source's prepared file; one for each recipe, whether it is there or not."""
    key = json.dumps([str(source.resolve()), recipe.name, dict(recipe.settings)], sort_keys=True)
    return cache / recipe.name / f"{source.stem[:_NAME_LENGTH]}-{sha256(key.encode()).hexdigest()[:16]}.h5"


def is_fresh(source: Path, recipe: Recipe, cache: Path) -> bool:
    """Tell whether a source's prepared file is there, whole, and made from the source as it is now."""
    path = prepared_file(source, recipe, cache)
    if not path.exists():
        return False
    try:
        return bool(open_hdf5(path).attrs.get(_ABOUT) == _about(source, recipe))
    except DataError:
        return False  # not whole: made again


def require_fresh(source: Path, recipe: Recipe, cache: Path) -> Path:
    """Give a source's prepared file, or raise an error that says how to make it."""
    if not is_fresh(source, recipe, cache):
        raise DataError(
            f"{source} must be prepared, got no prepared file of it as it is now in {cache}; run `recon data prepare "
            f"{source.parent} --cache {cache}`"
        )
    return prepared_file(source, recipe, cache)


def prepare(
    sources: Sequence[Path],
    recipe: Recipe,
    cache: Path,
    *,
    title: str = "preparing",
    skipped: list[str] | None = None,
) -> int:
    """Make the prepared files that are missing or stale, and count them.

    A source that cannot be read raises an error; where `skipped` is given, the reason is added to that instead.

    An interruption loses the file that was being made; the next call goes on from there. Several processes may do
    this at the same time: each file is made once, and appears only when it is whole.
    """
    due = [source for source in sources if not is_fresh(source, recipe, cache)]
    if not due:
        return 0
    _require_room(due, recipe, cache)
    made = 0
    for source in tracked(due, title):
        try:
            made += _prepare_one(source, recipe, cache)
        except DataError as error:  # of this source; what is wrong with the cache is a ConfigError
            if skipped is None:
                raise
            skipped.append(str(error))
    return made


def _prepare_one(source: Path, recipe: Recipe, cache: Path) -> bool:
    path = prepared_file(source, recipe, cache)
    with _locked(path.parent / ".locks" / path.stem):
        if is_fresh(source, recipe, cache):
            return False  # another process was faster
        for leftover in path.parent.glob(f"{path.stem}.*.partial"):
            leftover.unlink(missing_ok=True)
        about = _about(source, recipe)
        with written_whole(path, refusal=ConfigError) as partial, h5py.File(partial, "w") as file:
            recipe.write(source, file)
            file.attrs[_ABOUT] = about
    return True


def _about(source: Path, recipe: Recipe) -> str:
    status = source.stat()
    about = {"recipe": recipe.name, "settings": dict(recipe.settings), "file": source.name}
    return json.dumps(about | {"size": status.st_size, "changed": status.st_mtime_ns}, sort_keys=True)


def _require_room(sources: Sequence[Path], recipe: Recipe, cache: Path) -> None:
    folder = cache / recipe.name
    try:
        (folder / ".locks").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(cache, error) from error
    if not os.access(folder, os.W_OK):
        raise _not_writable(cache, "it is read-only for you")
    needed, free = sum(map(recipe.size, sources)), shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{cache} must have room for {needed / 1e6:.1f} MB of prepared files, got {free / 1e6:.1f} MB free; choose "
            f"another folder with --cache or RECON_CACHE"
        )


def _not_writable(cache: Path, reason: object) -> DataError:
    return DataError(
        f"the cache folder {cache} must be writable: {reason}; choose another with --cache or the environment variable "
        f"RECON_CACHE"
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait for and hold a lock that the system gives back even if the process dies."""
    with path.open("w") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
