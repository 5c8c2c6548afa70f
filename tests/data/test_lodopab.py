"""LoDoPaB-CT's pairs: read as stored, projected back, and complete, partial or broken."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from recon.data.lodopab import LoDoPaBSlices, pair_files, read_pair
from recon.data.preparation import preparation_of, prepare_all
from recon.data.samples import Sample, Skipped
from recon.errors import ConfigError, DataError
from recon.ops.beam_geometry import LODOPAB, lodopab_like
from recon.ops.filtered_back_projection import filtered_back_projection
from recon.ops.parallel_beam import project
from tests.data.files import cut, replace_key, write_lodopab_pair


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with two files of training pairs."""
    parent = tmp_path / "LoDoPaB mit Ümlaut"
    write_lodopab_pair(parent, "train", 0, slices=5)
    write_lodopab_pair(parent, "train", 1, slices=2)
    return parent


def read(dataset: LoDoPaBSlices, index: int) -> Sample:
    """Read a sample that is there."""
    found = dataset[index]
    assert isinstance(found, Sample)
    return found


def stored(path: Path) -> NDArray[np.float32]:
    """Read a file's array."""
    with h5py.File(path) as file:
        return np.asarray(file["data"])


def test_pairs_are_read_as_they_are_stored(folder: Path) -> None:
    dataset = LoDoPaBSlices(folder, "train")
    assert len(dataset) == 7
    for index, (number, inside) in {0: (0, 0), 4: (0, 4), 5: (1, 0), 6: (1, 1)}.items():
        pair = dataset.pair(index)
        assert np.array_equal(pair.observation, stored(folder / f"observation_train_00{number}.hdf5")[inside])
        assert np.array_equal(pair.truth, stored(folder / f"ground_truth_train_00{number}.hdf5")[inside])


def test_inputs_are_filtered_back_projections(folder: Path) -> None:
    dataset = LoDoPaBSlices(folder, "train")
    sample, pair = read(dataset, 3), dataset.pair(3)
    expected = filtered_back_projection(torch.from_numpy(pair.observation)[None, None], lodopab_like(16))
    torch.testing.assert_close(sample.input, expected[0])
    assert sample.target is not None
    assert np.array_equal(sample.target[0].numpy(), pair.truth)
    assert sample.data_range == pytest.approx(np.ptp(pair.truth))
    assert (sample.mean, sample.scale) == (0, 1)


@pytest.mark.parametrize("filter", ["hann", "ramp"])
def test_prepared_inputs_are_the_same(folder: Path, tmp_path: Path, filter: str) -> None:
    cache = tmp_path / "cache"
    preparation = preparation_of(folder, filter=filter)  # type: ignore[arg-type]
    assert prepare_all(preparation, cache) == (2, ())
    assert prepare_all(preparation, cache) == (0, ())
    plain = LoDoPaBSlices(folder, "train", filter=filter)  # type: ignore[arg-type]
    prepared = LoDoPaBSlices(folder, "train", filter=filter, cache=cache)  # type: ignore[arg-type]
    for index in range(len(plain)):
        torch.testing.assert_close(read(prepared, index).input, read(plain, index).input, rtol=1e-5, atol=1e-5)


def test_inputs_of_another_filter_or_source_are_not_taken(folder: Path, tmp_path: Path) -> None:
    prepare_all(preparation_of(folder, filter="hann"), tmp_path)
    with pytest.raises(DataError, match=r"observation_train_000.hdf5 must be prepared.*recon data prepare"):
        LoDoPaBSlices(folder, "train", filter="ramp", cache=tmp_path)
    (folder / "observation_train_001.hdf5").unlink()
    (folder / "ground_truth_train_001.hdf5").unlink()
    write_lodopab_pair(folder, "train", 1, slices=2, seed=5)
    with pytest.raises(DataError, match=r"observation_train_001.hdf5 must be prepared"):
        LoDoPaBSlices(folder, "train", cache=tmp_path)


def test_data_range_is_that_of_the_target(folder: Path) -> None:
    with h5py.File(folder / "ground_truth_train_000.hdf5", "r+") as file:
        file["data"][...] += 0.1
    dataset = LoDoPaBSlices(folder, "train")
    assert read(dataset, 0).data_range == pytest.approx(np.ptp(dataset.pair(0).truth))
    assert dataset.pair(0).truth.min() > 0.05


def test_inputs_of_another_scaling_are_not_taken(folder: Path, tmp_path: Path) -> None:
    prepare_all(preparation_of(folder, frequency_scaling=0.5), tmp_path)
    with pytest.raises(DataError, match="must be prepared"):
        LoDoPaBSlices(folder, "train", cache=tmp_path)
    prepared = LoDoPaBSlices(folder, "train", frequency_scaling=0.5, cache=tmp_path)
    plain = LoDoPaBSlices(folder, "train", frequency_scaling=0.5)
    torch.testing.assert_close(read(prepared, 0).input, read(plain, 0).input, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(read(plain, 0).input, read(LoDoPaBSlices(folder, "train"), 0).input, rtol=1e-3)


@pytest.mark.parametrize("scaling", [0.0, 2.0, float("nan")])
def test_a_scaling_that_is_none_is_refused(folder: Path, scaling: float) -> None:
    with pytest.raises(ConfigError, match="frequency_scaling must be more than 0"):
        LoDoPaBSlices(folder, "train", frequency_scaling=scaling)


def test_crop_keeps_the_middle(folder: Path) -> None:
    whole, cropped = read(LoDoPaBSlices(folder, "train"), 0), read(LoDoPaBSlices(folder, "train", crop=(12, 10)), 0)
    assert cropped.input.equal(whole.input[:, 2:14, 3:13])
    assert whole.target is not None
    assert cropped.target is not None
    assert cropped.target.equal(whole.target[:, 2:14, 3:13])
    with pytest.raises(ConfigError, match=r"crop must fit into every image, got 17 x 16 for .* of 16 x 16"):
        LoDoPaBSlices(folder, "train", crop=(17, 16))


def test_partial_downloads_are_read(folder: Path) -> None:
    write_lodopab_pair(folder, "train", 7, slices=2)
    (folder / "observation_train_001.hdf5").unlink()
    with pytest.warns(UserWarning, match=r"ground_truth_train_001.hdf5 has no partner"):
        dataset = LoDoPaBSlices(folder, "train")
    assert len(dataset) == 7
    assert read(dataset, 5).origin.file == "ground_truth_train_007.hdf5"
    assert [len(group) for group in dataset.groups] == [5, 2]


def test_patients_are_read_where_they_are_told(folder: Path) -> None:
    assert read(LoDoPaBSlices(folder, "train"), 0).origin.volume == ""
    (folder / "patient_ids_rand_train.csv").write_text("\n".join(str(100 + n // 2) for n in range(200)))
    dataset = LoDoPaBSlices(folder, "train")
    assert [read(dataset, index).origin.volume for index in (0, 1, 2, 5)] == [
        "patient 100",
        "patient 100",
        "patient 101",
        "patient 164",  # the second file begins at sample 128
    ]
    (folder / "patient_ids_rand_train.csv").write_text("one\ntwo")
    with pytest.raises(DataError, match="one whole number a line"):
        LoDoPaBSlices(folder, "train")


def test_geometry_is_that_of_lodopab_by_its_shapes(tmp_path: Path) -> None:
    for kind, shape in (("ground_truth", (1, 362, 362)), ("observation", (1, 1000, 513))):
        with h5py.File(tmp_path / f"{kind}_test_000.hdf5", "w") as file:
            file["data"] = np.zeros(shape, np.float32)
    pair = read_pair(tmp_path / "ground_truth_test_000.hdf5")
    assert pair.geometry == LODOPAB
    assert not pair.synthetic


def test_another_shape_must_tell_its_geometry(folder: Path) -> None:
    with h5py.File(folder / "observation_train_000.hdf5", "r+") as file:
        del file.attrs["image_extent"]
    with pytest.raises(
        DataError, match=r"1000 angles x 513 detectors with images of 362 x 362.* got 44 x 25 and 16 x 16"
    ):
        LoDoPaBSlices(folder, "train")


def test_bad_files_stop_the_reading_or_are_counted(folder: Path) -> None:
    cut(folder / "observation_train_001.hdf5")
    with pytest.raises(DataError, match=r"observation_train_001.hdf5 cannot be read: it is truncated"):
        LoDoPaBSlices(folder, "train")
    with pytest.warns(UserWarning, match="skipped 1 files"):
        assert len(LoDoPaBSlices(folder, "train", on_bad_file="skip")) == 5


@pytest.mark.parametrize(
    ("key", "values", "words"),
    [
        ("data", None, "data must be there, got a file with nothing"),
        (
            "data",
            np.zeros((5, 16), np.float32),
            r"data must have the shape \(slices, angles, detectors\), got \(5, 16\)",
        ),
        ("data", np.zeros((5, 44, 25), np.int32), "data must be of a floating-point type, got int32"),
        ("data", np.zeros((4, 44, 25), np.float32), "as many slices, got 5 and 4"),
    ],
)
def test_what_is_wrong_with_a_pair_is_said(folder: Path, key: str, values: object, words: str) -> None:
    replace_key(folder / "observation_train_000.hdf5", key, values)
    with pytest.raises(DataError, match=words):
        read_pair(folder / "ground_truth_train_000.hdf5")


def test_nan_is_refused_by_file_and_slice(folder: Path) -> None:
    with h5py.File(folder / "observation_train_000.hdf5", "r+") as file:
        file["data"][2, 3, 4] = np.nan
    with pytest.raises(DataError, match=r"observation_train_000.hdf5: slice 2 of data must be finite"):
        LoDoPaBSlices(folder, "train")[2]
    assert isinstance(LoDoPaBSlices(folder, "train", on_bad_file="skip")[2], Skipped)


def test_folders_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be a folder of LoDoPaB-CT files, got nothing"):
        pair_files(tmp_path / "nowhere", "train")
    with pytest.raises(
        DataError, match=r"must hold pairs ground_truth_test_NNN.* got 0 ground truths and 0 observations"
    ):
        pair_files(tmp_path, "test")
    write_lodopab_pair(tmp_path)
    with pytest.raises(ConfigError, match="part must be one of train, validation, test, got 'val'"):
        LoDoPaBSlices(tmp_path, "val")  # type: ignore[arg-type]


def test_max_slices_takes_the_first(folder: Path) -> None:
    dataset = LoDoPaBSlices(folder, "train", max_slices=6)
    assert len(dataset) == 6
    assert [len(group) for group in dataset.groups] == [5, 1]
    with pytest.raises(IndexError):
        dataset[6]


def test_a_prepared_file_with_one_bad_slice_gives_the_others(folder: Path, tmp_path: Path) -> None:
    with h5py.File(folder / "observation_train_000.hdf5", "r+") as file:
        file["data"][2, 3, 4] = np.nan
    assert prepare_all(preparation_of(folder), tmp_path) == (2, ())
    dataset = LoDoPaBSlices(folder, "train", cache=tmp_path, on_bad_file="skip")
    found = [isinstance(dataset[index], Sample) for index in range(7)]
    assert found == [True, True, False, True, True, True, True]
    with pytest.raises(DataError, match=r"observation_train_000.hdf5: slice 2 of data must be finite"):
        LoDoPaBSlices(folder, "train", cache=tmp_path)[2]


@pytest.mark.parametrize(
    ("name", "value"), [("image_extent", 0.26), ("image_extent", (0.0, 0.26)), ("detector_extent", "x")]
)
def test_a_geometry_that_is_none_is_refused_by_file(folder: Path, name: str, value: object) -> None:
    with h5py.File(folder / "observation_train_000.hdf5", "r+") as file:
        file.attrs[name] = value
    with pytest.raises(
        DataError, match=r"observation_train_000.hdf5: image_extent and detector_extent must be lengths"
    ):
        read_pair(folder / "ground_truth_train_000.hdf5")


def again(dataset: LoDoPaBSlices, index: int, shift: tuple[int, int]) -> torch.Tensor:
    """Measure the moved object of a slice that is there."""
    found = dataset.measured_again(index, shift)
    assert isinstance(found, Sample)
    assert found.target is None
    assert (found.mean, found.scale, found.origin) == (0, 1, read(dataset, index).origin)
    return found.input


@pytest.mark.parametrize("filter", ["hann", "ramp"])
def test_an_object_that_does_not_move_gives_the_slice_itself_where_it_has_no_noise(folder: Path, filter: str) -> None:
    dataset = LoDoPaBSlices(folder, "train", filter=filter, frequency_scaling=0.8, crop=(12, 10))  # type: ignore[arg-type]
    torch.testing.assert_close(again(dataset, 5, (0, 0)), read(dataset, 5).input, rtol=1e-5, atol=1e-6)


def test_noise_of_the_observation_is_not_measured_again(folder: Path, tmp_path: Path) -> None:
    with h5py.File(folder / "observation_train_000.hdf5", "r+") as file:
        clean = file["data"][0]
        file["data"][0] += 0.1
    prepare_all(preparation_of(folder), tmp_path)
    expected = filtered_back_projection(torch.from_numpy(clean)[None, None], lodopab_like(16))[0]
    for cache in (None, tmp_path):
        dataset = LoDoPaBSlices(folder, "train", cache=cache)
        torch.testing.assert_close(again(dataset, 0, (0, 0)), expected, rtol=1e-5, atol=1e-6)
        assert not torch.allclose(read(dataset, 0).input, expected, rtol=1e-2)


@pytest.mark.parametrize("shift", [(1, 0), (0, 1), (-1, 1)])
def test_a_moved_object_is_what_its_moved_image_measures(folder: Path, shift: tuple[int, int]) -> None:
    dataset = LoDoPaBSlices(folder, "train", crop=(14, 12))
    geometry, truth = lodopab_like(16), torch.from_numpy(dataset.pair(1).truth)
    assert truth[0].abs().max() == truth[-1].abs().max() == truth[:, 0].abs().max() == truth[:, -1].abs().max() == 0
    lines = project(truth.roll(shift, (0, 1))[None, None], geometry)
    expected = filtered_back_projection(lines, geometry)[0, :, 1:15, 2:14]
    torch.testing.assert_close(again(dataset, 1, shift), expected, rtol=1e-4, atol=1e-5)


def test_a_moved_slice_that_is_broken_is_refused_or_skipped(folder: Path) -> None:
    with h5py.File(folder / "ground_truth_train_000.hdf5", "r+") as file:
        file["data"][2, 3, 4] = np.nan
    with pytest.raises(DataError, match=r"ground_truth_train_000.hdf5: slice 2 of data must be finite"):
        LoDoPaBSlices(folder, "train").measured_again(2, (1, 0))
    assert isinstance(LoDoPaBSlices(folder, "train", on_bad_file="skip").measured_again(2, (1, 0)), Skipped)
    with pytest.raises(IndexError):
        LoDoPaBSlices(folder, "train").measured_again(7, (1, 0))
