"""The embedded data sets: made once in the cache folder."""

from pathlib import Path
from typing import get_args

import pytest

from recon.data import embedded
from recon.data.embedded import EMBEDDED, embedded_folder, ensure_embedded
from recon.data.lodopab import LoDoPaBSlices
from recon.data.sets import SetName
from recon.data.synthetic.make import LabelledSet, SyntheticSet


def test_embedded_data_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(embedded.EMBEDDED, "ct", SyntheticSet("ct", volumes=3, size=32, slices=2))
    folder = ensure_embedded("ct", cache=tmp_path)
    assert folder == embedded_folder("ct", cache=tmp_path)
    assert tmp_path in folder.parents
    times = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert len(LoDoPaBSlices(folder, "train")) == 2
    assert ensure_embedded("ct", cache=tmp_path) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == times


def test_labelled_sets_are_embedded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(embedded.EMBEDDED, "voc", LabelledSet("voc", images=4, size=64))
    folder = ensure_embedded("voc", cache=tmp_path)
    assert folder == tmp_path / "embedded" / "voc-4x64-seed0"
    assert len(list((folder / "VOCdevkit" / "VOC2012" / "JPEGImages").iterdir())) == 4


def test_every_data_set_has_an_embedded_one() -> None:
    assert set(EMBEDDED) == set(get_args(SetName))
    assert all(chosen.modality == name for name, chosen in EMBEDDED.items())


def test_the_cache_is_where_the_user_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECON_CACHE", str(tmp_path))
    assert tmp_path in embedded_folder("mri").parents


def test_sizes_suit_four_halvings() -> None:
    for chosen in EMBEDDED.values():
        assert isinstance(chosen, SyntheticSet | LabelledSet)
        assert chosen.size % 16 == 0
