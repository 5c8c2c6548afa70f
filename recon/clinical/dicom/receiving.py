"""Takes images that peers send (C-STORE), and says what it did not take."""

import errno
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from socketserver import BaseServer

import pydicom
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, AllTransferSyntaxes, DeflatedExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.events import Event, EventHandlerType
from pynetdicom.transport import ThreadedAssociationServer

from recon.clinical.dicom.arrivals import IDLE, Arrivals
from recon.clinical.dicom.headers import CLASSES
from recon.clinical.dicom.peers import Settings
from recon.clinical.dicom.spool import Spool
from recon.errors import ConfigError

_VERIFICATION = "1.2.840.10008.1.1"  # C-ECHO
_SUCCESS, _OUT_OF_RESOURCES, _NOT_UNDERSTOOD, _FAILURE = 0x0000, 0xA700, 0xC000, 0x0110
_WHY = {
    _OUT_OF_RESOURCES: "the disk of the spool has no room",
    _NOT_UNDERSTOOD: "not DICOM, or without a series and instance UID",
    _FAILURE: "the spool cannot be written",
}
_POLL = 0.1  # seconds between looks whether to stop
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class Reception:
    """Takes images of all associations into the spool."""

    def __init__(self, spool: Spool, arrivals: Arrivals, settings: Settings, say: Callable[[str], None]) -> None:
        self.spool, self.arrivals, self.settings, self.say = spool, arrivals, settings, say
        self._refused: dict[int, Counter[int]] = {}  # how often each status was answered, by association

    def handlers(self) -> list[EventHandlerType]:
        """Give what answers each event of pynetdicom."""
        return [
            (evt.EVT_C_ECHO, lambda event: _SUCCESS),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_REJECTED, self._rejected),
            (evt.EVT_RELEASED, lambda event: self._ended(event, complete=self.settings.at_release)),
            (evt.EVT_ABORTED, lambda event: self._ended(event, complete=False)),
            (evt.EVT_CONN_CLOSE, lambda event: self._ended(event, complete=False)),
        ]

    def _store(self, event: Event) -> int:
        status = self._kept(event)
        if status != _SUCCESS:
            self._refused.setdefault(id(event.assoc), Counter())[status] += 1
        return status

    def _kept(self, event: Event) -> int:
        """Keep an instance; give DICOM's status. Success is answered when it is on the disk."""
        try:
            data = event.encoded_dataset()
            if not self.spool.has_room(len(data)):
                return _OUT_OF_RESOURCES
            names = ["SeriesInstanceUID", "SOPInstanceUID"]
            header = pydicom.dcmread(BytesIO(data), stop_before_pixels=True, specific_tags=list(names))
            series, instance = (str(header.get(name) or "") for name in names)
            if not series or not instance:
                return _NOT_UNDERSTOOD
            with self.arrivals.arriving(self.spool.name_of(series), id(event.assoc)):
                self.spool.keep(series, instance, data)
        except OSError as error:
            return _OUT_OF_RESOURCES if error.errno in _DISK_FULL else _FAILURE
        except Exception:  # of many kinds: what a peer sends must not stop the node
            return _NOT_UNDERSTOOD
        return _SUCCESS

    def _rejected(self, event: Event) -> None:
        asked, answer = event.assoc.requestor.primitive, event.assoc.acceptor.primitive
        if asked and answer:
            self.say(f"refused an association of {_title(event)} with {asked.called_ae_title!r}: {answer.reason_str}")

    def _ended(self, event: Event, *, complete: bool) -> None:
        refused = self._refused.pop(id(event.assoc), Counter[int]())
        self.arrivals.ended(id(event.assoc), complete=complete and not refused)  # what was refused comes again
        for status, count in refused.items():
            self.say(f"refused {count} of the images of {_title(event)} with status 0x{status:04X}: {_WHY[status]}")


@contextmanager
def listening(
    spool: Spool, arrivals: Arrivals, settings: Settings, say: Callable[[str], None]
) -> Iterator[tuple[str, int]]:
    """Listen, in threads, until the block ends; give the address.

    CT and MR images are taken in the encodings that can be decoded, and C-ECHO is answered.
    """
    ae = AE(ae_title=settings.aet)
    ae.require_called_aet = True
    ae.require_calling_aet = list(settings.calling)
    ae.network_timeout = IDLE
    ae.add_supported_context(_VERIFICATION)
    for uid in CLASSES:
        ae.add_supported_context(uid, _decodable())
    server = _server(ae, Reception(spool, arrivals, settings, say), settings)
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


def _server(ae: AE, reception: Reception, settings: Settings) -> ThreadedAssociationServer:
    try:
        server: ThreadedAssociationServer = ae.make_server(
            (settings.bind, settings.port), evt_handlers=reception.handlers(), server_class=ThreadedAssociationServer
        )
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"the node must be able to listen at {settings.bind}:{settings.port}, got: {error}; choose another port "
            f"with --port, or another address with --bind"
        ) from None
    return server


def _title(event: Event) -> str:
    """Give what a peer calls itself."""
    return repr(event.assoc.requestor.ae_title)


def _decodable() -> list[UID]:
    """Give the encodings whose pixels can be decoded here, plain ones first.

    Not the deflated one: such a file tells its size only when all of it is inflated, which could be all the memory.
    """
    found = []
    for uid in AllTransferSyntaxes:
        try:
            if uid != DeflatedExplicitVRLittleEndian and get_decoder(uid).is_available:
                found.append(uid)
        except NotImplementedError:
            continue
    return found
