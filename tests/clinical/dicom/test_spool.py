"""Nothing that a node has taken is lost or done twice, whenever it stops."""

import os
import shutil
import stat
import threading
from pathlib import Path

import pytest

from recon.clinical.dicom.spool import Spool, spool_at
from recon.errors import ConfigError, DataError

STAGES = ("incoming", "received", "outgoing", "failed")
PRIVATE = 0o700


def there(root: Path) -> dict[str, int]:
    """Give how many series each stage has."""
    return {stage: len(list((root / stage).iterdir())) for stage in STAGES if any((root / stage).iterdir())}


def taken(spool: Spool, series: str = "1.2") -> str:
    """Put a series of two images into a spool."""
    for number in (1, 2):
        spool.keep(series, f"{series}.{number}", b"image")
    return spool.complete(spool.name_of(series))


def test_series_moves_on_from_stage_to_stage(tmp_path: Path) -> None:
    with spool_at(tmp_path) as spool:
        spool.keep("1.2", "1.2.1", b"image")
        assert there(tmp_path) == {"incoming": 1}
        name = spool.complete(spool.name_of("1.2"))
        assert there(tmp_path) == {"received": 1}
        with spool.made(name) as making:
            (making / "result.dcm").write_bytes(b"result")
            assert there(tmp_path) == {"received": 1}
        assert there(tmp_path) == {"outgoing": 1}
        assert spool.outgoing() == [name]
        spool.finish(name)
    assert there(tmp_path) == {}


def test_an_image_that_comes_twice_is_kept_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for data in (b"first", b"second"):
        spool.keep("1.2", "1.2.1", data)
    (file,) = (tmp_path / "incoming" / spool.name_of("1.2")).iterdir()
    assert file.read_bytes() == b"second"


def test_names_tell_no_uid(tmp_path: Path) -> None:
    name = taken(Spool(tmp_path), "1.2.826.0.1.3680043.8.498.98765432123")
    files = [path.relative_to(tmp_path) for path in (tmp_path / "received" / name).rglob("*")]
    assert not [part for part in (name, *map(str, files)) if "1.2" in part or "98765432123" in part]


def test_only_its_user_can_look_into_a_spool(tmp_path: Path) -> None:
    with spool_at(tmp_path / "spool") as spool:
        taken(spool)
        for folder in (tmp_path / "spool", *(tmp_path / "spool" / stage for stage in STAGES)):
            assert stat.S_IMODE(folder.stat().st_mode) == PRIVATE


def test_series_that_goes_wrong_is_put_aside_with_the_reason(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    name = taken(spool)
    with pytest.raises(RuntimeError), spool.made(name):
        raise RuntimeError
    assert there(tmp_path) == {"received": 1}
    spool.fail(name, "no slices")
    assert there(tmp_path) == {"failed": 1}
    assert (tmp_path / "failed" / name / "reason.txt").read_text() == "no slices\n"
    assert len(list((tmp_path / "failed" / name).glob("*.dcm"))) == 2


def test_series_that_was_copied_back_fails_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    name = taken(spool)
    spool.fail(name, "no slices")
    shutil.copytree(tmp_path / "failed" / name, tmp_path / "received" / name)
    spool.fail(name, "still none")
    assert there(tmp_path) == {"failed": 1}
    assert (tmp_path / "failed" / name / "reason.txt").read_text() == "still none\n"


def test_attempts_are_counted_that_did_not_end(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    name = taken(spool)
    assert spool.attempts(name) == 0
    with spool.attempt(name):
        assert Spool(tmp_path).attempts(name) == 1  # what another process would find if this one ended here
        with spool.attempt(name):
            assert Spool(tmp_path).attempts(name) == 2
    assert spool.attempts(name) == 0
    with pytest.raises(RuntimeError), spool.attempt(name):
        raise RuntimeError
    assert spool.attempts(name) == 0


def test_reason_that_a_full_disk_does_not_take_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path)
    name = taken(spool)

    def full(self: Path, *arguments: object, **words: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    spool.fail(name, "no slices")
    assert there(tmp_path) == {"failed": 1}


def test_first_come_is_first(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    names = [taken(spool, f"1.{number}") for number in range(9)]
    assert spool.names("received") == names


def test_a_crash_before_the_result_is_whole_leaves_the_source(tmp_path: Path) -> None:
    name = taken(Spool(tmp_path))
    (tmp_path / "making" / name).mkdir()
    (tmp_path / "making" / name / "half.dcm").write_bytes(b"h")
    with spool_at(tmp_path) as spool:
        assert there(tmp_path) == {"received": 1}
        assert list((tmp_path / "making").iterdir()) == []
        assert spool.names("received") == [name]


def test_a_crash_after_the_result_is_whole_does_not_make_it_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    name = taken(spool)
    (tmp_path / "outgoing" / name).mkdir()
    assert spool.outgoing() == []  # the source is still there: it may not be sent yet
    with spool_at(tmp_path) as again:
        assert there(tmp_path) == {"outgoing": 1}
        assert again.outgoing() == [name]


def test_what_was_arriving_in_a_crash_is_dropped(tmp_path: Path) -> None:
    Spool(tmp_path)
    (tmp_path / "arriving" / "half").write_bytes(b"h")
    with spool_at(tmp_path):
        assert list((tmp_path / "arriving").iterdir()) == []


def test_completing_what_is_not_there_gives_nothing(tmp_path: Path) -> None:
    assert Spool(tmp_path).complete("none") == ""


def test_one_node_has_a_spool(tmp_path: Path) -> None:
    with spool_at(tmp_path), pytest.raises(ConfigError, match="another node has"), spool_at(tmp_path):
        pass
    with spool_at(tmp_path):
        pass


def test_spool_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="choose --spool"):
        Spool(tmp_path / "file" / "spool")


def test_room_is_asked_for_with_what_is_kept_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path)
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    monkeypatch.setattr("recon.clinical.dicom.spool.KEEP_FREE", 0)
    assert spool.has_room(1)
    assert not spool.has_room(free)
    monkeypatch.setattr("recon.clinical.dicom.spool.KEEP_FREE", 2 * free)
    assert not spool.has_room(1)


def test_threads_keep_images_of_one_series_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path)

    def keep(first: int) -> None:
        for number in range(first, first + 20):
            spool.keep("1.2", f"1.2.{number}", str(number).encode())

    threads = [threading.Thread(target=keep, args=(first,)) for first in range(0, 80, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = list((tmp_path / "incoming" / spool.name_of("1.2")).iterdir())
    assert sorted(int(file.read_bytes()) for file in files) == list(range(80))
