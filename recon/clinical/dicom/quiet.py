"""Keeps what libraries say of the values in a file out of logs: they name patients."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LIBRARIES = ("pydicom", "pynetdicom", "openjpeg", "pylibjpeg")
_SILENT = logging.CRITICAL + 1


class _Silence:
    """What is put back when the last of those who asked for silence has gone; threads share it."""

    def __init__(self) -> None:
        self.lock, self.users = threading.Lock(), 0
        self.levels: dict[str, int] = {}
        self.warnings = warnings.catch_warnings()

    def begin(self) -> None:
        with self.lock:
            self.users += 1
            if self.users > 1:
                return
            self.warnings = warnings.catch_warnings()
            self.warnings.__enter__()
            warnings.simplefilter("ignore")
            for name in _LIBRARIES:
                self.levels[name] = logging.getLogger(name).level
                logging.getLogger(name).setLevel(_SILENT)

    def end(self) -> None:
        with self.lock:
            self.users -= 1
            if self.users:
                return
            for name, level in self.levels.items():
                logging.getLogger(name).setLevel(level)
            self.warnings.__exit__(None, None, None)


_SILENCE = _Silence()


@contextmanager
def quiet() -> Iterator[None]:
    """Let pydicom and pynetdicom neither warn nor log: both quote the values that they do not like."""
    _SILENCE.begin()
    try:
        yield
    finally:
        _SILENCE.end()
