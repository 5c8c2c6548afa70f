"""What is done is known by what it was made from."""

from pathlib import Path

import pytest

from recon.errors import DataError
from recon.experiments.stages import is_done, mark, require_same
from recon.records import Word

KEY: dict[str, Word] = {"seed": 0, "size": (64, 64), "names": ["a", "b"]}


def test_work_is_done_once_it_is_marked_with_the_same_key(tmp_path: Path) -> None:
    marker = tmp_path / "deep" / "done.json"
    assert not is_done(marker, KEY)
    mark(marker, KEY)
    assert is_done(marker, {"names": ["a", "b"], "size": [64, 64], "seed": 0})
    assert not is_done(marker, {**KEY, "seed": 1})
    assert not is_done(marker, {**KEY, "more": 1})


def test_other_recipe_is_refused_by_what_differs(tmp_path: Path) -> None:
    marker = tmp_path / "recipe.json"
    require_same(marker, KEY, what="the training of plain")
    mark(marker, KEY)
    require_same(marker, KEY, what="the training of plain")
    with pytest.raises(DataError, match=rf"the training of plain in {tmp_path} .*\(in its seed\); remove that folder"):
        require_same(marker, {**KEY, "seed": 1}, what="the training of plain")


def test_marker_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    marker = tmp_path / "done.json"
    marker.write_text("{half")
    with pytest.raises(DataError, match=r"done\.json cannot be read: .*; remove it"):
        is_done(marker, KEY)
