"""A scanner's session, message by message: the images of `recon reconstruct`, or words about what is wrong."""

import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import ismrmrd
import ismrmrd.serialization
import numpy as np
import pytest
import torch
from torch import Tensor

from recon.clinical.formats.mrd import sources
from recon.clinical.models import ClinicalModel, Opening, open_model
from recon.clinical.mrd.protocol import Bounds, close_message
from recon.clinical.mrd.session import StoppedError, Told, converse
from recon.clinical.words import RESEARCH_ONLY
from recon.errors import DataError
from recon.evaluation.loading import Place
from tests.clinical.mrd.scans import acquisitions, header, kspace_of, session, understood, write_file, written

FAST = Bounds(silence=1, session=20)
CONFIG = written(ismrmrd.serialization.ConfigFile("recon"), close=False)
WAVE = ismrmrd.Waveform.from_array(np.ones((2, 50), np.uint32))


@pytest.fixture(scope="module")
def model(mri_model_file: Path) -> ClinicalModel:
    torch.set_num_threads(1)
    return open_model(str(mri_model_file), Opening(place=Place(batch_size=2)))


class Peer:
    """A client's side of a session that runs in a thread."""

    def __init__(self, model: ClinicalModel, bounds: Bounds = FAST) -> None:
        self.connection, served = socket.socketpair()
        self.connection.settimeout(20)
        self.told: Told | None = None

        def serve() -> None:
            with served:
                self.told = converse(served, lambda: model, bounds)

        self.thread = threading.Thread(target=serve, daemon=True)
        self.thread.start()

    def received(self) -> bytes:
        """Read until the server ends, and let it end."""
        parts = []
        while part := self.connection.recv(1 << 16):
            parts.append(part)
        self.connection.close()
        self.thread.join(20)
        assert not self.thread.is_alive()
        return b"".join(parts)


def exchange(model: ClinicalModel, data: bytes, bounds: Bounds = FAST) -> tuple[list[ismrmrd.Image], list[str], Told]:
    """Send everything, then read everything."""
    peer = Peer(model, bounds)
    peer.connection.sendall(data)
    images, texts = understood(peer.received())
    assert peer.told is not None
    return images, texts, peer.told


def pixels(images: Sequence[ismrmrd.Image]) -> Tensor:
    """Give images (N, 1, rows, columns), rows along the readout."""
    return torch.stack([torch.from_numpy(image.data[0, 0].T.copy()) for image in images])[:, None]


def sent(xml: bytes) -> bytes:
    """Send a configuration and a header."""
    return CONFIG + b"\x03\x00" + len(xml).to_bytes(4, "little") + xml


@pytest.mark.parametrize("mark", [True, False])
def test_images_are_those_of_the_file_to_the_bit(model: ClinicalModel, tmp_path: Path, mark: bool) -> None:
    lines = acquisitions(kspace_of((5, 32, 20)), columns=[2, 5, 8, 9, 10, 11, 14, 17], mark=mark)
    xml = header(slices=5)
    images, texts, told = exchange(model, session(xml, lines))
    (source,) = sources(write_file(tmp_path / "raw.h5", xml, lines))
    assert torch.equal(pixels(images), model(source.read()))
    assert texts == []
    assert told == Told(5, "")


def test_images_say_where_they_lie_and_what_made_them(model: ClinicalModel) -> None:
    images, *_ = exchange(model, session(header(crop=(16, 20), pixel=1.5), acquisitions(kspace_of())))
    for index, image in enumerate(images):
        assert (image.matrix_size, image.data.shape) == ((16, 20, 1), (1, 1, 20, 16))
        assert tuple(image.field_of_view) == (24, 30, 3)
        assert tuple(image.position) == (1, -2, 3 * index)
        assert (tuple(image.read_dir), tuple(image.phase_dir), tuple(image.slice_dir)) == (
            (0, 1, 0),
            (0, 0, 1),
            (1, 0, 0),
        )
        assert (image.slice, image.image_index, image.image_series_index, image.measurement_uid) == (
            index,
            index + 1,
            1,
            7,
        )
        assert image.image_type == ismrmrd.IMTYPE_MAGNITUDE
        assert image.meta["ImageComments"] == RESEARCH_ONLY
        assert image.meta["ReconWeightsSHA256"] == model.identity.weights
        assert image.meta["ImageRowDir"] == ["0", "1", "0"]


def test_images_come_while_lines_are_still_sent(model: ClinicalModel) -> None:
    lines = acquisitions(kspace_of((4, 32, 20)))
    data = session(header(slices=4), lines, close=False)
    peer = Peer(model)
    peer.connection.sendall(data[: len(data) * 3 // 4])
    first = peer.connection.recv(2)  # of slices 0 and 1, which are computed together
    assert first == (1022).to_bytes(2, "little")
    peer.connection.sendall(data[len(data) * 3 // 4 :] + close_message())
    images, _ = understood(first + peer.received())
    assert len(images) == 4


def test_client_that_reads_only_after_it_has_sent_all_gets_all(model: ClinicalModel) -> None:
    xml = header(size=(128, 64), crop=(64, 64), slices=90)  # 1.4 MiB of images, more than a connection holds
    images, texts, _ = exchange(model, session(xml, acquisitions(kspace_of((90, 128, 64)), columns=[31, 32])))
    assert (len(images), texts) == (90, [])


def test_noise_waveforms_and_texts_change_nothing(model: ClinicalModel) -> None:
    lines = acquisitions(kspace_of())
    noise = ismrmrd.Acquisition.from_array(kspace_of((16, 99)))
    noise.setFlag(ismrmrd.ACQ_IS_NOISE_MEASUREMENT)
    want, *_ = exchange(model, session(header(), lines))
    found, texts, _ = exchange(model, sent(header()) + written(noise, WAVE, "hello", *lines[:9], WAVE, *lines[9:]))
    assert (found, texts) == (want, [])


@pytest.mark.parametrize("config", [b"", written(ismrmrd.serialization.ConfigText("<none/>"), close=False)])
def test_configuration_may_be_a_text_or_be_left_out(model: ClinicalModel, config: bytes) -> None:
    data = session(header(), acquisitions(kspace_of()))
    images, texts, _ = exchange(model, config + data.removeprefix(CONFIG))
    assert (len(images), texts) == (3, [])


LINES = written(*acquisitions(kspace_of((1, 32, 20)), columns=[3, 4]), close=False)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (close_message(), "the header must come first, got the end"),
        (CONFIG + close_message(), "the header must come first, got the end"),
        (CONFIG + LINES, "the header must come first, got a line of k-space"),
        (CONFIG + CONFIG, "a configuration must come once"),
        (sent(header()) + CONFIG, "a configuration must come once"),
        (sent(header()) + sent(header()).removeprefix(CONFIG), "the header must come once, got a second one"),
        (sent(header()) + LINES + sent(header()).removeprefix(CONFIG), "the header must come once"),
        (sent(header()) + close_message(), "there must be lines of k-space, got none"),
        (sent(header(slices=1))[:-7], "must stay until the message CLOSE"),
        (sent(header(slices=1)) + LINES, "must stay until the message CLOSE"),
        (sent(header(slices=1)) + LINES[:500], "must stay until the message CLOSE"),
        (b"GET / HTTP/1.1\r\n\r\n" * 99, "got a message of the unknown id 17735"),
        (bytes(5000), "got a message of the unknown id 0"),
        (sent(header()) + written(ismrmrd.Image.from_array(np.ones((4, 4), np.float32))), "got an image"),
        (CONFIG + b"\x03\x00\xff\xff\xff\xff", "a header must have at most"),
        (sent(b"no header"), "must be XML"),
        (sent(header(trajectory="radial")), "must be cartesian, got radial"),
        (sent(header(size=(40, 20), crop=(18, 18))), "multiples of 4, got 18 x 18"),
        (session(header(size=(30, 20), crop=(12, 12)), acquisitions(kspace_of())), "must lie in the 30"),
        (session(header(size=(32, 12), crop=(12, 12)), acquisitions(kspace_of())), "lines must lie from 0 to 11"),
        (session(header(slices=4), acquisitions(kspace_of(), mark=False)), "from 0 to 3, as the header says"),
    ],
)
def test_client_is_told_what_is_wrong(model: ClinicalModel, data: bytes, reason: str) -> None:
    peer = Peer(model)
    peer.connection.sendall(data)
    peer.connection.shutdown(socket.SHUT_WR)
    images, texts = understood(peer.received())
    assert images == []
    assert len(texts) == 1
    assert texts[0].startswith("error: ")
    assert reason in texts[0]
    assert "Nobody" not in texts[0]
    assert peer.told is not None
    assert reason in peer.told.error


def test_several_coils_are_refused_before_their_samples_come(model: ClinicalModel) -> None:
    (line,) = acquisitions(kspace_of((1, 32, 20)), columns=[3])
    line.resize(32, 15)
    peer = Peer(model)
    peer.connection.sendall(sent(header()) + written(line, close=False)[:342])
    peer.connection.shutdown(socket.SHUT_WR)
    _, texts = understood(peer.received())
    assert "of a single coil, as the model's training data were, got 15 channels; combine the coils first" in texts[0]


def test_images_that_were_whole_come_before_what_is_wrong(model: ClinicalModel) -> None:
    lines = acquisitions(kspace_of((4, 32, 20)))
    lines[70].data[:] = np.nan
    images, texts, told = exchange(model, session(header(slices=4), lines))
    assert (len(images), len(texts), told.images) == (2, 1, 2)
    assert "must be finite" in texts[0]


def test_silent_client_is_told_and_left(model: ClinicalModel) -> None:
    start = time.monotonic()
    peer = Peer(model, Bounds(silence=0.3, session=20))
    peer.connection.sendall(sent(header()))
    _, texts = understood(peer.received())
    assert "within 0.3 seconds" in texts[0]
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    "data", [b"", CONFIG[:77], sent(header()), sent(header()) + LINES, sent(header()) + LINES[:-99]]
)
def test_client_that_vanishes_is_left_at_once(model: ClinicalModel, data: bytes) -> None:
    peer = Peer(model, Bounds(silence=30, session=60))
    peer.connection.sendall(data)
    peer.connection.close()
    peer.thread.join(5)
    assert peer.told is not None
    assert "must stay until the message CLOSE" in peer.told.error


def test_client_that_takes_no_images_is_left(model: ClinicalModel) -> None:
    kspace = kspace_of((5, 512, 256))
    data = session(header(size=(512, 256), crop=(256, 256), slices=5), acquisitions(kspace, columns=[128]))
    peer = Peer(model, Bounds(silence=0.5, session=20))
    peer.connection.sendall(data)
    peer.thread.join(15)
    assert peer.told is not None
    assert "must take its images" in peer.told.error


def test_stop_is_told_and_handed_on(model: ClinicalModel) -> None:
    near, far = socket.socketpair()
    far.settimeout(5)
    far.shutdown(socket.SHUT_WR)

    def stopped() -> ClinicalModel:
        raise StoppedError("the server must run until the end, got its stop")

    with pytest.raises(StoppedError):
        converse(near, stopped, FAST)
    near.close()
    assert understood(far.recv(4096)) == ([], ["error: the server must run until the end, got its stop"])


def test_model_that_does_not_open_is_told(model: ClinicalModel) -> None:
    near, far = socket.socketpair()
    far.settimeout(5)
    far.shutdown(socket.SHUT_WR)

    def missing() -> ClinicalModel:
        raise DataError("the file must be there")

    assert converse(near, missing, FAST) == Told(0, "the file must be there")
    near.close()


def test_failure_of_the_server_is_told_without_its_words(model: ClinicalModel) -> None:
    near, far = socket.socketpair()
    far.settimeout(5)

    def broken() -> ClinicalModel:
        raise RuntimeError("Nobody^Ever")

    with pytest.raises(RuntimeError):
        converse(near, broken, FAST)
    near.close()
    _, (text,) = understood(far.recv(4096))
    assert text == "error: the server must not fail, but did; its log says where"
