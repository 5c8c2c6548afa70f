"""A DICOM node: takes series, reconstructs each when it is complete, and delivers the result."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from recon.clinical.dicom.peers import Settings
from recon.clinical.dicom.quiet import quiet
from recon.clinical.dicom.receiving import Arrivals, listening
from recon.clinical.dicom.sending import deliver
from recon.clinical.dicom.source import DicomSource, RefusedSeries, dicom_sources
from recon.clinical.dicom.spool import Spool, spool_at
from recon.clinical.models import ClinicalModel, require_size
from recon.errors import DataError, ReconError

_TICK = 0.05  # seconds between looks at what there is to do
_LONGEST_WAIT = 60.0  # seconds between tries to deliver


class _StopError(Exception):
    """The node is to stop while a series is reconstructed; it is begun again at the next start."""


class Node:
    """A node at work; `running` gives one."""

    def __init__(self, spool: Spool, model: ClinicalModel, settings: Settings, say: Callable[[str], None]) -> None:
        self.spool, self.model, self.settings, self.say = spool, model, settings, say
        self.arrivals = Arrivals(spool)
        self.stopping = threading.Event()
        self.address = settings.bind, settings.port
        self._waits: dict[str, tuple[float, float]] = {}  # a series' next time and the wait after it
        self._threads = [threading.Thread(target=self._loop, args=(do,)) for do in (self._reconstruct, self._deliver)]

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.address[1]

    def _loop(self, do: Callable[[], None]) -> None:
        while not self.stopping.wait(_TICK):
            try:
                do()
            except _StopError:
                return
            except Exception as error:  # nothing that happens to one series ends the node
                self.say(f"went wrong, and is tried again: {type(error).__name__}")
                self.stopping.wait(min(self.settings.retry, _LONGEST_WAIT))

    def _reconstruct(self) -> None:
        """Reconstruct what is complete."""
        self.arrivals.take_complete(self.settings.quiet_time)
        for name in self.spool.names("received"):
            if self.stopping.is_set():
                return
            if not self._due(name):
                continue
            begun = time.monotonic()
            try:
                count = self._made(name)
            except _StopError:
                raise
            except Exception as error:  # of any kind: it is this series', not the node's
                self._give_up(name, error)
                continue
            self._waits.pop(name, None)
            if not count:
                self.say(f"{_short(name)}: is a result of recon itself, and is not reconstructed again")
                continue
            slices = f"{count} slice{'s' if count != 1 else ''}"
            self.say(f"{_short(name)}: {slices} reconstructed in {time.monotonic() - begun:.1f} s")

    def _give_up(self, name: str, error: Exception) -> None:
        """Put a series aside, or try it again later where the disk is at fault; errors of libraries quote the data."""
        if isinstance(error, OSError) or isinstance(error.__cause__, OSError):
            self._later(name, "its result cannot be kept; make room in the spool")
            return
        reason = str(error) if isinstance(error, ReconError) else type(error).__name__
        self.spool.fail(name, reason)
        self.say(f"{_short(name)}: failed and kept in {self.spool.root / 'failed'}: {reason}")

    def _made(self, name: str) -> int:
        """Reconstruct a series; give the number of slices, or 0 for what an archive has sent back."""
        folder = self.spool.root / "received" / name
        found = dicom_sources(folder)
        for one in found:
            if isinstance(one, RefusedSeries):
                raise one.reason
        sources = [one for one in found if isinstance(one, DicomSource)]
        if not sources:
            raise DataError("a series must hold images, got none; send it again")
        if all(source.own for source in sources):
            self.spool.drop(name)
            return 0
        count = 0
        with self.spool.made(name) as making:
            for number, source in enumerate(sources):
                if source.modality != self.model.identity.modality:
                    raise DataError(
                        f"images must be {self.model.identity.modality}, as the model is for, got {source.modality}"
                    )
                require_size(source.size, self.model)
                source.write(self.model(source.read()), self.model.identity, making / f"{number:03d}")
                count += source.slices
        return count

    def _deliver(self) -> None:
        """Send what is reconstructed."""
        for name in self.spool.outgoing():
            if self.stopping.is_set():
                return
            if not self._due(name):
                continue
            problem = self._delivered(name)
            if self.stopping.is_set() and problem:
                return
            if problem:
                self._later(name, f"{self.settings.forward}: {problem}")
                continue
            self._waits.pop(name, None)
            self.spool.finish(name)
            self.say(f"{_short(name)}: delivered to {self.settings.forward}")

    def _delivered(self, name: str) -> str:
        """Send a series; give what went wrong, or nothing."""
        folder = self.spool.root / "outgoing" / name
        try:
            return deliver(folder, self.settings.forward, aet=self.settings.aet, stopping=self.stopping.is_set)
        except Exception as error:  # of any kind: others can still be delivered
            return f"it could not be sent ({type(error).__name__})"

    def _due(self, name: str) -> bool:
        return time.monotonic() >= self._waits.get(name, (0.0, 0.0))[0]

    def _later(self, name: str, why: str) -> None:
        wait = min(self._waits.get(name, (0.0, self.settings.retry))[1], _LONGEST_WAIT)
        self._waits[name] = time.monotonic() + wait, 2 * wait
        self.say(f"{_short(name)}: waits {wait:.0f} s: {why}")

    def check_stop(self, count: int) -> None:
        """Leave the work between two batches when the node is to stop."""
        if self.stopping.is_set():
            raise _StopError

    @contextmanager
    def working(self) -> Iterator["Node"]:
        """Listen and work until the block ends."""
        self.model.on_images = self.check_stop
        with listening(self.spool, self.arrivals, self.settings) as self.address:
            try:
                for thread in self._threads:
                    thread.start()
                yield self
            finally:
                self.stopping.set()
                for thread in self._threads:
                    thread.join()


@contextmanager
def running(model: ClinicalModel, settings: Settings, say: Callable[[str], None]) -> Iterator[Node]:
    """Run a node until the block ends; what is not delivered by then stays in the spool, for the next start."""
    with quiet(), spool_at(Path(settings.spool)) as spool, Node(spool, model, settings, say).working() as node:
        yield node


def _short(name: str) -> str:
    """Give a series' name in messages: a piece of a hash of its UID, from which nobody can be known."""
    return f"series {name[:8]}"
