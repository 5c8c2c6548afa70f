"""Where a node keeps what it has taken until it is delivered, so that nothing is lost with the process.

A series is a folder, which moves on by renaming: `incoming` while it comes, `received` when it is complete, `outgoing`
when it is reconstructed, and away when it is delivered; or `failed`. Names are hashes and times, not identifiers.
"""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from recon.errors import ConfigError, DataError
from recon.locks import claimed

KEEP_FREE = 256 << 20  # bytes: what the disk must have left for the results of what was taken
_STAGES = ("incoming", "received", "outgoing", "failed")
_SCRATCH = ("arriving", "making", "leaving")  # what is in them after a crash was not whole, or is done
_ATTEMPTS = "attempts"  # a file beside a series' images, with a dot for each attempt that has not ended


class Spool:
    """The folder of a node. One process at a time has it."""

    def __init__(self, root: Path) -> None:
        self.root, self._lock = root, threading.Lock()
        for name in _SCRATCH:
            shutil.rmtree(root / name, ignore_errors=True)
        for path in (root, *(root / name for name in (*_STAGES, *_SCRATCH))):
            _make(path)

    def names(self, stage: str) -> list[str]:
        """Give the series of a stage; those that came first are first."""
        names = [path.name for path in (self.root / stage).iterdir() if path.is_dir()]
        return sorted(names, key=lambda name: (name.rpartition("-")[2], name))

    def has_room(self, size: int) -> bool:
        """Tell whether so many bytes can be taken, reconstructed and kept."""
        return shutil.disk_usage(self.root).free > KEEP_FREE + 3 * size

    def name_of(self, series: str) -> str:
        """Give what a series that is coming is called here, by its UID."""
        return _hashed(series)

    def keep(self, series: str, instance: str, data: bytes) -> None:
        """Keep an instance of a series that is coming, safe from a crash."""
        file = f"{_hashed(instance)}.dcm"
        arriving = self.root / "arriving" / f"{file}.{threading.get_ident()}"
        try:
            with arriving.open("wb") as opened:
                opened.write(data)
                opened.flush()
                os.fsync(opened.fileno())
            with self._lock:
                folder = self.root / "incoming" / _hashed(series)
                folder.mkdir(mode=0o700, exist_ok=True)
                arriving.replace(folder / file)
                _sync(folder)
                _sync(folder.parent)
        finally:
            arriving.unlink(missing_ok=True)

    def complete(self, name: str) -> str:
        """Say that all of a series has come; give its name from now on, or nothing where nothing has come."""
        later, folder = f"{name}-{time.time_ns():020d}", self.root / "incoming" / name
        with self._lock:
            if not folder.is_dir():
                return ""
            folder.rename(self.root / "received" / later)
        return later

    def attempts(self, name: str) -> int:
        """Give how often a received series was begun and the process ended before the attempt did."""
        file = self.root / "received" / name / _ATTEMPTS
        return file.stat().st_size if file.exists() else 0

    @contextmanager
    def attempt(self, name: str) -> Iterator[None]:
        """Count an attempt at a received series on the disk; an attempt that ends, well or not, is forgotten."""
        file = self.root / "received" / name / _ATTEMPTS
        with file.open("ab") as opened:
            opened.write(b".")
            opened.flush()
            os.fsync(opened.fileno())
        try:
            yield
        finally:
            file.unlink(missing_ok=True)

    @contextmanager
    def made(self, name: str) -> Iterator[Path]:
        """Give a folder for the results of a series; they go out, and what was received goes, when it is whole."""
        making = self.root / "making" / name
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        try:
            yield making
            _settle(making)
            making.rename(self.root / "outgoing" / name)
            _sync(self.root / "outgoing")
            self._remove("received", name)
        finally:
            shutil.rmtree(making, ignore_errors=True)

    def fail(self, name: str, reason: str) -> None:
        """Put a series aside, with a word why; it takes the place of what failed under its name before."""
        folder = self.root / "failed" / name
        if folder.exists():  # it was copied back, not moved
            self._remove("failed", name)
        (self.root / "received" / name).rename(folder)
        (folder / _ATTEMPTS).unlink(missing_ok=True)  # so that it is begun anew if it is put back
        with suppress(OSError):  # as on a full disk: the series has moved all the same, and the reason is in the log
            (folder / "reason.txt").write_text(f"{reason}\n", encoding="utf-8")

    def drop(self, name: str) -> None:
        """Forget a series that need not be reconstructed."""
        self._remove("received", name)

    def finish(self, name: str) -> None:
        """Forget a series that was delivered."""
        self._remove("outgoing", name)

    def outgoing(self) -> list[str]:
        """Give the series that are to be delivered: not those whose source a crash has left here."""
        return [name for name in self.names("outgoing") if not (self.root / "received" / name).exists()]

    def tidy(self) -> None:
        """Drop received series whose results are there; a crash came between."""
        for name in set(self.names("received")) & set(self.names("outgoing")):
            self._remove("received", name)

    def _remove(self, stage: str, name: str) -> None:
        leaving = self.root / "leaving" / f"{stage}-{name}"
        (self.root / stage / name).rename(leaving)  # at once, where removing its files takes time
        shutil.rmtree(leaving, ignore_errors=True)


@contextmanager
def spool_at(root: Path) -> Iterator[Spool]:
    """Take a spool for this process, and drop what a crash has left half done."""
    _make(root)
    with claimed(root / "node") as free:
        if not free:
            raise ConfigError(f"{root} must be the spool of one node, got one that another node has; give --spool")
        spool = Spool(root)
        spool.tidy()
        yield spool


def _make(folder: Path) -> None:
    """Make a folder into which only its user can look."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{folder} must be a folder that can be written, got: {error.strerror}; choose --spool"
        ) from None


def _hashed(uid: str) -> str:
    return sha256(uid.encode()).hexdigest()[:24]


def _settle(folder: Path) -> None:
    """Wait until a folder's files are on the disk."""
    for path in (*folder.rglob("*"), folder):
        _sync(path)


def _sync(path: Path) -> None:
    """Wait until a file, or what a folder lists, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
