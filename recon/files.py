"""Files and folders that appear only when they are whole."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from recon.errors import DataError, ReconError


def reason_of(error: Exception) -> str:
    """Say why a file cannot be read or written, without the number and the path that the system's own text has.

    >>> reason_of(PermissionError(13, "Permission denied", "/data/x")), reason_of(OSError("no file"))
    ('Permission denied', 'no file')
    """
    return getattr(error, "strerror", None) or " ".join(str(error).split())


def holds(question: Callable[[], bool]) -> bool:
    """Ask a path something, such as `path.exists`; nothing holds of what cannot be looked at.

    There is nothing, for one, of a name that is too long:

    >>> holds(Path("x" * 300).exists)
    False
    """
    try:
        return question()
    except OSError:
        return False


@contextmanager
def written_whole(path: Path, *, refusal: type[ReconError] = DataError) -> Iterator[Path]:
    """Give a path beside the file to write to; it takes the file's name at the end, and goes if something fails.

    `refusal` is the error that is raised where the file cannot be written.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "errno" not in str(error):  # HDF5 tells of a full disk that way, too
            raise
        raise refusal(f"{path} cannot be written: {reason_of(error)}; choose another folder, or make room") from error
    finally:
        with suppress(OSError):  # as where the folder is a file: that was said above
            partial.unlink(missing_ok=True)


@contextmanager
def folder_written_whole(folder: Path) -> Iterator[Path]:
    """Give a folder beside to write into; it takes the folder's place at the end, and goes if something fails.

    What is there stays until then, and comes back if its place cannot be taken.
    """
    partial, before = (folder.with_name(f"{folder.name}.{os.getpid()}.{word}") for word in ("partial", "before"))
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        if folder.exists():
            folder.rename(before)
        partial.rename(folder)
    except (OSError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "PytorchStreamWriter" not in str(
            error
        ):  # how torch tells of a full disk
            raise
        raise DataError(
            f"{folder} cannot be written: {reason_of(error)}; choose another folder, or make room"
        ) from error
    finally:
        if before.exists() and not folder.exists():
            before.rename(folder)
        for leftover in (partial, before):
            shutil.rmtree(leftover, ignore_errors=True)
