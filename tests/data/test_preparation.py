"""Whole folders are prepared: what is due, what is made, what is left out."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from recon.data import lodopab
from recon.data.fastmri import FastMRISlices
from recon.data.hdf5 import read_slice
from recon.data.lodopab import LoDoPaBSlices
from recon.data.preparation import preparation_of, prepare_all
from recon.errors import ConfigError, DataError
from tests.data.files import cut, write_fastmri_folder, write_fastmri_volume, write_lodopab_folder


def test_volumes_of_all_parts_and_sizes_are_prepared_once(tmp_path: Path) -> None:
    folder, cache = write_fastmri_folder(tmp_path / "knee", columns=41), tmp_path / "cache"
    write_fastmri_volume(folder / "singlecoil_val" / "file2.h5", target=(20, 24))
    preparation = preparation_of(folder)
    assert (preparation.count(), preparation.due(cache), preparation.bytes(cache)) == (5, 5, 0)
    assert preparation.needed(cache) == 8 * 3 * (4 * 41 * 24 + 40 * 20)
    assert not cache.exists()
    assert prepare_all(preparation, cache) == (5, ())
    assert (preparation.due(cache), preparation.needed(cache)) == (0, 0)
    assert preparation.bytes(cache) > 8 * 3 * (4 * 41 * 24 + 40 * 20)
    assert prepare_all(preparation, cache) == (0, ())
    plain, prepared = (FastMRISlices(folder / "singlecoil_train", cache=c) for c in (None, cache))
    first, second = plain[2], prepared[2]
    assert torch.allclose(first.input, second.input, atol=1e-5)  # type: ignore[union-attr]


def test_pairs_of_all_parts_are_prepared_by_filter(tmp_path: Path) -> None:
    folder, cache = write_lodopab_folder(tmp_path / "chest"), tmp_path / "cache"
    assert prepare_all(preparation_of(folder), cache) == (3, ())
    assert preparation_of(folder, filter="hann").due(cache) == 0
    assert preparation_of(folder, filter="ramp").due(cache) == 3
    plain, prepared = (LoDoPaBSlices(folder, "test", cache=c) for c in (None, cache))
    first, second = plain[1], prepared[1]
    assert torch.allclose(first.input, second.input, atol=1e-5)  # type: ignore[union-attr]


def test_bad_file_stops_it_or_is_left_out(tmp_path: Path) -> None:
    folder, cache = write_fastmri_folder(tmp_path / "knee", train=3), tmp_path / "cache"
    cut(folder / "singlecoil_train" / "file1000001.h5")
    with pytest.raises(DataError, match=r"file1000001.h5 cannot be read: it is truncated.*--on-bad-file skip"):
        preparation_of(folder)
    made, skipped = prepare_all(preparation_of(folder, on_bad_file="skip"), cache, on_bad_file="skip")
    assert made == 4
    assert len(skipped) == 1
    assert "file1000001.h5 cannot be read: it is truncated" in skipped[0]


def test_slice_that_cannot_be_read_stops_it_or_its_file_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cache = write_lodopab_folder(tmp_path / "chest"), tmp_path / "cache"

    def broken(file: h5py.File, key: str, index: int) -> NDArray[np.generic]:
        if "observation_test" in file.filename:
            raise DataError("a bad sector")
        return read_slice(file, key, index)

    monkeypatch.setattr(lodopab, "read_slice", broken)
    preparation = preparation_of(folder)
    with pytest.raises(DataError, match="a bad sector"):
        prepare_all(preparation, cache)
    made, skipped = prepare_all(preparation, cache, on_bad_file="skip")
    assert made + 2 == 2  # the others were made before it stopped
    assert skipped == ("a bad sector",)
    assert list(cache.rglob("*.partial")) == []


def test_pair_without_partner_is_left_out(tmp_path: Path) -> None:
    folder = write_lodopab_folder(tmp_path)
    (folder / "observation_test_000.hdf5").unlink()
    preparation = preparation_of(folder)
    assert preparation.count() == 2
    assert "ground_truth_test_000.hdf5 must have its partner" in preparation.skipped[0]


def test_full_disk_is_not_taken_for_a_bad_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ConfigError, match="No space left on device"):
        prepare_all(preparation_of(write_lodopab_folder(tmp_path / "c")), tmp_path / "cache", on_bad_file="skip")


def test_options_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    folder = write_fastmri_folder(tmp_path / "knee")
    with pytest.raises(ConfigError, match="filter, frequency_scaling and device are for CT, got MRI data"):
        preparation_of(folder, filter="ramp")
    with pytest.raises(ConfigError, match="filter, frequency_scaling and device are for CT, got MRI data"):
        preparation_of(folder, device="cuda")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="cuda without a CUDA device; choose cpu"):
            preparation_of(write_lodopab_folder(tmp_path / "chest"), device="cuda")
    (tmp_path / "images").mkdir()
    Image.new("L", (2, 2)).save(tmp_path / "images" / "a.png")
    with pytest.raises(ConfigError, match="must hold MRI or CT data, got JPEG and PNG files, which are used"):
        preparation_of(tmp_path / "images")
