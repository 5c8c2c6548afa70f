"""Central crops and normalisation, beside fastMRI's."""

import pytest
import torch
from fastmri.data.transforms import center_crop, normalize_instance

from recon.errors import ShapeError
from recon.ops import centre_crop, normalise


@pytest.mark.parametrize("size", [(4, 6), (3, 3), (7, 8), (1, 1)])
def test_crop_is_that_of_fastmri(size: tuple[int, int]) -> None:
    image = torch.randn(2, 7, 8)
    assert centre_crop(image, size).equal(center_crop(image, size))


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (0, 3), (3, -1)])
def test_crop_that_does_not_fit_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ShapeError, match=r"at least as large as its crop of .* got 7 x 8"):
        centre_crop(torch.zeros(7, 8), size)


def test_normalised_image_is_that_of_fastmri() -> None:
    image = torch.rand(5, 6) * 1e-4
    ours, (theirs, mean, deviation) = normalise(image), normalize_instance(image, eps=1e-11)
    assert ours.image.equal(theirs)
    assert ours.mean.equal(mean)
    assert ours.scale.equal(deviation + 1e-11)


def test_normalisation_is_undone_by_its_numbers() -> None:
    image = torch.rand(5, 6, dtype=torch.float64) * 1e-4
    normalised = normalise(image)
    torch.testing.assert_close(normalised.image * normalised.scale + normalised.mean, image)


@pytest.mark.parametrize("image", [torch.zeros(4, 4), torch.full((4, 4), 3.0), torch.ones(1, 1)])
def test_constant_image_becomes_zero(image: torch.Tensor) -> None:
    assert normalise(image).image.abs().max() == 0
