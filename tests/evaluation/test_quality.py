"""Quality against fastmri.evaluate and scikit-image, through the protocol."""

from pathlib import Path

import fastmri.evaluate
import h5py
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from recon.data.datamodules import MRIData
from recon.data.samples import Sample
from recon.data.synthetic.make import SyntheticSet, make
from recon.errors import DataError
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured
from recon.evaluation.quality import QualityProtocol
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study, study_of
from tests.data.files import replace_key, write_fastmri_folder, write_fastmri_volume
from tests.evaluation.small import ct_study, function_model, mri_study

REL, ABS = 1e-4, 1e-9


@pytest.fixture(scope="module")
def drawn_knees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make synthetic knees."""
    folder = tmp_path_factory.mktemp("drawn") / "knees"
    make(SyntheticSet("mri", volumes=3, size=48, slices=4, seed=3), folder)
    return folder


@pytest.fixture(scope="module")
def drawn_chests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make synthetic chests."""
    folder = tmp_path_factory.mktemp("drawn") / "chests"
    make(SyntheticSet("ct", volumes=3, size=48, slices=3, seed=3), folder)
    return folder


def measured(model: Model, study: Study) -> list[Measured]:
    protocol = QualityProtocol()
    return [found for unit in protocol.units(model, study) for found in protocol.measure(model, unit, study)]


def darker(images: Tensor) -> Tensor:
    return images * 0.9


def sample_of(study: Study, index: int) -> Sample:
    sample = study.data[index]
    assert isinstance(sample, Sample)
    return sample


def reconstructed(study: Study, index: int) -> NDArray[np.float64]:
    """Give in a file's intensities what `darker` makes of a slice."""
    sample = sample_of(study, index)
    return sample.input[0].double().numpy() * 0.9 * sample.scale + sample.mean


@pytest.mark.parametrize("folder", ["knees", "drawn_knees"])
def test_mri_agrees_with_fastmri(folder: str, request: pytest.FixtureRequest) -> None:
    data: Path = request.getfixturevalue(folder)
    study = study_of(MRIData(data, workers=0, clamp=None))  # which fastmri.evaluate does not know of
    found = measured(function_model(darker, batch_size=2), study)
    files = sorted((data / "singlecoil_val").iterdir())
    assert [one.item for one in found] == [path.stem for path in files]
    for one, path, group in zip(found, files, study.data.groups, strict=True):
        with h5py.File(path) as file:
            target = file["reconstruction_esc"][()].astype(np.float64)
        output = np.stack([reconstructed(study, index) for index in group])
        assert one.measures["nmse"] == pytest.approx(float(fastmri.evaluate.nmse(target, output)), rel=REL, abs=ABS)
        assert one.measures["psnr"] == pytest.approx(float(fastmri.evaluate.psnr(target, output)), rel=REL, abs=ABS)
        assert one.measures["ssim"] == pytest.approx(float(fastmri.evaluate.ssim(target, output)[0]), rel=REL, abs=ABS)
        assert (one.scope, one.slice) == ("volume", None)
        assert one.group in ("PD", "PDFS")


@pytest.mark.parametrize("folder", ["chests", "drawn_chests"])
def test_ct_agrees_with_scikit_image(folder: str, request: pytest.FixtureRequest) -> None:
    data: Path = request.getfixturevalue(folder)
    study = ct_study(data)
    found = measured(function_model(darker), study)
    with h5py.File(next(data.glob("ground_truth_test*"))) as file:
        targets = file["data"][()].astype(np.float64)
    assert [one.slice for one in found] == list(range(len(targets)))
    for index, (one, target) in enumerate(zip(found, targets, strict=True)):
        output, reach = reconstructed(study, index), float(target.max() - target.min())
        assert one.measures["nmse"] == pytest.approx(
            ((output - target) ** 2).sum() / (target**2).sum(), rel=REL, abs=ABS
        )
        assert one.measures["psnr"] == pytest.approx(
            peak_signal_noise_ratio(target, output, data_range=reach), rel=REL, abs=ABS
        )
        assert one.measures["ssim"] == pytest.approx(
            structural_similarity(target, output, data_range=reach), rel=REL, abs=ABS
        )
        assert one.scope == "image"


def test_the_target_itself_is_perfect(study: Study) -> None:
    everything = study.batch(Unit("all", tuple(range(len(study.data)))))
    assert everything.target is not None
    known = {
        tuple(image.flatten().tolist()): target
        for image, target in zip(everything.input, everything.target, strict=True)
    }

    def told(images: Tensor) -> Tensor:
        return torch.stack([known[tuple(image.flatten().tolist())] for image in images])

    for one in measured(function_model(told), study):
        assert one.measures == {"nmse": 0.0, "psnr": float("inf"), "ssim": 1.0}


def test_a_missing_maximum_is_that_of_the_targets(tmp_path: Path) -> None:
    write_fastmri_folder(tmp_path / "a")
    write_fastmri_folder(tmp_path / "b", val=0)
    write_fastmri_volume(tmp_path / "b/singlecoil_val/file1000002.h5", attributes={"max": None}, seed=2)
    (told,), (found,) = (measured(function_model(darker), mri_study(tmp_path / name)) for name in "ab")
    assert found.measures == pytest.approx(told.measures, rel=1e-6)


def test_blank_targets_are_left_out(tmp_path: Path) -> None:
    folder = write_fastmri_folder(tmp_path, val=2)
    path = folder / "singlecoil_val" / "file1000002.h5"
    replace_key(path, "reconstruction_esc", np.zeros((3, 24, 24), np.float32))
    with h5py.File(path, "r+") as file:
        file.attrs["max"] = 0.0
    assert [one.item for one in measured(function_model(darker), mri_study(folder))] == ["file1000003"]


def test_constant_targets_of_ct_are_left_out(tmp_path: Path) -> None:
    from tests.data.files import write_lodopab_folder

    folder = write_lodopab_folder(tmp_path)
    path = next(folder.glob("ground_truth_test*"))
    with h5py.File(path) as file:
        values = file["data"][()]
    values[0] = 0.25
    replace_key(path, "data", values)
    assert [one.slice for one in measured(function_model(darker), ct_study(folder))] == [1]


def test_data_without_targets_are_refused(tmp_path: Path) -> None:
    folder = write_fastmri_folder(tmp_path, val=0)
    write_fastmri_volume(folder / "singlecoil_val" / "x.h5", target=None)
    with pytest.raises(DataError, match=r"x\.h5 must have targets to compare with"):
        measured(function_model(darker), mri_study(folder))


def test_the_convention_says_where_the_peak_comes_from(mri: Study, ct: Study) -> None:
    assert "maximum of the target's volume" in QualityProtocol().convention(mri)
    assert "max - min" in QualityProtocol().convention(ct)
