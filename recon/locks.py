"""Locks between processes that share work: on one piece of it, and on the files that all write."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from recon.errors import DataError

try:
    import fcntl
except ImportError:  # Windows: two processes may then do the same work, and the later one's file stays
    fcntl = None  # type: ignore[assignment]


@contextmanager
def claimed(part: Path) -> Iterator[bool]:
    """Claim a piece of work, known by the file that it makes; a process that is killed lets go of its claim."""
    if fcntl is None:
        yield True
        return
    lock = part.with_suffix(".lock")
    handle = _opened(lock)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError as error:
            raise _no_locks(lock, error) from error
        yield True
        with suppress(OSError):
            lock.unlink(missing_ok=True)
    finally:
        os.close(handle)


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Wait until no other process holds the lock, and hold it; it goes with the last one."""
    handle = _opened(lock)
    while fcntl is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            raise _no_locks(lock, error) from error
        if _is_open_as(lock, handle):
            break
        os.close(handle)  # the one before removed it, and another may hold the new one
        handle = _opened(lock)
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink(missing_ok=True)
        os.close(handle)


def _no_locks(lock: Path, error: OSError) -> DataError:
    return DataError(f"{lock.parent} must be on a file system with locks, got {error}; choose another folder")


def _is_open_as(path: Path, handle: int) -> bool:
    """Tell whether a path still leads to an open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _opened(lock: Path) -> int:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        return os.open(lock, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise DataError(f"{lock.parent} cannot be written: {error}; choose another folder with --out") from error
