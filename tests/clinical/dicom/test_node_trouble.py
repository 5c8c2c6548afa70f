"""A node goes on, whatever happens to a series or its disk, and names no patient."""

import logging
import shutil
import socket
import threading
import time
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from recon.clinical.dicom.spool import Spool
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import identity, model, only
from tests.clinical.dicom.peers import archive, delivered, node, send, wait_for
from tests.clinical.dicom.test_spool import there

BAD = {
    "uneven": (lambda d, n: setattr(d, "ImagePositionPatient", phantoms.position(n * n)), "even distances"),
    "tag": (lambda d, n: delattr(d, "PixelSpacing"), "Pixel Spacing"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_series_is_put_aside_and_the_next_one_done(case: str, tmp_path: Path) -> None:
    change, reason = BAD[case]

    def changed(dataset: Dataset, number: int) -> None:
        change(dataset, number)

    bad, said = phantoms.write_series(tmp_path / "bad", change=changed), list[str]()
    good = phantoms.write_series(tmp_path / "good", series="2")
    with archive() as to, node(model(), tmp_path / "spool", to.port, said) as at:
        assert send(bad, at.port) == [0] * 5
        wait_for(lambda: any("failed" in text for text in said))
        send(good, at.port)
        wait_for(lambda: delivered(said))
    assert len(to.images) == 5
    assert there(tmp_path / "spool") == {"failed": 1}
    (why,) = (tmp_path / "spool" / "failed").glob("*/reason.txt")
    assert reason in why.read_text()


def test_a_series_for_another_model_and_a_size_that_does_not_fit_are_put_aside(tmp_path: Path) -> None:
    said = list[str]()
    odd = phantoms.write_series(tmp_path / "odd", values=phantoms.stored(2, (23, 29)))
    other = phantoms.write_series(tmp_path / "other", "MR", series="2")
    with archive() as to, node(model(pad="refuse"), tmp_path / "spool", to.port, said) as at:
        send(odd, at.port)
        send(other, at.port)
        wait_for(lambda: sum("failed" in text for text in said) == 2)
    assert any("multiples of 4" in text for text in said)
    assert any("images must be ct" in text for text in said)


@pytest.mark.parametrize("kind", [RuntimeError, KeyError])
def test_a_model_that_breaks_does_not_stop_the_node(kind: type[Exception], tmp_path: Path) -> None:
    calls, said = list[int](), list[str]()

    def sometimes(images: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise kind("Tellname is in the memory of this error")
        return images

    files = [phantoms.write_series(tmp_path / name, series=name) for name in "12"]
    with archive() as to, node(model("ct", sometimes), tmp_path / "spool", to.port, said) as at:  # type: ignore[arg-type]
        for series in files:
            send(series, at.port)
        wait_for(lambda: delivered(said))
    assert there(tmp_path / "spool") == {"failed": 1}
    assert kind.__name__ in " ".join(said)
    assert "Tellname" not in " ".join(said)


def test_what_an_archive_sends_back_is_not_reconstructed_again(tmp_path: Path) -> None:
    phantoms.write_series(tmp_path / "in")
    source, said = only(tmp_path / "in"), list[str]()
    source.write(source.read(), identity(), tmp_path / "out")
    with archive() as to, node(model(), tmp_path / "spool", to.port, said) as at:
        assert send(sorted((tmp_path / "out").iterdir()), at.port) == [0] * 5
        wait_for(lambda: any("result of recon itself" in text for text in said))
    assert to.images == []
    assert there(tmp_path / "spool") == {}


def test_rubbish_is_refused_and_the_node_goes_on(tmp_path: Path) -> None:
    (good,) = phantoms.write_series(tmp_path / "in", values=phantoms.stored(1))
    bad = phantoms.slice_of(phantoms.stored(1)[0], 0)
    del bad.SeriesInstanceUID
    bad.save_as(tmp_path / "bad.dcm", enforce_file_format=True)
    with node(model(), tmp_path / "spool", 1) as at:
        with socket.create_connection(("127.0.0.1", at.port)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with socket.create_connection(("127.0.0.1", at.port)):
            pass
        assert send([tmp_path / "bad.dcm"], at.port) == [0xC000]
        assert send([good], at.port) == [0]


def test_a_full_disk_is_answered_with_out_of_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = phantoms.write_series(tmp_path / "in", values=phantoms.stored(1))
    said = list[str]()
    with node(model(), tmp_path / "spool", 1, said) as at:
        monkeypatch.setattr("recon.clinical.dicom.spool.KEEP_FREE", 1 << 62)
        assert send([file, file], at.port) == [0xA700] * 2
        monkeypatch.undo()
        wait_for(lambda: said)
        assert said == ["refused 2 of the images of 'SCANNER' with status 0xA700: the disk of the spool has no room"]

        def full(self: Spool, *arguments: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Spool, "keep", full)
        assert send([file], at.port) == [0xA700]
        monkeypatch.undo()
        assert send([file], at.port) == [0]


def test_a_series_of_which_an_image_was_refused_is_not_complete_at_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, said, has_room = phantoms.write_series(tmp_path / "in"), list[str](), Spool.has_room
    sizes = list[int]()

    def seldom(self: Spool, size: int) -> bool:
        sizes.append(size)
        return len(sizes) != 5 and has_room(self, size)

    monkeypatch.setattr(Spool, "has_room", seldom)
    with archive() as to, node(model(), tmp_path / "spool", to.port, said) as at:
        assert send(files, at.port) == [0, 0, 0, 0, 0xA700]
        time.sleep(0.3)
        assert there(tmp_path / "spool") == {"incoming": 1}
        assert send(files[4:], at.port) == [0]
        wait_for(lambda: delivered(said))
    assert len(to.images) == 5


def test_a_disk_that_is_full_for_the_result_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, said = phantoms.write_series(tmp_path / "in"), list[str]()
    save = Dataset.save_as

    def full(self: Dataset, *arguments: object, **words: object) -> None:
        raise OSError(28, "No space left on device")

    with archive() as to, node(model(), tmp_path / "spool", to.port, said) as at:
        monkeypatch.setattr(Dataset, "save_as", full)
        send(files, at.port)
        wait_for(lambda: any("make room" in text for text in said))
        assert there(tmp_path / "spool") == {"received": 1}
        monkeypatch.setattr(Dataset, "save_as", save)
        wait_for(lambda: delivered(said))
    assert len(to.images) == 5


def test_several_scanners_send_at_once(tmp_path: Path) -> None:
    series = [phantoms.write_series(tmp_path / name, series=name) for name in "1234"]
    said, answers = list[str](), list[list[int]]()
    with archive() as to, node(model(), tmp_path / "spool", to.port, said) as at:
        threads = [threading.Thread(target=lambda f=f: answers.append(send(f, at.port))) for f in series]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(lambda: delivered(said, 4))
    assert answers == [[0] * 5] * 4
    assert len(to.images) == 20


def test_nobody_is_named(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
) -> None:
    good = phantoms.write_series(tmp_path / "1")
    bad = phantoms.write_series(tmp_path / "2", change=lambda d, n: setattr(d, "PatientID", f"TELLER{n}"), series="2")
    worse = phantoms.write_series(tmp_path / "3", values=phantoms.stored(1), series="3")
    shutil.copy(worse[0], tmp_path / "cut.dcm")
    dataset = pydicom.dcmread(tmp_path / "cut.dcm")
    dataset.PixelData = dataset.PixelData[:100]
    dataset.save_as(tmp_path / "cut.dcm")
    said = list[str]()
    caplog.clear()
    recwarn.clear()
    with caplog.at_level(logging.DEBUG), node(model(), tmp_path / "spool", 1, said) as at:
        for files in (good, bad, [tmp_path / "cut.dcm"]):
            send(files, at.port)
        wait_for(lambda: sum("failed" in text for text in said) == 2 and any("waits" in text for text in said))
    printed = capfd.readouterr()
    shown = "\n".join([*said, caplog.text, printed.out, printed.err, *(str(w.message) for w in recwarn)])
    names = [path.name for path in (tmp_path / "spool").rglob("*")]
    for word in (*phantoms.TELLTALES.values(), "Tell", "TELL", phantoms.ROOT):
        assert word not in shown.replace(str(tmp_path), "")
        assert word not in " ".join(names)
