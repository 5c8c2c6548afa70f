"""How consistent labels are under shifts: circular ones, and those of two crops that show almost the same.

One definition serves both tasks: a network that gives logits (B, K) has one label an image, one that gives logits
(B, K, H, W) has one a pixel, which is compared where it shows the same pixel of the image.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from recon.errors import ShapeError
from recon.metrics.labels import agreement, chosen_labels
from recon.ops.periodic import roll_images


def moved_back(output: Tensor, shift: Tensor) -> Tensor:
    """Undo the circular shift (B, 2) of maps (B, K, H, W); logits (B, K) have no place and stay.

    >>> moved_back(torch.tensor([[[[0.0, 1.0]]]]), torch.tensor([[0, 1]])).tolist()
    [[[[1.0, 0.0]]]]
    """
    return output if output.ndim == 2 else roll_images(output, -shift)


@torch.no_grad()
def circular_pair(
    f: Callable[[Tensor], Tensor], images: Tensor, first: Tensor, second: Tensor
) -> tuple[Tensor, Tensor]:
    """Give the logits of images (B, C, H, W) under two circular shifts (B, 2) each; those of maps moved back.

    >>> images, shifts = torch.rand(2, 3, 4, 4), torch.tensor([[0, 1], [2, 3]])
    >>> one, other = circular_pair(lambda x: x, images, shifts, 2 * shifts)
    >>> torch.equal(one, images) and torch.equal(other, images)
    True
    """
    one, other = (f(roll_images(images, shift.to(images.device))) for shift in (first, second))
    _require_logits(images, one, other)
    return moved_back(one, first.to(one.device)), moved_back(other, second.to(other.device))


def circular_consistency(f: Callable[[Tensor], Tensor], images: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Give the share of labels (B,) that agree under two circular shifts (B, 2) of each image, in float64.

    Of a classifier, 1[y(S1 x) = y(S2 x)] (MASS, eq. 4): 0 or 1. Of a segmenter, the mean over pixels of
    1[S1^-1 y(S1 x) = S2^-1 y(S2 x)] (Zou et al. 2020; MASS, eq. 5). Averaged over images and random pairs it is the
    papers' circular consistency, and mASCC.

    >>> def brightest(x):  # the place of the brightest pixel, which moves with the image
    ...     return x.flatten(1)
    >>> image = torch.tensor([[[[3.0, 1.0], [0.0, 2.0]]]])
    >>> circular_consistency(brightest, image, torch.tensor([[0, 0]]), torch.tensor([[0, 1]])).tolist()
    [0.0]
    """
    return agreement(*map(chosen_labels, circular_pair(f, images, first, second)))


@torch.no_grad()
def crop_consistency(
    f: Callable[[Tensor], Tensor], images: Tensor, first: Tensor, second: Tensor, size: tuple[int, int]
) -> Tensor:
    """Give the share of labels (B,) that agree for two crops of each image, as a camera would move, in float64.

    Of a classifier, 1[y(crop 1) = y(crop 2)] (Zhang 2019; Rojas-Gomez et al. 2022, eq. 27); of a segmenter, the mean
    over the pixels that both crops show (mASSC, Zou et al. 2020).

    Args:
        f: from images to logits.
        images: (B, C, H, W), larger than the crops.
        first: the upper left corner (B, 2) of one crop of each image.
        second: that of the other.
        size: of both crops; more than the furthest that a corner can be from another, so that all crops overlap.

    >>> images = torch.rand(1, 3, 8, 8)
    >>> crop_consistency(lambda x: x, images, torch.tensor([[0, 0]]), torch.tensor([[2, 1]]), (6, 6)).tolist()
    [1.0]
    """
    for name, corners in (("first", first), ("second", second)):
        _require_corners(images, corners, size, name=name)
    one, other = (f(crops(images, corners, size)) for corners in (first, second))
    _require_logits(images, one, other)
    if one.ndim == 2:
        return agreement(chosen_labels(one), chosen_labels(other))
    moves = (second - first).tolist()
    pairs = zip(chosen_labels(one), chosen_labels(other), moves, strict=True)
    shares = [agreement(_common(a, (r, c))[None], _common(b, (-r, -c))[None]) for a, b, (r, c) in pairs]
    return torch.cat(shares)


def crops(images: Tensor, corners: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut a window of one size out of each image (B, C, H, W), at its upper left corner (B, 2).

    >>> crops(torch.arange(9.0).reshape(1, 1, 3, 3), torch.tensor([[1, 0]]), (1, 2)).tolist()
    [[[[3.0, 4.0]]]]
    """
    height, width = size
    cut = [image[:, r : r + height, c : c + width] for image, (r, c) in zip(images, corners.tolist(), strict=True)]
    return torch.stack(cut)


def _common(labels: Tensor, move: tuple[int, int]) -> Tensor:
    """Cut the part out of a crop's labels (h, w) that another crop shows too, which lies so much further on."""
    rows, columns = (slice(max(n, 0), size + min(n, 0)) for n, size in zip(move, labels.shape, strict=True))
    return labels[rows, columns]


def _require_corners(images: Tensor, corners: Tensor, size: tuple[int, int], *, name: str) -> None:
    if images.ndim != 4 or tuple(corners.shape) != (len(images), 2):
        raise ShapeError(
            f"images must have the shape (B, C, H, W) and {name} one corner for each, (B, 2), got "
            f"{tuple(images.shape)} and {tuple(corners.shape)}"
        )
    room = [n - crop for n, crop in zip(images.shape[2:], size, strict=True)]
    inside = all(0 <= r <= room[0] and 0 <= c <= room[1] for r, c in corners.tolist())
    if not inside or not all(margin < crop for margin, crop in zip(room, size, strict=True)):
        raise ShapeError(
            f"crops of {size[0]} x {size[1]} must lie in the images and overlap wherever they are, got images of "
            f"{images.shape[2]} x {images.shape[3]} and {name} from {corners.amin(0).tolist()} to "
            f"{corners.amax(0).tolist()}; choose crops of more than half the size"
        )


def _require_logits(images: Tensor, *outputs: Tensor) -> None:
    one, other = (tuple(output.shape) for output in outputs)
    if one != other or len(one) not in (2, 4) or one[0] != len(images):
        raise ShapeError(
            f"f must give logits (B, K) or (B, K, H, W), of one shape for both, got {one} and {other} for "
            f"{len(images)} images"
        )
