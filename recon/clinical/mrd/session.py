"""One connection of a scanner: configuration, header, lines of k-space in; images, or words of what is wrong, out."""

import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import torch

from recon.clinical.models import ClinicalModel, require_size
from recon.clinical.mrd import protocol
from recon.clinical.mrd.header import encoding_of
from recon.clinical.mrd.images import mrd_image
from recon.clinical.mrd.protocol import Bounds, Incoming, VanishedError
from recon.clinical.mrd.raw import RawImage, RawImages
from recon.errors import DataError, ReconError

ERROR = "error: "  # how a text begins that says why there are no images, or no more
_QUEUED = 256 << 20  # bytes that wait for a client to take them
_PIECE = 1 << 16  # bytes after which a client counts as taking them
_LAST = 2.0  # seconds that a client has to close when all is said


class StoppedError(DataError):
    """The server stops, in the middle of a session."""


class Told(NamedTuple):
    """What came of a session: how many images were sent, and what was wrong."""

    images: int
    error: str


class Outbox:
    """Sends messages in a thread of its own: a client may send everything before it reads anything."""

    def __init__(self, connection: socket.socket, bounds: Bounds) -> None:
        self._connection, self._patience = connection.dup(), bounds.silence
        self._connection.settimeout(bounds.session)
        self._change = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._bytes, self._sent, self._gone, self._closed = 0, 0, False, False
        threading.Thread(target=self._send, daemon=True).start()

    def put(self, message: bytes) -> None:
        """Have a message sent; wait where too many are not taken."""
        with self._change:
            self._wait_for(lambda: self._bytes == 0 or self._bytes + len(message) <= _QUEUED)
            self._waiting.append(message)
            self._bytes += len(message)
            self._change.notify_all()

    def finish(self) -> None:
        """Wait until everything is sent."""
        with self._change:
            self._wait_for(lambda: self._bytes == 0)

    def close(self) -> None:
        """End the thread; what was not sent goes."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        if self._bytes:
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)  # which wakes a thread that still sends

    def _wait_for(self, met: Callable[[], bool]) -> None:
        """Wait as long as the client takes something now and then."""
        while not self._gone and not met():
            before = self._sent
            if not self._change.wait(self._patience) and self._sent == before:
                raise VanishedError(
                    f"the client must take its images, got none taken in {self._patience:g} seconds; read while sending"
                )
        if self._gone:
            raise VanishedError("the client must take its images, got a connection that is gone")

    def _send(self) -> None:
        with self._connection:
            try:
                while (message := self._next()) is not None:
                    for start in range(0, len(message), _PIECE):
                        piece = message[start : start + _PIECE]
                        self._connection.sendall(piece)
                        with self._change:
                            self._bytes -= len(piece)
                            self._sent += len(piece)
                            self._change.notify_all()
            except OSError:
                with self._change:
                    self._gone = True
                    self._change.notify_all()

    def _next(self) -> memoryview | None:
        """Give what is to be sent next; None when there will be nothing more."""
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._closed)
            return None if self._closed else memoryview(self._waiting.popleft())


def converse(connection: socket.socket, open_: Callable[[], ClinicalModel], bounds: Bounds) -> Told:
    """Serve one client to the end; whatever is wrong is told to it, and never says whose images they are."""
    incoming, outbox = Incoming(connection, bounds), Outbox(connection, bounds)
    talk, error = Talk(incoming, outbox), ""
    try:
        talk.run(open_())
        outbox.put(protocol.close_message())
        outbox.finish()
        _drain(connection, min(bounds.silence, _LAST))
    except StoppedError as stop:
        _tell(outbox, str(stop))
        _drain(connection, min(bounds.silence, _LAST))
        raise
    except ReconError as refusal:
        error = str(refusal)
        _tell(outbox, error)
        _drain(connection, bounds.silence)
    except Exception:
        _tell(outbox, "the server must not fail, but did; its log says where")
        raise
    finally:
        outbox.close()
    return Told(talk.sent, error)


def _tell(outbox: Outbox, error: str) -> None:
    """Tell the client what is wrong, if it still listens."""
    with suppress(ReconError):
        outbox.put(protocol.text_message(protocol.TEXT, f"{ERROR}{error}".encode()))
        outbox.put(protocol.close_message())
        outbox.finish()


class Talk:
    """What one client has said so far, and what it gets for it."""

    def __init__(self, incoming: Incoming, outbox: Outbox) -> None:
        self.incoming, self.outbox = incoming, outbox
        self.sent = 0
        self._configured = False
        self._raw: RawImages | None = None

    def run(self, model: ClinicalModel) -> None:
        """Take messages until the client closes, and send images as soon as they are whole.

        They are computed with the same ones at once as `recon reconstruct` does: the same bits on any device.
        """
        count = model.opening.place.batch_size
        while (number := self.incoming.message()) != protocol.CLOSE:
            if self._take(number, model):
                for images in self._raw_so_far(number).ready(count):
                    self._reconstruct(images, model)
        for images in self._raw_so_far(protocol.CLOSE).rest(count):
            self._reconstruct(images, model)

    def _take(self, number: int, model: ClinicalModel) -> bool:
        """Take a message; say whether it was a line of an image."""
        if number in (protocol.CONFIG_FILE, protocol.CONFIG_TEXT):
            self._configure(number)
        elif number == protocol.HEADER:
            self._begin(self.incoming.text("a header"), model)
        elif number == protocol.LINE:
            return self._line()
        elif number == protocol.TEXT:
            self.incoming.text("a text")
        elif number == protocol.WAVEFORM:
            self.incoming.skip_waveform()
        else:
            what = protocol.NAMES.get(number, f"a message of the unknown id {number}")
            raise DataError(f"raw data must be configuration, header, lines, waveforms and texts, got {what}")
        return False

    def _configure(self, number: int) -> None:
        """Read a configuration. It changes nothing: there is one model."""
        if self._configured or self._raw is not None:
            raise DataError(f"a configuration must come once, before the header, got {protocol.NAMES[number]} again")
        if number == protocol.CONFIG_FILE:
            self.incoming.exactly(protocol.CONFIG_NAME_BYTES)
        else:
            self.incoming.text("a configuration")
        self._configured = True

    def _begin(self, xml: bytes, model: ClinicalModel) -> None:
        if self._raw is not None:
            raise DataError("the header must come once, got a second one; connect again for another measurement")
        encoding = encoding_of(xml)
        require_size(encoding.crop, model)
        self._raw = RawImages(encoding)

    def _line(self) -> bool:
        head = self.incoming.line_head()
        raw = self._raw_so_far(protocol.LINE)
        if not raw.wants(head):
            self.incoming.skip(protocol.line_bytes(head))
            return False
        raw.add(head, self.incoming.samples(head))
        return True

    def _raw_so_far(self, number: int) -> RawImages:
        if self._raw is None:
            raise DataError(f"the header must come first, got {protocol.NAMES[number]}; send message 3")
        return self._raw

    def _reconstruct(self, images: list[RawImage], model: ClinicalModel) -> None:
        encoding = self._raw_so_far(protocol.LINE).encoding
        outputs = model(torch.stack([image.magnitude for image in images])[:, None])
        for image, output in zip(images, outputs[:, 0], strict=True):
            made = mrd_image(output, image.head, encoding, model.identity, index=self.sent + 1)
            self.outbox.put(protocol.image_message(made))
            self.sent += 1


def _drain(connection: socket.socket, seconds: float) -> None:
    """Let a client finish sending before the connection goes: closing at once would take the words back, too."""
    end = time.monotonic() + seconds
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while (left := end - time.monotonic()) > 0:
            connection.settimeout(left)
            if not connection.recv(1 << 16):
                return
