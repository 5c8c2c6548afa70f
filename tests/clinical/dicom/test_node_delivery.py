"""A node's results reach the archive, once each, whatever the archive does."""

import socket
import time
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage
from pynetdicom import AE
from pynetdicom.association import Association

from recon.clinical.dicom.spool import Spool
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import model
from tests.clinical.dicom.peers import archive, delivered, node, send, values, wait_for
from tests.clinical.dicom.test_spool import there


def test_results_wait_for_an_archive_that_is_away(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    files, said = phantoms.write_series(tmp_path / "in"), list[str]()
    with node(model(), tmp_path / "spool", port, said) as at:
        send(files, at.port)
        wait_for(lambda: any("cannot be reached" in text for text in said))
        assert there(tmp_path / "spool") == {"outgoing": 1}
        with archive(port) as to:
            wait_for(lambda: delivered(said))
    assert np.array_equal(values(to), phantoms.stored() - 1024)


def test_all_results_wait_together_for_an_archive_that_is_away(tmp_path: Path) -> None:
    series = [phantoms.write_series(tmp_path / name, series=name) for name in "123"]
    spool, said = tmp_path / "spool", list[str]()
    with node(model(), spool, 1, said, retry=30.0) as at:
        for files in series:
            send(files, at.port)
        wait_for(lambda: there(spool) == {"outgoing": 3})
        wait_for(lambda: sum("waits" in text for text in said) > 0)
        time.sleep(0.3)
    assert [text for text in said if "waits" in text] == [
        "delivery: waits 30 s: ARCHIVE at 127.0.0.1:1: it cannot be reached"
    ]


class Nowhere(AE):
    """Finds no host."""

    def associate(self, *arguments: object, **words: object) -> Association:
        """Fail as Python does."""
        raise socket.gaierror(-2, "Name or service not known")


@pytest.mark.parametrize("case", ["stranger", "other classes", "no such host"])
def test_log_says_why_an_archive_takes_nothing(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, said = phantoms.write_series(tmp_path / "in"), list[str]()
    if case == "other classes":
        monkeypatch.setattr("tests.clinical.dicom.peers.CLASSES", (SecondaryCaptureImageStorage,))
    if case == "no such host":
        monkeypatch.setattr("recon.clinical.dicom.sending.AE", Nowhere)
    with (
        archive(titles=["OTHER"] if case == "stranger" else []) as to,
        node(model(), tmp_path / "spool", to.port, said) as at,
    ):
        send(files, at.port)
        wait_for(lambda: any("waits" in text for text in said))
    why = {
        "stranger": "it refused the association: Calling AE title not recognised",
        "other classes": "it takes neither CT nor MR images",
        "no such host": "its name is not known",
    }
    assert any(why[case] in text for text in said)


def test_an_archive_that_refuses_some_gets_the_rest_later_and_none_twice(tmp_path: Path) -> None:
    files, said, asked = phantoms.write_series(tmp_path / "in"), list[str](), list[str]()

    def answer(dataset: Dataset) -> int:
        asked.append(str(dataset.SOPInstanceUID))
        return 0xA700 if len(asked) in (3, 4) else 0

    with archive() as to, node(model(), tmp_path / "spool", to.port, said) as at:
        to.answer = answer
        send(files, at.port)
        wait_for(lambda: delivered(said))
    assert any("0xA700" in text for text in said)
    assert len(to.images) == len({d.SOPInstanceUID for d in to.images}) == 5


def test_a_result_that_cannot_be_read_any_more_does_not_hold_up_others(tmp_path: Path) -> None:
    files, said, spool = phantoms.write_series(tmp_path / "in"), list[str](), tmp_path / "spool"
    (Spool(spool).root / "outgoing" / "first-00000000000000000001").mkdir()
    (spool / "outgoing" / "first-00000000000000000001" / "00001.dcm").write_bytes(b"not an image any more")
    with archive() as to, node(model(), spool, to.port, said) as at:
        send(files, at.port)
        wait_for(lambda: delivered(said))
    assert len(to.images) == 5
    assert any("could not be sent" in text for text in said)


def test_a_warning_of_the_archive_is_a_delivery(tmp_path: Path) -> None:
    files, said = phantoms.write_series(tmp_path / "in"), list[str]()
    with archive() as to, node(model(), tmp_path / "spool", to.port, said) as at:
        to.answer = lambda dataset: 0xB000
        send(files, at.port)
        wait_for(lambda: delivered(said))
    assert there(tmp_path / "spool") == {}
