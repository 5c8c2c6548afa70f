"""Images of anything, scaled as training data are."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from recon.data.images import GreyImage
from recon.data.lodopab import LoDoPaBSlices
from recon.data.natural import natural_images
from recon.data.out_of_distribution import GreySlices, Normalising, Range, grey_images, range_of_targets
from recon.data.samples import Sample, collate
from recon.errors import ConfigError
from tests.data.files import write_lodopab_pair


def greys() -> list[GreyImage]:
    """Make three random images with values in [0, 1]."""
    random = np.random.default_rng(0)
    return [GreyImage(random.random((6, 8), np.float32), f"{number}.png") for number in range(3)]


@pytest.mark.parametrize("scaling", [Normalising(clamp=None), Range(0.1, 0.4), Range(-1, 1)])
def test_scaling_is_undone(scaling: Normalising | Range) -> None:
    dataset = GreySlices(greys(), scaling)
    batch = collate([dataset[index] for index in range(3)])
    assert batch.target is None
    expected = torch.stack([torch.from_numpy(image.values) for image in greys()])
    torch.testing.assert_close(batch.undo(batch.input)[:, 0], expected)


def test_black_and_white_become_the_ends_of_the_range() -> None:
    image = GreyImage(np.array([[0, 1]], np.float32), "ends.png")
    sample = GreySlices([image], Range(0.1, 0.4))[0]
    assert isinstance(sample, Sample)
    torch.testing.assert_close(sample.input, torch.tensor([[[0.1, 0.4]]]))


def test_normalised_as_mri_inputs_are() -> None:
    sample = GreySlices(greys(), Normalising())[1]
    assert isinstance(sample, Sample)
    assert sample.input.mean().item() == pytest.approx(0, abs=1e-6)
    assert sample.input.std().item() == pytest.approx(1, abs=1e-6)
    peak = np.zeros((30, 30), np.float32)
    peak[0, 0] = 1
    clamped = GreySlices([GreyImage(peak, "peak.png")], Normalising())[0]
    assert isinstance(clamped, Sample)
    assert clamped.input.max().item() == 6


def test_origin_names_the_image() -> None:
    dataset = GreySlices(natural_images(64, count=3), Normalising())
    samples = [dataset[index] for index in range(3)]
    assert dataset.groups == [range(3)]
    assert all(isinstance(s, Sample) and s.origin.dataset == "images" and not s.origin.synthetic for s in samples)


def test_range_is_that_of_the_targets(tmp_path: Path) -> None:
    write_lodopab_pair(tmp_path, slices=5)
    dataset = LoDoPaBSlices(tmp_path, "train")
    found = range_of_targets(dataset)
    highest = [dataset.pair(index).truth.max() for index in range(5)]
    assert found.lowest == 0
    assert found.highest == pytest.approx(np.median(highest))


def test_range_is_of_medians(tmp_path: Path) -> None:
    write_lodopab_pair(tmp_path, slices=3)
    with h5py.File(tmp_path / "ground_truth_train_000.hdf5", "r+") as file:
        for index, (low, high) in enumerate([(-0.5, 0.2), (0.0, 0.4), (0.1, 0.9)]):
            file["data"][index] = np.linspace(low, high, 256).reshape(16, 16)
    found = range_of_targets(LoDoPaBSlices(tmp_path, "train"))
    assert found.lowest == pytest.approx(0.0)
    assert found.highest == pytest.approx(0.4)


def test_images_come_from_the_folder_or_from_installed_libraries(tmp_path: Path) -> None:
    Image.fromarray(np.full((40, 50), 128, np.uint8)).save(tmp_path / "grey.png")
    assert [image.file for image in grey_images(tmp_path, size=32)] == ["grey.png"]
    assert [image.file for image in grey_images(None, size=32, count=2)] == [
        image.file for image in natural_images(32, count=2)
    ]


def test_empty_range_is_refused() -> None:
    with pytest.raises(ConfigError, match="lowest must be below highest, got 1 and 1"):
        Range(1, 1)
