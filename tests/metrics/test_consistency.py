"""Consistency under shifts: networks that follow shifts, that ignore them, and that are worked out pixel by pixel."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from recon.errors import ShapeError
from recon.metrics.consistency import circular_consistency, circular_pair, crop_consistency, crops, moved_back
from recon.metrics.labels import chosen_labels
from tests.properties import rolled, same_bits


def images_of(count: int, *size: int, channels: int = 3) -> Tensor:
    return torch.randn(count, channels, *size, generator=torch.Generator().manual_seed(0))


def shifts_of(count: int, furthest: int, *, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, furthest, size=(count, 2)))


def invariant(images: Tensor) -> Tensor:
    """Classify by the largest value of each channel, which no circular shift changes."""
    return images.flatten(2).amax(2)


def corner(images: Tensor) -> Tensor:
    """Classify by the upper left pixel, which every shift changes."""
    return images[..., 0, 0]


def pixelwise(images: Tensor) -> Tensor:
    """Label each pixel by its largest channel."""
    return images * 2


def placed(images: Tensor) -> Tensor:
    """Label each pixel by the parity of its column, wherever the image lies."""
    parity = torch.arange(images.shape[3]) % 2
    return torch.stack([parity, 1 - parity]).reshape(1, 2, 1, -1).expand(len(images), 2, *images.shape[2:]).float()


@pytest.mark.parametrize("f", [invariant, pixelwise])
@pytest.mark.parametrize("size", [(8, 8), (4, 6), (5, 3)])
def test_networks_that_follow_circular_shifts_agree_to_the_bit(
    f: Callable[[Tensor], Tensor], size: tuple[int, int]
) -> None:
    images = images_of(6, *size)
    first, second = shifts_of(6, 9, seed=1), shifts_of(6, 9, seed=2)
    one, other = circular_pair(f, images, first, second)
    assert same_bits(one, other)
    assert same_bits(one, f(images))
    assert circular_consistency(f, images, first, second).tolist() == [1.0] * 6


def test_a_classifier_agrees_where_its_labels_do() -> None:
    images, first, second = images_of(50, 4, 4), shifts_of(50, 4, seed=1), shifts_of(50, 4, seed=2)
    labels = [corner(rolled(images, shifts)).argmax(1) for shifts in (first, second)]
    wanted = (labels[0] == labels[1]).double()
    assert circular_consistency(corner, images, first, second).tolist() == wanted.tolist()
    assert 0 < wanted.mean() < 1


def test_a_segmenter_agrees_on_the_pixels_whose_labels_do() -> None:
    images = torch.zeros(4, 1, 2, 6)
    first, second = torch.zeros(4, 2, dtype=torch.int64), torch.tensor([[0, 0], [0, 1], [1, 2], [1, 5]])
    assert circular_consistency(placed, images, first, second).tolist() == [1.0, 0.0, 1.0, 0.0]


def test_maps_are_compared_where_they_show_the_same_pixel() -> None:
    images, shift = images_of(2, 3, 5), torch.tensor([[1, 2], [0, 4]])
    assert same_bits(moved_back(rolled(images, shift), shift), images)
    logits = images_of(2, 1, 1)[..., 0, 0]
    assert moved_back(logits, shift) is logits


@pytest.mark.parametrize("size", [(5, 5), (6, 4)])
def test_a_segmenter_of_pixels_agrees_on_all_that_both_crops_show(size: tuple[int, int]) -> None:
    images = images_of(20, 7, 7)
    first, second = (torch.minimum(shifts_of(20, 4, seed=seed), 7 - torch.tensor(size)) for seed in (1, 2))
    assert crop_consistency(pixelwise, images, first, second, size).tolist() == [1.0] * 20


def test_crops_are_compared_pixel_by_pixel_where_both_show_it() -> None:
    images, size = images_of(30, 7, 8), (5, 6)
    first, second = shifts_of(30, 3, seed=1), shifts_of(30, 3, seed=2)

    def noisy(crop: Tensor) -> Tensor:  # labels that depend on where in the crop a pixel lies
        return crop + torch.randn(crop.shape[1:], generator=torch.Generator().manual_seed(5))

    found = crop_consistency(noisy, images, first, second, size).tolist()
    for image, start, end, share in zip(images, first.tolist(), second.tolist(), found, strict=True):
        labels = []
        for row, column in (start, end):
            (label,) = chosen_labels(noisy(image[None, :, row : row + size[0], column : column + size[1]]))
            labels.append({(row + r, column + c): int(label[r, c]) for r in range(size[0]) for c in range(size[1])})
        both = labels[0].keys() & labels[1].keys()
        assert share == sum(labels[0][place] == labels[1][place] for place in both) / len(both)
    assert min(found) < 1


def test_a_classifier_of_crops_agrees_where_its_labels_do() -> None:
    images = images_of(40, 6, 6)
    first, second = shifts_of(40, 3, seed=1), shifts_of(40, 3, seed=2)
    labels = [
        torch.stack([image[:, r, c] for image, (r, c) in zip(images, corners.tolist(), strict=True)]).argmax(1)
        for corners in (first, second)
    ]
    found = crop_consistency(corner, images, first, second, (4, 4))
    assert found.tolist() == (labels[0] == labels[1]).double().tolist()
    assert 0 < found.mean() < 1


def test_crops_are_windows_at_their_corners() -> None:
    images = images_of(2, 4, 5)
    cut = crops(images, torch.tensor([[0, 1], [2, 0]]), (2, 4))
    assert same_bits(cut, torch.stack([images[0, :, 0:2, 1:5], images[1, :, 2:4, 0:4]]))


def test_nothing_is_recorded_for_gradients() -> None:
    images, shifts = images_of(2, 4, 4).requires_grad_(), shifts_of(2, 4)
    assert not any(output.requires_grad for output in circular_pair(invariant, images, shifts, shifts))


def test_what_does_not_fit_is_refused() -> None:
    images, shifts = images_of(2, 6, 6), shifts_of(2, 2)
    with pytest.raises(ShapeError, match=r"f must give logits .*got \(2,\) and \(2,\) for 2 images"):
        circular_consistency(lambda x: x.sum((1, 2, 3)), images, shifts, shifts)
    with pytest.raises(ShapeError, match="f must give logits"):
        circular_consistency(lambda x: corner(x)[:1], images, shifts, shifts)
    with pytest.raises(ShapeError, match=r"first one corner for each, \(B, 2\)"):
        crop_consistency(corner, images, shifts[0], shifts, (4, 4))
    for corners in (torch.tensor([[0, 0], [0, 3]]), torch.tensor([[-1, 0], [0, 0]])):
        with pytest.raises(ShapeError, match="crops of 4 x 4 must lie in the images and overlap"):
            crop_consistency(corner, images, shifts, corners, (4, 4))
    with pytest.raises(ShapeError, match=r"crops of 3 x 4 must .*choose crops of more than half the size"):
        crop_consistency(corner, images, shifts, shifts, (3, 4))
