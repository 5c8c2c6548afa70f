"""Takes images that peers send (C-STORE), and knows when all of a series has come."""

import errno
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from socketserver import BaseServer

import pydicom
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, AllTransferSyntaxes
from pynetdicom import AE, evt
from pynetdicom.events import Event, EventHandlerType
from pynetdicom.transport import ThreadedAssociationServer

from recon.clinical.dicom.headers import CLASSES
from recon.clinical.dicom.peers import Settings
from recon.clinical.dicom.spool import Spool
from recon.errors import ConfigError

_VERIFICATION = "1.2.840.10008.1.1"  # C-ECHO
_SUCCESS, _OUT_OF_RESOURCES, _NOT_UNDERSTOOD, _FAILURE = 0x0000, 0xA700, 0xC000, 0x0110
_POLL = 0.1  # seconds between looks whether to stop
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class Arrivals:
    """Which series are coming, when something of each came last, and which associations bring them."""

    def __init__(self, spool: Spool) -> None:
        self.spool, self._lock = spool, threading.Lock()
        now = time.monotonic()
        self._last = dict.fromkeys(spool.names("incoming"), now)  # what a stop has left begins its wait again
        self._by: dict[int, set[str]] = {}
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

    def released(self, association: int, *, complete: bool) -> None:
        """Note that an association has ended; what it brought is complete then, if that is wanted."""
        with self._lock:
            for series in self._by.pop(association, ()):
                if complete and series in self._last:
                    self._last[series] = float("-inf")

    def take_complete(self, quiet_time: float) -> list[str]:
        """Give the series of which nothing has come for so long, as received ones."""
        with self._lock:
            now = time.monotonic()
            quiet = [series for series, last in self._last.items() if now - last >= quiet_time]
            done = [series for series in quiet if not self._coming[series]]
            found = []
            for series in done:
                found += [later] if (later := self.spool.complete(series)) else []
                del self._last[series], self._coming[series]  # after that, so that it is tried again if the disk fails
            return found


@contextmanager
def listening(spool: Spool, arrivals: Arrivals, settings: Settings) -> Iterator[tuple[str, int]]:
    """Listen, in threads, until the block ends; give the address.

    CT and MR images are taken in every encoding that can be decoded, and C-ECHO is answered.
    """
    ae = AE(ae_title=settings.aet)
    ae.require_called_aet = True
    ae.require_calling_aet = list(settings.calling)
    ae.add_supported_context(_VERIFICATION)
    for uid in CLASSES:
        ae.add_supported_context(uid, _decodable())
    server = _server(ae, spool, arrivals, settings)
    thread = threading.Thread(target=server.serve_forever, args=(_POLL,), daemon=True)
    thread.start()
    try:
        yield str(server.server_address[0]), int(server.server_address[1])
    finally:
        BaseServer.shutdown(server)  # pynetdicom's own expects that it has started the server
        for association in server.active_associations:
            association.abort()  # the peer sends again what it has no answer for
        server.server_close()
        thread.join()


def _server(ae: AE, spool: Spool, arrivals: Arrivals, settings: Settings) -> ThreadedAssociationServer:
    handlers: list[EventHandlerType] = [
        (evt.EVT_C_ECHO, lambda event: _SUCCESS),
        (evt.EVT_C_STORE, lambda event: _take(event, spool, arrivals)),
        (evt.EVT_RELEASED, lambda event: arrivals.released(id(event.assoc), complete=settings.at_release)),
        (evt.EVT_ABORTED, lambda event: arrivals.released(id(event.assoc), complete=False)),
        (evt.EVT_CONN_CLOSE, lambda event: arrivals.released(id(event.assoc), complete=False)),
    ]
    address = settings.bind, settings.port
    try:
        server: ThreadedAssociationServer = ae.make_server(
            address, evt_handlers=handlers, server_class=ThreadedAssociationServer
        )
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"the node must be able to listen at {settings.bind}:{settings.port}, got: {error}; choose another port "
            f"with --port, or another address with --bind"
        ) from None
    return server


def _take(event: Event, spool: Spool, arrivals: Arrivals) -> int:
    """Keep an instance; give DICOM's status. Success is answered when it is on the disk."""
    try:
        data = event.encoded_dataset()
        if not spool.has_room(len(data)):
            return _OUT_OF_RESOURCES
        names = ["SeriesInstanceUID", "SOPInstanceUID"]
        header = pydicom.dcmread(BytesIO(data), stop_before_pixels=True, specific_tags=list(names))
        series, instance = (str(header.get(name) or "") for name in names)
        if not series or not instance:
            return _NOT_UNDERSTOOD
        with arrivals.arriving(spool.name_of(series), id(event.assoc)):
            spool.keep(series, instance, data)
    except OSError as error:
        return _OUT_OF_RESOURCES if error.errno in _DISK_FULL else _FAILURE
    except Exception:  # of many kinds: what a peer sends must not stop the node
        return _NOT_UNDERSTOOD
    return _SUCCESS


def _decodable() -> list[UID]:
    """Give the encodings whose pixels can be decoded here, plain ones first."""
    found = []
    for uid in AllTransferSyntaxes:
        try:
            if get_decoder(uid).is_available:
                found.append(uid)
        except NotImplementedError:
            continue
    return found
