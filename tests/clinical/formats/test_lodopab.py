"""LoDoPaB's observations in and images out, against the data set as training reads it."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

import recon
from recon.clinical.formats.files import LeftOutError, Reading
from recon.clinical.formats.lodopab import LoDoPaBSource, sources
from recon.clinical.models import open_model
from recon.data.lodopab import LoDoPaBSlices
from recon.errors import DataError
from recon.ops.beam_geometry import lodopab_like
from recon.ops.filtered_back_projection import Filter
from recon.records import Word
from tests.clinical.formats.models import WEIGHTS, known_model
from tests.data.files import cut, write_lodopab_folder, write_lodopab_pair

HU_PER_UNIT, HU_OF_NOTHING = 81.35858 * 1000 / (20 - 0.02), -20 * 1000 / (20 - 0.02)  # by LoDoPaB's paper


def only(path: Path) -> LoDoPaBSource:
    (source,) = sources(path)
    return source


def read_data(path: Path) -> torch.Tensor:
    with h5py.File(path) as file:
        return torch.from_numpy(file["data"][()])


@pytest.mark.parametrize(("filter", "scaling"), [("hann", 1.0), ("ramp", 0.6)])
def test_images_are_the_back_projections_of_training_in_hu(tmp_path: Path, filter: Filter, scaling: float) -> None:
    paths = write_lodopab_pair(tmp_path)
    settings: dict[str, Word] = {"filter": filter, "frequency_scaling": scaling, "crop": [8, 8]}
    model = known_model("ct", settings=settings)
    images = only(paths.observation).adapted(model.identity, Reading()).read()
    slices = LoDoPaBSlices(tmp_path, "train", filter=filter, frequency_scaling=scaling)
    for index, image in enumerate(images):
        wanted = slices[index]
        assert torch.allclose(image, wanted.input * HU_PER_UNIT + HU_OF_NOTHING, atol=0.01)  # type: ignore[union-attr]
    assert len(images) == len(slices) == 3


def test_network_that_does_nothing_gives_the_back_projection_in_the_unit_of_the_truths(tmp_path: Path) -> None:
    source, model = only(write_lodopab_pair(tmp_path).observation), known_model("ct")
    source.write(model(source.read()), model.identity, tmp_path / "out" / "data.hdf5")
    found = read_data(tmp_path / "out" / "data.hdf5")
    assert found.dtype == torch.float32
    for index, image in enumerate(found):
        wanted = LoDoPaBSlices(tmp_path, "train")[index]
        assert torch.allclose(image, wanted.input[0], atol=1e-6)  # type: ignore[union-attr]


def test_result_is_what_evaluation_gets(ct_model_file: Path, tmp_path: Path) -> None:
    model = open_model(str(ct_model_file))
    source = only(write_lodopab_pair(tmp_path).observation).adapted(model.identity, Reading())
    source.write(model(source.read()), model.identity, tmp_path / "out" / "data.hdf5")
    network = recon.load(ct_model_file)
    for index, image in enumerate(read_data(tmp_path / "out" / "data.hdf5")):
        sample = LoDoPaBSlices(tmp_path, "train")[index]
        with torch.no_grad():
            wanted = network(sample.input[None])[0, 0]  # type: ignore[union-attr]
        assert torch.allclose(image, wanted, atol=1e-4)


def test_size_is_found_without_the_ground_truths(tmp_path: Path) -> None:
    assert lodopab_like(16).n_angles == 44  # what the next test counts on
    for size in (16, 40, 63, 101):
        paths = write_lodopab_pair(tmp_path / str(size), slices=1, size=size)
        paths.truth.unlink()
        assert only(paths.observation).read().shape == (1, 1, size, size)


def test_real_files_tell_nothing_and_are_of_362_pixels(tmp_path: Path) -> None:
    path = tmp_path / "observation_test_000.hdf5"
    with h5py.File(path, "w") as file:
        file["data"] = np.zeros((1, 1000, 513), np.float32)
    source = only(path)
    source.write(source.read(), known_model("ct").identity, tmp_path / "out.hdf5")
    assert read_data(tmp_path / "out.hdf5").shape == (1, 362, 362)
    assert source.geometry.image_extent == (0.26, 0.26)


def test_unknown_scan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "observation_test_000.hdf5"
    with h5py.File(path, "w") as file:
        file["data"] = np.zeros((1, 44, 25), np.float32)  # as many as 16 x 16 has, of an unknown extent
    with pytest.raises(DataError, match="1000 angles x 513 detectors"):
        sources(path)


def test_attributes_are_kept_and_the_model_is_named(tmp_path: Path) -> None:
    source = only(write_lodopab_pair(tmp_path, synthetic=True).observation)
    source.write(source.read(), known_model("ct").identity, tmp_path / "out.hdf5")
    with h5py.File(source.path) as before, h5py.File(tmp_path / "out.hdf5") as after:
        for name in before.attrs:
            assert np.array_equal(before.attrs[name], after.attrs[name])
        assert "research use only" in after.attrs["recon_use"]
    assert source.made_with(tmp_path / "out.hdf5").weights == WEIGHTS
    with pytest.raises(LeftOutError):
        sources(tmp_path / "out.hdf5")


def test_ground_truths_are_left_out_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(LeftOutError, match="reconstructed already"):
        sources(write_lodopab_pair(tmp_path).truth)


def test_observation_without_its_dataset_is_told(tmp_path: Path) -> None:
    path = write_lodopab_pair(tmp_path).observation
    with h5py.File(path, "r+") as file:
        file.move("data", "date")
    with pytest.raises(DataError, match="data must be there, got a file with date"):
        sources(path)


def test_truncated_observation_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="truncated"):
        sources(cut(write_lodopab_pair(tmp_path).observation))


def test_slice_that_is_not_finite_is_named(tmp_path: Path) -> None:
    path = write_lodopab_pair(tmp_path, slices=18).observation
    with h5py.File(path, "r+") as file:
        file["data"][17, 3, 3] = np.inf
    with pytest.raises(DataError, match="slice 17 must be finite"):
        only(path).read()


def test_foreign_hdf5_is_none_of_them(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.hdf5", "w") as file:
        file["other"] = [1.0]
    assert sources(tmp_path / "x.hdf5") == []


def test_whole_folder_has_a_source_for_each_observation(tmp_path: Path) -> None:
    folder = write_lodopab_folder(tmp_path)
    for truth in folder.glob("ground_truth_*"):
        truth.unlink()
    assert [source.slices for source in sources(folder)] == [2, 3, 2]
