"""A node that stops or is killed goes on where it was."""

import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from recon.clinical.dicom.spool import Spool
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import model
from tests.clinical.dicom.peers import archive, delivered, node, send, values, wait_for
from tests.clinical.dicom.test_spool import there


@pytest.mark.parametrize("stage", ["incoming", "outgoing"])
def test_a_node_that_starts_again_goes_on(stage: str, tmp_path: Path) -> None:
    files, said, spool = phantoms.write_series(tmp_path / "in"), list[str](), tmp_path / "spool"
    with node(model(), spool, 1, said, at_release=stage == "outgoing") as at:
        send(files, at.port)
        wait_for(lambda: there(spool) == {stage: 1})
    assert there(spool) == {stage: 1}
    with archive() as to, node(model(), spool, to.port, said, quiet_time=0.2):
        wait_for(lambda: delivered(said))
    assert np.array_equal(values(to), phantoms.stored() - 1024)
    assert there(spool) == {}


def test_stopping_leaves_a_series_that_is_being_reconstructed(tmp_path: Path) -> None:
    files, spool, begun = phantoms.write_series(tmp_path / "in"), tmp_path / "spool", threading.Event()

    def slow(images: object) -> object:
        begun.set()
        time.sleep(0.3)
        return images

    with node(model("ct", slow), spool, 1) as at:  # type: ignore[arg-type]
        send(files, at.port)
        assert begun.wait(20)
    assert there(spool) == {"received": 1}
    (name,) = Spool(spool).names("received")
    assert Spool(spool).attempts(name) == 0  # a stop is no crash
    said = list[str]()
    with archive() as to, node(model(), spool, to.port, said):
        wait_for(lambda: delivered(said))
    assert len(to.images) == 5


def test_stopping_ends_all_threads_and_frees_the_port(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with node(model(), tmp_path / "spool", 1) as at:
        port = at.port
    wait_for(lambda: set(threading.enumerate()) <= before)
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))
