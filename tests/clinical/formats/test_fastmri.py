"""fastMRI's files in and out, against fastMRI's own functions."""

from argparse import Namespace
from pathlib import Path

import fastmri
import h5py
import numpy as np
import pytest
import torch
from fastmri.data.subsample import RandomMaskFunc
from fastmri.data.transforms import apply_mask, complex_center_crop, to_tensor
from fastmri.evaluate import evaluate
from torch import Tensor

import recon
from recon.clinical.formats.fastmri import FastMRISource, sources
from recon.clinical.formats.files import LeftOutError, Reading
from recon.clinical.models import open_model
from recon.clinical.words import RESEARCH_ONLY
from recon.data.fastmri import FastMRISlices
from recon.data.samples import Sample
from recon.errors import ConfigError, DataError
from tests.clinical.formats.models import WEIGHTS, known_model
from tests.data.files import cut, replace_key, write_fastmri_volume

MASK = np.arange(40) % 4 == 0


def only(path: Path) -> FastMRISource:
    (source,) = sources(path)
    return source


def by_fastmri(path: Path, *, accelerations: tuple[int, ...] = (), size: tuple[int, int] = (24, 24)) -> Tensor:
    """Give the magnitudes (N, 1, H, W) of a volume, with fastMRI's functions alone."""
    with h5py.File(path) as file:
        kspace = to_tensor(file["kspace"][()])
        stored = file["mask"][()] if "mask" in file else None
    if stored is not None:
        kspace = kspace * torch.from_numpy(stored.astype(np.float32)).reshape(1, 1, -1, 1)
    elif accelerations:
        function = RandomMaskFunc([0.08], list(accelerations))
        kspace = apply_mask(kspace, function, seed=tuple(map(ord, path.name)))[0]
    return fastmri.complex_abs(complex_center_crop(fastmri.ifft2c(kspace), size))[:, None]


def test_stored_mask_is_applied(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "test.h5", target=None, size=(24, 20), mask=MASK)
    replace_key(path, "kspace", h5py.File(write_fastmri_volume(tmp_path / "full.h5"))["kspace"][()])  # none left out
    source = only(path)
    assert torch.allclose(source.read(), by_fastmri(path, size=(24, 20)), rtol=1e-5, atol=1e-10)
    assert source.note == ""


def test_fully_sampled_volume_is_taken_as_it_is_and_that_is_told(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "full.h5")
    source = only(path).adapted(known_model(settings={"mask": "random"}).identity, Reading())
    with h5py.File(path) as file:
        assert torch.allclose(source.read()[:, 0], torch.from_numpy(file["reconstruction_esc"][()]), rtol=1e-4)
    assert "--undersample" in source.note


def test_undersampled_volume_has_the_mask_of_the_training_and_of_its_name(mri_model_file: Path, tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "full.h5")
    source = only(path).adapted(open_model(str(mri_model_file)).identity, Reading(undersample=True))
    assert torch.allclose(source.read(), by_fastmri(path, accelerations=(4,)), rtol=1e-4, atol=1e-10)
    assert source.note == ""


def test_own_mask_is_kept_where_columns_would_be_taken_away(mri_model_file: Path, tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "test.h5", target=None, mask=MASK)
    for model in (open_model(str(mri_model_file)), known_model()):  # one that knows a mask, and one that needs none
        source = only(path).adapted(model.identity, Reading(undersample=True))
        assert torch.equal(source.read(), only(path).read())


def test_result_is_what_evaluation_gets(mri_model_file: Path, tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "volumes" / "full.h5")
    model = open_model(str(mri_model_file))
    source = only(path).adapted(model.identity, Reading(undersample=True))
    source.write(model(source.read()), model.identity, tmp_path / "full.h5")
    network = recon.load(mri_model_file)
    with h5py.File(tmp_path / "full.h5") as file, torch.no_grad():
        found = torch.from_numpy(file["reconstruction"][()])
        for index, image in enumerate(found):
            sample = FastMRISlices(path.parent)[index]
            assert isinstance(sample, Sample)
            wanted = network(sample.input[None])[0, 0] * sample.scale + sample.mean
            assert torch.allclose(image, wanted, rtol=1e-3, atol=1e-3 * sample.scale)


def test_fastmri_evaluates_what_is_written(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "targets" / "file1.h5")
    source, model = only(path), known_model()
    source.write(model(source.read()), model.identity, tmp_path / "results" / "file1.h5")
    paths = {"target_path": path.parent, "predictions_path": tmp_path / "results"}
    means = evaluate(Namespace(**paths, acquisition=None, acceleration=None), "reconstruction_esc").means()
    assert means["NMSE"] < 1e-9
    assert means["SSIM"] > 0.9999


def test_header_and_attributes_are_kept_and_those_of_the_target_are_not(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "full.h5", attributes={"acceleration": 4})
    images = torch.arange(3 * 24 * 24).reshape(3, 1, 24, 24).float()
    only(path).write(images, known_model().identity, tmp_path / "out" / "full.h5")
    with h5py.File(path) as before, h5py.File(tmp_path / "out" / "full.h5") as after:
        assert set(after) == {"reconstruction", "ismrmrd_header"}
        assert after["ismrmrd_header"][()] == before["ismrmrd_header"][()]
        assert after["reconstruction"].dtype == np.float32
        assert np.array_equal(after["reconstruction"], images[:, 0])
        for name in ("acquisition", "patient_id", "acceleration"):
            assert after.attrs[name] == before.attrs[name]
        assert after.attrs["max"] == 3 * 24 * 24 - 1
        assert after.attrs["recon_weights"] == WEIGHTS
        assert after.attrs["recon_model"] == "aps"
        assert after.attrs["recon_use"] == RESEARCH_ONLY
    assert only(path).made_with(tmp_path / "out" / "full.h5").weights == WEIGHTS


def test_result_is_not_taken_for_a_source(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "full.h5")
    only(path).write(torch.zeros(3, 1, 24, 24), known_model().identity, tmp_path / "out.h5")
    with pytest.raises(LeftOutError, match="that recon reconstructed"):
        sources(tmp_path / "out.h5")


def test_folder_gives_its_volumes_in_order(tmp_path: Path) -> None:
    for name in ("b.h5", "a.h5"):
        write_fastmri_volume(tmp_path / name)
    (tmp_path / "notes.txt").write_text("-")
    assert [(source.name, source.slices) for source in sources(tmp_path)] == [("a.h5", 3), ("b.h5", 3)]


def test_foreign_hdf5_is_none_of_them(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["other"] = [1.0]
    assert sources(tmp_path / "x.h5") == []


def test_multi_coil_volume_is_refused(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "x.h5")
    replace_key(path, "kspace", np.zeros((2, 4, 48, 40), np.complex64))
    with pytest.raises(DataError, match="single coil"):
        sources(path)


def test_missing_kspace_is_told(tmp_path: Path) -> None:
    path = replace_key(write_fastmri_volume(tmp_path / "x.h5"), "kspace", None)
    with pytest.raises(DataError, match="kspace must be there, got a file with ismrmrd_header"):
        sources(path)


def test_truncated_volume_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="truncated"):
        sources(cut(write_fastmri_volume(tmp_path / "x.h5")))


def test_slice_that_is_not_finite_is_named(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "x.h5")
    with h5py.File(path, "r+") as file:
        file["kspace"][1, 5, 5] = np.nan
    with pytest.raises(DataError, match=r"x\.h5: slice 1 must be finite, got NaN or infinity"):
        only(path).read()


def test_mask_without_columns_is_refused(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "x.h5", target=None, mask=np.zeros(40, bool))
    with pytest.raises(DataError, match="at least one column"):
        only(path).read()


def test_model_without_a_mask_cannot_undersample(tmp_path: Path) -> None:
    source = only(write_fastmri_volume(tmp_path / "x.h5"))
    with pytest.raises(ConfigError, match="with which mask"):
        source.adapted(known_model().identity, Reading(undersample=True))


def test_volume_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "x.h5")
    source = only(path)
    write_fastmri_volume(tmp_path / "new.h5", rows=50).replace(path)
    with pytest.raises(DataError, match="another size"):
        source.read()
