"""What holds for a volume of every format: it says what it is, is read as it says, and written whole."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from recon.clinical.formats import FORMATS, find_sources
from recon.clinical.sources import Made, Source
from recon.errors import ReconError
from tests.clinical.dicom.phantoms import TELLTALES, write_series
from tests.clinical.formats.models import WEIGHTS, known_model
from tests.clinical.mrd.scans import acquisitions, header, kspace_of, write_file
from tests.data.files import write_fastmri_volume, write_lodopab_pair


def nifti(path: Path) -> Path:
    nibabel.save(nibabel.Nifti1Image(np.random.default_rng(0).uniform(0, 100, (16, 16, 3)), np.eye(4)), path)
    return path


def array(path: Path) -> Path:
    np.save(path, np.random.default_rng(0).uniform(0, 100, (3, 16, 16)))
    return path


WRITERS: dict[str, Callable[[Path], Path]] = {
    "fastmri": lambda folder: write_fastmri_volume(folder / "x.h5"),
    "lodopab": lambda folder: write_lodopab_pair(folder).observation,
    "mrd": lambda folder: write_file(folder / "x.h5", header(), acquisitions(kspace_of())),
    "dicom": lambda folder: write_series(folder / "x")[0].parent,
    "nifti": lambda folder: nifti(folder / "x.nii.gz"),
    "npy": lambda folder: array(folder / "x.npy"),
}
MODALITIES = {"fastmri": "mri", "lodopab": "ct", "mrd": "mri", "dicom": "ct", "nifti": None, "npy": None}


@pytest.fixture(params=WRITERS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    (found,) = find_sources(WRITERS[request.param](tmp_path / "in" if request.param == "lodopab" else tmp_path)).sources
    assert found.format == request.param
    return found


def test_every_format_is_tested_here() -> None:
    assert set(WRITERS) == set(FORMATS)


def test_volume_is_read_as_it_says(source: Source) -> None:
    images = source.read()
    assert images.dtype == torch.float32
    assert images.shape[:2] == (source.slices, 1)
    assert images.ndim == 4
    assert getattr(source, "size", None) in (None, tuple(images.shape[-2:]))
    assert source.modality == MODALITIES[source.format]


def test_reading_twice_gives_the_same(source: Source) -> None:
    assert torch.equal(source.read(), source.read())


def test_name_is_that_of_the_file_or_folder(source: Source) -> None:
    assert source.name.startswith(source.path.name)
    assert not any(word in source.name for word in TELLTALES.values())


def test_result_is_whole_and_alone(source: Source, tmp_path: Path) -> None:
    model = known_model(source.modality or "mri")
    target = tmp_path / "out" / f"result{source.suffix}"
    source.write(model(source.read()), model.identity, target)
    assert target.is_dir() == (not source.suffix)
    assert {path.name for path in target.parent.iterdir()} <= {target.name, f"{target.name}.json"}


def test_result_says_how_it_was_made(source: Source, tmp_path: Path) -> None:
    model, target = known_model(source.modality or "mri"), tmp_path / "out" / f"result{source.suffix}"
    identity = replace(model.identity, processing="model 0123456789ab, bfloat16, pad circular, undersampled")
    source.write(source.read(), identity, target)
    assert source.made_with(target) == Made(WEIGHTS, identity.processing)


def test_nothing_is_left_of_what_cannot_be_written(source: Source, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("-")
    images = source.read()
    with pytest.raises(ReconError):
        source.write(images, known_model(source.modality or "mri").identity, tmp_path / "file" / f"x{source.suffix}")
    assert (tmp_path / "file").read_text() == "-"
    assert not list(tmp_path.rglob("*.partial"))
