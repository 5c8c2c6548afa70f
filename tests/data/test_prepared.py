"""Prepared files: made once, whole or not at all, and again when their source or recipe changes."""

import os
import threading
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from recon.data.prepared import Recipe, cache_folder, is_fresh, prepare, prepared_file, require_fresh
from recon.errors import DataError


def doubled(factor: int = 2) -> Recipe:
    """Say how to prepare a file by multiplying what is in it."""

    def write(source: Path, file: h5py.File) -> None:
        file["data"] = factor * np.frombuffer(source.read_bytes(), np.uint8)

    return Recipe("doubled", {"factor": factor}, write, lambda source: source.stat().st_size)


def failing(after: int) -> Recipe:
    """Say how to prepare files such that Ctrl-C comes in the middle of one of them."""
    made = []

    def write(source: Path, file: h5py.File) -> None:
        file["data"] = np.zeros(3)
        made.append(source)
        if len(made) > after:
            raise KeyboardInterrupt

    return replace(doubled(), write=write)


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "söurces with space" / f"file{number}.h5" for number in range(3)]
    for number, path in enumerate(paths):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes([number, number + 1]))
    return paths


def test_files_are_made_once(sources: list[Path], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert prepare(sources, doubled(), cache) == 3
    assert prepare(sources, doubled(), cache) == 0
    with h5py.File(require_fresh(sources[1], doubled(), cache)) as file:
        assert file["data"][:].tolist() == [2, 4]


def test_a_changed_source_is_prepared_again(sources: list[Path], tmp_path: Path) -> None:
    prepare(sources, doubled(), tmp_path)
    sources[0].write_bytes(b"\x07\x08\x09")
    assert [is_fresh(source, doubled(), tmp_path) for source in sources] == [False, True, True]
    assert prepare(sources, doubled(), tmp_path) == 1
    with h5py.File(prepared_file(sources[0], doubled(), tmp_path)) as file:
        assert file["data"][:].tolist() == [14, 16, 18]


def test_a_source_of_another_time_is_prepared_again(sources: list[Path], tmp_path: Path) -> None:
    prepare(sources, doubled(), tmp_path)
    os.utime(sources[2], (1, 1))
    assert not is_fresh(sources[2], doubled(), tmp_path)


def test_a_source_of_another_size_is_prepared_again_whatever_its_time(sources: list[Path], tmp_path: Path) -> None:
    prepare(sources, doubled(), tmp_path)
    status = sources[1].stat()
    sources[1].write_bytes(b"longer")
    os.utime(sources[1], ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not is_fresh(sources[1], doubled(), tmp_path)


def test_another_recipe_has_its_own_files(sources: list[Path], tmp_path: Path) -> None:
    prepare(sources, doubled(), tmp_path)
    assert prepare(sources, doubled(3), tmp_path) == 3
    assert is_fresh(sources[0], doubled(2), tmp_path)
    assert is_fresh(sources[0], doubled(3), tmp_path)


def test_an_interruption_leaves_whole_files_alone(sources: list[Path], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(KeyboardInterrupt):
        prepare(sources, failing(after=1), cache)
    assert [is_fresh(source, doubled(), cache) for source in sources] == [True, False, False]
    assert list(cache.rglob("*.partial")) == []
    assert prepare(sources, doubled(), cache) == 2


def test_what_a_killed_process_left_is_cleared(sources: list[Path], tmp_path: Path) -> None:
    path = prepared_file(sources[0], doubled(), tmp_path)
    path.parent.mkdir(parents=True)
    leftover = path.with_suffix(".999999.partial")
    leftover.write_bytes(b"half")
    prepare(sources, doubled(), tmp_path)
    assert not leftover.exists()


@pytest.mark.parametrize("damage", [b"", b"text", None])
def test_a_damaged_prepared_file_is_made_again(sources: list[Path], tmp_path: Path, damage: bytes | None) -> None:
    prepare(sources, doubled(), tmp_path)
    path = prepared_file(sources[0], doubled(), tmp_path)
    path.write_bytes(path.read_bytes()[:-100] if damage is None else damage)
    assert not is_fresh(sources[0], doubled(), tmp_path)
    assert prepare(sources, doubled(), tmp_path) == 1


def test_several_at_once_make_each_file_once(sources: list[Path], tmp_path: Path) -> None:
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(prepare(sources, doubled(), tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 3


def test_a_missing_file_is_asked_for_by_command(sources: list[Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"file0.h5 must be prepared.*run `recon data prepare .* --cache"):
        require_fresh(sources[0], doubled(), tmp_path)


def test_a_cache_that_cannot_be_made_is_refused(sources: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DataError, match=r"cache folder .* must be writable.*RECON_CACHE"):
        prepare(sources, doubled(), tmp_path / "file")


def test_a_read_only_cache_is_refused(sources: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "read-only"
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write to any folder, whatever its mode
    with pytest.raises(DataError, match=r"cache folder .* must be writable"):
        prepare(sources, doubled(), cache)


def test_too_little_room_is_told_before_it_begins(sources: list[Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must have room for 3000000000000.0 MB of prepared files, got"):
        prepare(sources, replace(doubled(), size=lambda source: 10**18), tmp_path)


def test_cache_folder_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RECON_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("RECON_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "recon"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "recon"
