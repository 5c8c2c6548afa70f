"""What is written appears whole or not at all, and what was there before is never lost."""

from pathlib import Path

import pytest

from recon.errors import DataError
from recon.files import folder_written_whole


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def _fails(folder: Path, error: BaseException) -> None:
    (folder / "new").write_text("1")
    raise error


def test_folder_takes_its_place_when_it_is_whole(tmp_path: Path) -> None:
    with folder_written_whole(tmp_path / "new" / "made") as partial:
        (partial / "a").write_text("1")
        assert not (tmp_path / "new" / "made").exists()
    assert names(tmp_path / "new") == ["made", "made/a"]


def test_folder_that_is_there_is_replaced(tmp_path: Path) -> None:
    for name in ("old", "new"):
        with folder_written_whole(tmp_path / "made") as partial:
            (partial / name).write_text("1")
    assert names(tmp_path) == ["made", "made/new"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("x"), KeyboardInterrupt()])
def test_what_fails_leaves_the_folder_that_was_there(error: BaseException, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "old").write_text("1")
    wanted = DataError if isinstance(error, OSError) else type(error)
    with pytest.raises(wanted), folder_written_whole(tmp_path / "made") as partial:
        _fails(partial, error)
    assert names(tmp_path) == ["made", "made/old"]


def test_folder_comes_back_where_its_place_cannot_be_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "old").write_text("1")
    rename = Path.rename

    def refuses(path: Path, target: Path) -> Path:
        if path.suffix == ".partial":
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuses)
    with pytest.raises(DataError, match="Input/output error"), folder_written_whole(tmp_path / "made") as partial:
        (partial / "new").write_text("1")
    assert names(tmp_path) == ["made", "made/old"]
