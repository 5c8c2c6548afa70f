"""MRD's streaming protocol, from ISMRMRD's documentation: messages of an id and a body, little endian.

1 names a configuration, 2 holds one, 3 is the XML header, 4 closes, 5 is text for people; 1008 is a line of k-space,
1022 an image, 1026 a waveform.
"""

import struct
import time
from dataclasses import dataclass
from math import prod
from socket import socket
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recon.clinical.mrd.images import MRDImage
from recon.clinical.mrd.layout import ACQUISITION, IMAGE, PIXELS, WAVEFORM_BYTES, WAVEFORM_SIZES, Head
from recon.errors import DataError

CONFIG_FILE, CONFIG_TEXT, HEADER, CLOSE, TEXT = 1, 2, 3, 4, 5
LINE, PICTURE, WAVEFORM = 1008, 1022, 1026
NAMES = {
    CONFIG_FILE: "the name of a configuration",
    CONFIG_TEXT: "a configuration",
    HEADER: "the header",
    CLOSE: "the end",
    TEXT: "text",
    LINE: "a line of k-space",
    PICTURE: "an image",
    WAVEFORM: "a waveform",
}
CONFIG_NAME_BYTES = 1024
_CHUNK = 1 << 16


class VanishedError(DataError):
    """The other side is gone, or says nothing for too long."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is waited for and taken.

    Args:
        silence: seconds within which each message must come, whole.
        session: seconds that everything may take.
        text: bytes of a header, a configuration or a text.
        line: bytes of a line of k-space.
        image: bytes of an image.
    """

    silence: float = 60.0
    session: float = 7200.0
    text: int = 1 << 20
    line: int = 1 << 26
    image: int = 1 << 28


class Incoming:
    """Reads messages from a socket; each must be whole in time."""

    def __init__(self, connection: socket, bounds: Bounds) -> None:
        self.connection, self.bounds = connection, bounds
        self._held = bytearray()
        self._end = time.monotonic() + bounds.session
        self._due = self._end

    def message(self) -> int:
        """Read the id of the next message, and give its body the time that it has."""
        self._due = min(time.monotonic() + self.bounds.silence, self._end)
        number: int = struct.unpack("<H", self.exactly(2))[0]
        return number

    def text(self, what: str) -> bytes:
        """Read a body of a length and as many bytes."""
        (length,) = struct.unpack("<I", self.exactly(4))
        if length > self.bounds.text:
            raise DataError(f"{what} must have at most {self.bounds.text} bytes, got {length}; send less")
        return self.exactly(length)

    def line_head(self) -> Head:
        """Read the header of a line of k-space; its trajectory and samples follow."""
        head = np.frombuffer(self.exactly(ACQUISITION.itemsize), ACQUISITION)[0]
        size = line_bytes(head)
        if size > self.bounds.line:
            raise DataError(f"a line must have at most {self.bounds.line} bytes, got {size}; send fewer samples")
        return head

    def samples(self, head: Head) -> NDArray[np.complex64]:
        """Read the samples (channels, n) of a line, after its trajectory, which is not kept."""
        count, channels = int(head["number_of_samples"]), int(head["active_channels"])
        self.skip(4 * count * int(head["trajectory_dimensions"]))
        return np.frombuffer(self.exactly(8 * count * channels), "<c8").reshape(channels, count)

    def image(self) -> MRDImage:
        """Read an image."""
        head = np.frombuffer(self.exactly(IMAGE.itemsize), IMAGE)[0]
        (length,) = struct.unpack("<Q", self.exactly(8))
        kind = PIXELS.get(int(head["data_type"]))
        shape = (int(head["channels"]), *(int(size) for size in head["matrix_size"][::-1]))
        size = np.dtype(kind).itemsize * prod(shape) if kind is not None else 0
        if kind is None or length > self.bounds.text or size > self.bounds.image:
            raise DataError(f"an image must be of a known type and fit into {self.bounds.image} bytes, got another")
        attributes = self.exactly(length).rstrip(b"\0").decode(errors="replace")
        return MRDImage(head, attributes, np.frombuffer(self.exactly(size), kind).reshape(shape))

    def skip_waveform(self) -> None:
        """Read a waveform and let it go."""
        sizes = np.frombuffer(self.exactly(WAVEFORM_BYTES)[: WAVEFORM_SIZES.itemsize], WAVEFORM_SIZES)[0]
        self.skip(4 * int(sizes["samples"]) * int(sizes["channels"]))

    def skip(self, count: int) -> None:
        """Read bytes and let them go, however many there are."""
        while count > 0:
            count -= len(self.exactly(min(count, _CHUNK)))

    def exactly(self, count: int) -> bytes:
        """Read so many bytes."""
        while len(self._held) < count:
            left = self._due - time.monotonic()
            if left <= 0:
                raise self._late()
            self.connection.settimeout(left)
            try:
                got = self.connection.recv(max(_CHUNK, min(count - len(self._held), 1 << 20)))
            except TimeoutError as error:
                raise self._late() from error
            except OSError as error:
                raise VanishedError("the connection must stay until the message CLOSE, got none any more") from error
            if not got:
                raise VanishedError(
                    "the connection must stay until the message CLOSE, got its end; send the whole measurement"
                )
            self._held += got
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    def _late(self) -> VanishedError:
        seconds = self.bounds.session if time.monotonic() >= self._end else self.bounds.silence
        return VanishedError(f"messages must come within {seconds:g} seconds, got none that is whole; connect again")


class Line(NamedTuple):
    """A line of k-space as it is sent: its header, samples (channels, n), and the bytes of its trajectory, if any."""

    head: Head
    samples: NDArray[np.complex64]
    trajectory: bytes = b""


def line_bytes(head: Head) -> int:
    """Count the bytes that follow a line's header."""
    channels, dimensions = int(head["active_channels"]), int(head["trajectory_dimensions"])
    return int(head["number_of_samples"]) * (8 * channels + 4 * dimensions)


def config_message(name: str) -> bytes:
    """Name a configuration."""
    return struct.pack("<H", CONFIG_FILE) + name.encode()[: CONFIG_NAME_BYTES - 1].ljust(CONFIG_NAME_BYTES, b"\0")


def text_message(number: int, text: bytes) -> bytes:
    """Give a message of an id and a text: a configuration, a header, or words for people."""
    return struct.pack("<HI", number, len(text)) + text


def line_message(line: Line) -> bytes:
    """Give a line of k-space."""
    start = struct.pack("<H", LINE) + line.head.tobytes() + line.trajectory
    return start + line.samples.astype("<c8", copy=False).tobytes()


def image_message(image: MRDImage) -> bytes:
    """Give an image."""
    attributes = image.attributes.encode()
    start = struct.pack("<H", PICTURE) + image.head.tobytes() + struct.pack("<Q", len(attributes))
    return start + attributes + image.pixels.tobytes()


def close_message() -> bytes:
    """Tell the end."""
    return struct.pack("<H", CLOSE)
