"""A place where nothing can be written is found before the work, and nothing is left of looking."""

import errno
from pathlib import Path

import pytest

from recon.clinical.room import require_room
from recon.errors import ConfigError


def test_nothing_is_left_of_looking(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for folder in (tmp_path, tmp_path / "there", tmp_path / "new" / "deep"):
        require_room(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.parametrize("place", ["file", "file/below", "file/below/deep"])
def test_file_in_the_place_of_a_folder_is_refused(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("-")
    with pytest.raises(ConfigError, match=f"got {tmp_path / 'file'}, which is no folder; choose another"):
        require_room(tmp_path / place)
    assert (tmp_path / "file").read_text() == "-"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "where you may not write"),
        (errno.EROFS, "which can only be read"),
        (errno.ENOSPC, "where there is no room left"),
        (errno.EIO, r"where it cannot be done \(Input/output error\)"),
    ],
)
@pytest.mark.parametrize("method", ["mkdir", "write_bytes"])
def test_what_the_system_refuses_is_told_in_words(
    number: int, words: str, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(number, "Input/output error", str(path))

    monkeypatch.setattr(Path, method, refuse)
    with pytest.raises(ConfigError, match=words) as found:
        require_room(tmp_path / "out")
    assert "Errno" not in str(found.value)
    assert not list(tmp_path.iterdir())


def test_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a name is too long"):
        require_room(tmp_path / ("x" * 300) / "out")
