"""Messages are those of ISMRMRD's own serializer; what is too large, late or cut is refused before it is taken."""

import io
import socket
import struct
import threading
import time
from contextlib import suppress

import ismrmrd
import ismrmrd.serialization
import numpy as np
import pytest

from recon.clinical.mrd import protocol
from recon.clinical.mrd.layout import ACQUISITION, IMAGE
from recon.clinical.mrd.protocol import Bounds, Incoming, VanishedError
from recon.errors import DataError
from tests.clinical.mrd.scans import acquisitions, header, kspace_of, line_of, understood, written

FAST = Bounds(silence=0.3, session=5)


def incoming(data: bytes, bounds: Bounds = FAST, *, ended: bool = True) -> Incoming:
    """Give the reader of a connection on which these bytes came."""
    near, far = socket.socketpair()
    far.sendall(data)
    if ended:
        far.close()
    else:
        incoming.kept = far  # type: ignore[attr-defined]  # else it would be closed
    return Incoming(near, bounds)


def test_lines_of_ismrmrds_serializer_are_read() -> None:
    for one in acquisitions(kspace_of((1, 32, 20)), columns=[3]):
        reader = incoming(written(one))
        assert reader.message() == protocol.LINE
        head = reader.line_head()
        assert head.tobytes() == bytes(one.getHead())
        np.testing.assert_array_equal(reader.samples(head), one.data)
        assert reader.message() == protocol.CLOSE


def test_samples_after_a_trajectory_are_read() -> None:
    one = ismrmrd.Acquisition.from_array(kspace_of((2, 8)), np.ones((8, 3), np.float32))
    reader = incoming(written(one))
    reader.message()
    np.testing.assert_array_equal(reader.samples(reader.line_head()), one.data)
    assert reader.message() == protocol.CLOSE


def test_lines_are_written_as_ismrmrds_serializer_writes_them() -> None:
    one = ismrmrd.Acquisition.from_array(kspace_of((2, 8)), np.ones((8, 3), np.float32))
    assert protocol.line_message(line_of(one)) == written(one, close=False)


@pytest.mark.parametrize(
    ("message", "theirs"),
    [
        (protocol.config_message("recon"), ismrmrd.serialization.ConfigFile("recon")),
        (protocol.text_message(protocol.CONFIG_TEXT, b"{}"), ismrmrd.serialization.ConfigText("{}")),
        (protocol.text_message(protocol.TEXT, "größer".encode()), "größer"),
    ],
)
def test_texts_are_written_as_ismrmrds_serializer_writes_them(message: bytes, theirs: str) -> None:
    assert message == written(theirs, close=False)


def test_header_is_read_by_ismrmrds_deserializer() -> None:
    stream = io.BytesIO(protocol.text_message(protocol.HEADER, header()) + protocol.close_message())
    (found,) = ismrmrd.serialization.ProtocolDeserializer(stream).deserialize()
    assert found == ismrmrd.xsd.CreateFromDocument(header())


@pytest.mark.parametrize("kind", [np.float32, np.complex64, np.uint16, np.float64])
def test_images_are_read_and_written_as_ismrmrd_has_them(kind: type) -> None:
    theirs = ismrmrd.Image.from_array(np.arange(2 * 3 * 4).reshape(2, 1, 3, 4).astype(kind), meta=None)
    theirs.attribute_string = "<ismrmrdMeta><meta><name>a</name><value>b</value></meta></ismrmrdMeta>"
    reader = incoming(written(theirs, close=False))
    assert reader.message() == protocol.PICTURE
    own = reader.image()
    np.testing.assert_array_equal(own.pixels, theirs.data)
    assert own.head["matrix_size"].tolist() == [4, 3, 1]
    ((back,), _) = understood(protocol.image_message(own) + protocol.close_message())
    assert back == theirs


def test_waveforms_are_passed_over() -> None:
    wave = ismrmrd.Waveform.from_array(np.ones((3, 100_000 // 3), np.uint32))
    reader = incoming_while(written(wave))
    assert reader.message() == protocol.WAVEFORM
    reader.skip_waveform()
    assert reader.message() == protocol.CLOSE


def incoming_while(data: bytes) -> Incoming:
    """Give the reader of a connection on which more bytes come than fit into it at once."""
    near, far = socket.socketpair()

    def send() -> None:
        with far:
            far.sendall(data)

    threading.Thread(target=send, daemon=True).start()
    return Incoming(near, FAST)


def test_giant_text_is_refused_before_it_is_read() -> None:
    reader = incoming(struct.pack("<HI", protocol.HEADER, 0xFFFFFFFF), ended=False)
    reader.message()
    with pytest.raises(DataError, match="a header must have at most 1048576 bytes, got 4294967295"):
        reader.text("a header")


def test_giant_line_is_refused_before_it_is_read() -> None:
    head = np.zeros((), ACQUISITION)
    head["number_of_samples"], head["active_channels"] = 65535, 65535
    reader = incoming(struct.pack("<H", protocol.LINE) + head.tobytes(), ended=False)
    reader.message()
    with pytest.raises(DataError, match="a line must have at most"):
        reader.line_head()


@pytest.mark.parametrize(
    "fields",
    [
        {"data_type": 9},
        {"data_type": 5, "matrix_size": 65535, "channels": 65535},
    ],
)
def test_giant_or_unknown_image_is_refused_before_it_is_read(fields: dict[str, int]) -> None:
    head = np.zeros((), IMAGE)
    for name, value in fields.items():
        head[name] = value
    reader = incoming(struct.pack("<H", protocol.PICTURE) + head.tobytes() + bytes(8), ended=False)
    reader.message()
    with pytest.raises(DataError, match="an image must be of a known type and fit"):
        reader.image()


def test_message_that_is_cut_is_refused() -> None:
    reader = incoming(b"\x03")
    with pytest.raises(VanishedError, match="must stay until the message CLOSE"):
        reader.message()


def test_silence_is_refused_in_time() -> None:
    start = time.monotonic()
    with pytest.raises(VanishedError, match=r"within 0\.3 seconds"):
        incoming(b"\x03", ended=False).message()
    assert time.monotonic() - start < 2


def test_bytes_that_trickle_do_not_prolong_a_message() -> None:
    near, far = socket.socketpair()

    def trickle() -> None:
        for _ in range(30):
            with suppress(OSError):
                far.send(b"\0")
            time.sleep(0.1)

    threading.Thread(target=trickle, daemon=True).start()
    start = time.monotonic()
    reader = Incoming(near, Bounds(silence=0.5, session=5))
    reader.message()
    with pytest.raises(VanishedError, match="that is whole"):
        reader.exactly(1000)
    assert time.monotonic() - start < 2


def test_sessions_end_in_time() -> None:
    reader = incoming(struct.pack("<H", protocol.CLOSE), Bounds(silence=5, session=0.2), ended=False)
    reader.message()
    with pytest.raises(VanishedError, match=r"within 0\.2 seconds"):
        reader.message()
