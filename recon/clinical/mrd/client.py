"""A scanner's side of MRD's stream: sends a measurement, and takes the images that come back."""

import socket
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from recon.clinical.mrd import protocol
from recon.clinical.mrd.images import MRDImage
from recon.clinical.mrd.protocol import Bounds, Incoming, Line
from recon.errors import ConfigError, DataError, ReconError

_PAUSE = 0.2  # seconds between two tries to connect


class Reply(NamedTuple):
    """What came back: images, and texts for people."""

    images: list[MRDImage]
    texts: list[str]


def stream(
    host: str,
    port: int,
    xml: bytes,
    lines: Iterable[Line],
    *,
    config: str = "recon",
    bounds: Bounds | None = None,
    wait: float = 0,
) -> Reply:
    """Send a measurement and give what comes back until the server closes.

    Lines go out in a thread of their own, so that images can come while lines are still sent. `wait` is how many
    seconds a server may take until it listens.
    """
    bounds = Bounds() if bounds is None else bounds
    with _connected(host, port, bounds, time.monotonic() + wait) as connection:
        sender = _Sender(
            connection, [protocol.config_message(config), protocol.text_message(protocol.HEADER, xml)], lines
        )
        sender.start()
        try:
            return _reply(Incoming(connection, bounds))
        except ReconError as error:
            raise sender.error or error from error
        finally:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # which ends the sender, too
            sender.join(bounds.silence)


def _connected(host: str, port: int, bounds: Bounds, end: float) -> socket.socket:
    while True:
        try:
            return socket.create_connection((host, port), timeout=bounds.silence)
        except (OSError, OverflowError, UnicodeError) as error:
            if not isinstance(error, ConnectionRefusedError) or time.monotonic() >= end:
                raise ConfigError(f"a server must listen at {host}:{port}, got {error}; see `recon serve`") from error
            time.sleep(_PAUSE)


class _Sender(threading.Thread):
    """Sends a measurement; a connection that goes is the receiver's to tell."""

    def __init__(self, connection: socket.socket, start: list[bytes], lines: Iterable[Line]) -> None:
        super().__init__(daemon=True)
        self._connection, self._start, self._lines = connection.dup(), start, lines
        self.error: ReconError | None = None

    def run(self) -> None:
        """Send everything."""
        with self._connection, suppress(OSError):
            for message in self._start:
                self._connection.sendall(message)
            try:
                for line in self._lines:
                    self._connection.sendall(protocol.line_message(line))
            except ReconError as error:  # the file cannot be read on: the server must not take it for the whole
                self.error = error
                self._connection.shutdown(socket.SHUT_RDWR)
                return
            self._connection.sendall(protocol.close_message())


def _reply(incoming: Incoming) -> Reply:
    reply = Reply([], [])
    while (number := incoming.message()) != protocol.CLOSE:
        if number == protocol.PICTURE:
            reply.images.append(incoming.image())
        elif number == protocol.TEXT:
            reply.texts.append(incoming.text("a text").decode(errors="replace"))
        else:
            raise DataError(f"a server must send images and texts, got a message of the id {number}; is it one of MRD?")
    return reply
