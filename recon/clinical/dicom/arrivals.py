"""Knows which series are coming, and when all of one has come."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from recon.clinical.dicom.spool import Spool

IDLE = 60.0  # seconds after which an open association that has sent nothing more of a series is not waited for


class Arrivals:
    """Which series are coming, when something of each came last, and which open associations have sent of it."""

    def __init__(self, spool: Spool) -> None:
        self.spool, self._lock = spool, threading.Lock()
        now = time.monotonic()
        self._last = dict.fromkeys(spool.names("incoming"), now)  # what a stop has left begins its wait again
        self._by: dict[int, set[str]] = {}  # open associations
        self._coming = Counter[str]()

    @contextmanager
    def arriving(self, series: str, association: int) -> Iterator[None]:
        """Note that an image of a series is coming: the series is not complete before the block ends."""
        with self._lock:
            self._coming[series] += 1
            self._by.setdefault(association, set()).add(series)
        try:
            yield
        finally:
            with self._lock:
                self._coming[series] -= 1
                self._last[series] = time.monotonic()

    def ended(self, association: int, *, complete: bool) -> None:
        """Note the end of an association; what it alone was still bringing is complete then, if that is wanted."""
        with self._lock:
            for series in self._by.pop(association, set()) - self._held():
                if complete and series in self._last:
                    self._last[series] = float("-inf")

    def take_complete(self, quiet_time: float) -> list[str]:
        """Give, as received ones, the series of which nothing has come for so long and nothing more is expected."""
        with self._lock:
            now, held = time.monotonic(), self._held()
            found = []
            for series, last in list(self._last.items()):
                wait = max(quiet_time, IDLE) if series in held else quiet_time
                if self._coming[series] or now - last < wait:
                    continue
                found += [later] if (later := self.spool.complete(series)) else []
                del self._last[series], self._coming[series]  # after that, so that it is tried again if the disk fails
            return found

    def _held(self) -> set[str]:
        """Give the series of which an open association has sent."""
        return set[str]().union(*self._by.values())
