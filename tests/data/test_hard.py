"""Hard images: always the same, of any size, and as tied as their names say."""

import numpy as np
import pytest
import torch
from torch import Tensor

from recon.data.hard import hard_images
from recon.nn import UNet, selection_margin
from tests.properties import same_bits

SIZES = [(16, 24), (24, 16), (32, 48), (64, 64), (27, 81), (5, 3), (1, 1)]


def equals_its_shift(image: Tensor, shift: tuple[int, int]) -> bool:
    return np.array_equal(np.roll(image.numpy(), shift, (1, 2)), image.numpy())


@pytest.mark.parametrize("size", SIZES)
def test_images_of_any_size_are_finite_and_of_their_own_memory(size: tuple[int, int]) -> None:
    images = hard_images(size)
    for image in images.values():
        assert image.shape == (1, *size)
        assert image.dtype == torch.float32
        assert image.is_contiguous()
        assert bool(image.isfinite().all())
    kept = {name: image.clone() for name, image in images.items()}
    images["zero"][:] = 1
    images["constant rows"][:] = 1
    assert all(same_bits(image, kept[name]) for name, image in hard_images(size).items())


def test_images_do_not_depend_on_torchs_own_seed() -> None:
    torch.manual_seed(1)
    first = hard_images((16, 24))
    torch.manual_seed(2)
    assert all(same_bits(image, first[name]) for name, image in hard_images((16, 24)).items())


@pytest.mark.parametrize(
    ("name", "shift"),
    [
        ("zero", (1, 1)),
        ("constant", (3, 5)),
        ("constant rows", (0, 1)),
        ("constant columns", (1, 0)),
        ("bars of 1", (1, 2)),
        ("bars of 2", (4, 1)),
        ("bars of 4", (1, 8)),
        ("diagonals", (1, -1)),
        ("checkerboard", (1, 1)),
        ("checkerboard of 2", (2, 2)),
        ("two pixels half an image apart", (16, 0)),
        ("negative tiles of 4", (4, 4)),
        ("tiles of 1 x 2", (1, 2)),
        ("tiles of 8 x 6", (8, 6)),
        ("tiles of 32 x 3", (0, 3)),
        ("tiles of 2 x 48", (2, 0)),
    ],
)
def test_periodic_images_equal_their_shifts(name: str, shift: tuple[int, int]) -> None:
    assert equals_its_shift(hard_images((32, 48))[name], shift)


def test_symmetric_images_equal_their_reflections() -> None:
    for size in ((32, 48), (27, 81)):
        images = hard_images(size)
        assert torch.equal(images["mirror-symmetric phantom"], images["mirror-symmetric phantom"].flip(2))
    turned = hard_images((32, 48))["turned upside down"]
    assert torch.equal(turned, turned.flip(1, 2))


@pytest.mark.parametrize("size", [(16, 16), (16, 24), (64, 64)])
def test_equal_pixels_are_counted(size: tuple[int, int]) -> None:
    counts = {"one pixel": 1, "two equal pixels": 2, "two pixels half an image apart": 2, "four equal pixels": 4}
    images = hard_images(size)
    assert {name: int(images[name].sum()) for name in counts} == counts


def test_tiles_that_do_not_fit_are_left_out() -> None:
    assert "tiles of 16 x 16" in hard_images((32, 48))
    assert {name for name in hard_images((27, 81)) if "tiles" in name} == {"tiles of 27 x 3"}


def test_phases_tie() -> None:
    images = {name: image for name, image in hard_images((32, 48)).items() if "tiles" in name or "bars" in name}
    margins = selection_margin(UNet(1, 1, (4, 8, 16), sampling="mass").eval(), torch.stack(list(images.values())))
    tied = {name for name, margin in zip(images, margins.tolist(), strict=True) if margin == 0}
    assert {"bars of 1", "bars of 2", "bars of 4", "tiles of 1 x 2"} <= tied
