"""The embedded data sets: made once in the cache folder."""

from pathlib import Path

import pytest

from recon.data import embedded
from recon.data.embedded import EMBEDDED, embedded_folder, ensure_embedded
from recon.data.lodopab import LoDoPaBSlices
from recon.data.synthetic.make import SyntheticSet


def test_embedded_data_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(embedded.EMBEDDED, "ct", SyntheticSet("ct", volumes=3, size=32, slices=2))
    folder = ensure_embedded("ct", cache=tmp_path)
    assert folder == embedded_folder("ct", cache=tmp_path)
    assert tmp_path in folder.parents
    times = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert len(LoDoPaBSlices(folder, "train")) == 2
    assert ensure_embedded("ct", cache=tmp_path) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == times


def test_the_cache_is_where_the_user_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECON_CACHE", str(tmp_path))
    assert tmp_path in embedded_folder("mri").parents


def test_sizes_suit_four_halvings() -> None:
    assert all(chosen.size % 16 == 0 for chosen in EMBEDDED.values())
