"""A DICOM node: takes series, reconstructs each when it is complete, and delivers the result."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from recon.clinical.dicom.arrivals import Arrivals
from recon.clinical.dicom.peers import Settings
from recon.clinical.dicom.quiet import quiet
from recon.clinical.dicom.receiving import listening
from recon.clinical.dicom.sending import PeerAwayError, deliver
from recon.clinical.dicom.source import DicomSource, RefusedSeries, dicom_sources
from recon.clinical.dicom.spool import Spool, spool_at
from recon.clinical.models import ClinicalModel, require_size
from recon.clinical.processing import processing_of
from recon.errors import DataError, ReconError

_TICK = 0.05  # seconds between looks at what there is to do
_LONGEST_WAIT = 60.0  # seconds between tries to deliver
_ATTEMPTS = 3  # in which a series may end the process, before it is put aside
_DELIVERY = ""  # what waits, in the place of a series, while the peer takes nothing at all


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
        for name in sorted(self.spool.names("received"), key=self.spool.attempts):  # what ended the process is last
            if self.stopping.is_set():
                return
            if not self._due(name):
                continue
            begun = time.monotonic()
            try:
                count = self._attempted(name)
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

    def _attempted(self, name: str) -> int:
        """Reconstruct a series that has not ended the process too often; give what `_made` gives."""
        before = self.spool.attempts(name)
        if before >= _ATTEMPTS:
            raise DataError(
                f"a series must leave the node running, got one during which its process has ended {before} times (is "
                f"there too little memory?); to try it again, move its folder back to {self.spool.root / 'received'}"
            )
        if before:
            self.say(f"{_short(name)}: attempt {before + 1} of {_ATTEMPTS}: the process has ended in the one before")
        with self.spool.attempt(name):
            return self._made(name)

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
                identity = replace(self.model.identity, processing=processing_of(source, self.model))
                source.write(self.model(source.read()), identity, making / f"{number:03d}")
                count += source.slices
        return count

    def _deliver(self) -> None:
        """Send what is reconstructed."""
        peer, aet = self.settings.forward, self.settings.aet
        for name in self.spool.outgoing():
            if self.stopping.is_set() or not self._due(_DELIVERY):
                return
            if not self._due(name):
                continue
            try:
                problem = deliver(self.spool.root / "outgoing" / name, peer, aet=aet, stopping=self.stopping.is_set)
            except PeerAwayError as away:
                self._later(_DELIVERY, f"{peer}: {away}")
                return
            except Exception as error:  # of any kind: others can still be delivered
                problem = f"it could not be sent ({type(error).__name__})"
            self._waits.pop(_DELIVERY, None)
            if self.stopping.is_set() and problem:
                return
            if problem:
                self._later(name, f"{peer}: {problem}")
                continue
            self._waits.pop(name, None)
            self.spool.finish(name)
            self.say(f"{_short(name)}: delivered to {peer}")

    def _due(self, name: str) -> bool:
        return time.monotonic() >= self._waits.get(name, (0.0, 0.0))[0]

    def _later(self, name: str, why: str) -> None:
        wait = min(self._waits.get(name, (0.0, self.settings.retry))[1], _LONGEST_WAIT)
        self._waits[name] = time.monotonic() + wait, 2 * wait
        self.say(f"{_short(name) if name else 'delivery'}: waits {wait:.0f} s: {why}")

    def check_stop(self, count: int) -> None:
        """Leave the work between two batches when the node is to stop."""
        if self.stopping.is_set():
            raise _StopError

    @contextmanager
    def working(self) -> Iterator["Node"]:
        """Listen and work until the block ends."""
        self.model.on_images = self.check_stop
        with listening(self.spool, self.arrivals, self.settings, self.say) as self.address:
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
