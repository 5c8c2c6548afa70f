"""What a result says of how it was made: all that changes its values, and nothing that does not."""

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from recon.clinical.formats import find_sources
from recon.clinical.formats.files import FileSource, Reading
from recon.clinical.models import ClinicalModel, Opening, open_model
from recon.clinical.processing import processing_of
from recon.evaluation.loading import Place
from tests.clinical.conftest import MRI_SETTINGS, write_network
from tests.clinical.formats.models import known_model
from tests.clinical.volumes import MadeUp
from tests.data.files import write_fastmri_volume


def said(path: Path, model: ClinicalModel, reading: Reading | None = None) -> str:
    (source,) = find_sources(path).sources
    assert isinstance(source, FileSource)
    return processing_of(source.adapted(model.identity, reading or Reading()), model)


def test_padding_is_told_where_the_size_needs_it(tmp_path: Path) -> None:
    source = MadeUp(tmp_path / "x.npy")
    source.size = (4, 6)
    assert "pad" not in processing_of(source, known_model(multiple=2, pad="reflect"))
    assert processing_of(source, known_model(multiple=4, pad="reflect")).endswith("pad reflect")
    source.size = None
    assert processing_of(source, known_model(multiple=1, pad="circular")).endswith("pad circular")


def test_precision_is_told_and_the_batch_is_not(tmp_path: Path, mri_model_file: Path) -> None:
    source = MadeUp(tmp_path / "x.npy")
    one, other = (open_model(str(mri_model_file), Opening(Place(batch_size=size))) for size in (1, 8))
    assert processing_of(source, one) == processing_of(source, other)
    assert "float32" in processing_of(source, one)
    assert "bfloat16" in processing_of(source, known_model(precision="bfloat16"))
    exported = known_model()
    exported.identity = replace(exported.identity, precision="float16")
    assert "float16" in processing_of(source, exported)


def test_undersampling_is_told_where_the_file_has_no_mask(tmp_path: Path) -> None:
    model = known_model(settings=MRI_SETTINGS)
    reading = Reading(undersample=True)
    whole = write_fastmri_volume(tmp_path / "whole.h5")
    masked = write_fastmri_volume(tmp_path / "masked.h5", mask=np.arange(40) % 2 == 0)
    assert said(whole, model, reading).endswith("undersampled")
    assert said(whole, model) == said(masked, model) == said(masked, model, reading)


def test_axis_of_slices_is_told_whoever_chose_it(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.ones((4, 4, 4)), np.eye(4)), tmp_path / "x.nii")
    found = [said(tmp_path / "x.nii", known_model(), Reading(slice_axis=axis)) for axis in (None, 2, 0)]
    assert found[0] == found[1] != found[2]


def test_network_that_samples_otherwise_with_the_same_weights_is_another(tmp_path: Path) -> None:
    source = MadeUp(tmp_path / "x.npy")
    models = [
        open_model(str(write_network(tmp_path / f"{name}.safetensors", "mri", sampling=name)))
        for name in ("aps", "plain")
    ]
    assert models[0].identity.weights == models[1].identity.weights
    assert processing_of(source, models[0]) != processing_of(source, models[1])


@pytest.mark.parametrize("settings", [{"clamp": 5.0}, {"clamp": 6.0, "mask": "equispaced"}])
def test_other_scaling_or_reading_is_another_model(settings: dict[str, object], tmp_path: Path) -> None:
    source = MadeUp(tmp_path / "x.npy")
    usual = processing_of(source, known_model(settings={"clamp": 6.0}))
    assert processing_of(source, known_model(settings=settings)) != usual  # type: ignore[arg-type]


def test_it_fits_into_64_letters(tmp_path: Path) -> None:
    source = MadeUp(tmp_path / "x.npy")
    source.read_as = "undersampled"
    found = processing_of(source, known_model(multiple=3, pad="circular", precision="bfloat16"))
    assert len(found) <= 64
    assert found.isascii()
