"""How right labels are: those of images (a classifier's), and those of pixels (a segmenter's).

The label of an image is the class of its largest logit, the lowest class where several are largest; so it is for each
pixel of a segmenter's logits.
"""

import torch
from torch import Tensor

from recon.errors import DataError, ShapeError, require_at_least

IGNORED = 255  # marks pixels that are not judged, as PASCAL VOC does


def chosen_labels(logits: Tensor) -> Tensor:
    """Give the label of the largest of logits (B, K) or (B, K, *spatial): (B) or (B, *spatial); of equals the lowest.

    >>> chosen_labels(torch.tensor([[0.0, 2.0, 1.0], [3.0, 0.0, 3.0]])).tolist()
    [1, 0]
    """
    _require_logits(logits)
    return logits.argmax(1)  # torch promises the first of several that are largest


def correct_labels(logits: Tensor, target: Tensor, k: int = 1) -> Tensor:
    """Tell (B,) whether the true class is among the k largest of logits (B, K), where k may exceed K.

    Of equal logits the lower class counts as larger, so that the k largest are exactly k, and k = 1 is
    `chosen_labels(logits) == target`.

    >>> correct_labels(torch.tensor([[0.0, 2.0, 1.0], [3.0, 0.0, 3.0]]), torch.tensor([2, 2]), k=2).tolist()
    [True, True]
    """
    require_at_least(k, 1, name="k")
    own = _of_true_class(logits, target)
    classes = torch.arange(logits.shape[1], device=logits.device)
    before = (logits > own) | ((logits == own) & (classes < target[:, None]))
    return before.sum(1) < k


def accuracy(logits: Tensor, target: Tensor, k: int = 1) -> float:
    """Give the share of images whose true class is among the k largest of logits (B, K): see `correct_labels`.

    >>> accuracy(torch.tensor([[0.0, 2.0], [3.0, 0.0], [1.0, 0.0]]), torch.tensor([1, 0, 1]))
    0.6666666666666666
    """
    return float(correct_labels(logits, target, k).double().mean())


def agreement(labels: Tensor, other: Tensor) -> Tensor:
    """Give the share of labels (B, ...) that are equal in both, for each image: (B,), in float64.

    0 or 1 for a classifier's labels (B,); the share of the pixels for a segmenter's (B, H, W).

    >>> agreement(torch.tensor([[1, 2], [0, 0]]), torch.tensor([[1, 3], [0, 0]])).tolist()
    [0.5, 1.0]
    """
    if labels.shape != other.shape:
        raise ShapeError(f"both must have one shape, got {tuple(labels.shape)} and {tuple(other.shape)}")
    return (labels == other).double().reshape(len(labels), -1).mean(1)


def true_probabilities(logits: Tensor, target: Tensor) -> Tensor:
    """Give the probability (B,) of the true class, the softmax of logits (B, K), in float64.

    >>> true_probabilities(torch.tensor([[0.0, 0.0]]), torch.tensor([1])).tolist()
    [0.5]
    """
    _of_true_class(logits, target)
    return logits.double().softmax(1).gather(1, target[:, None])[:, 0]


def confusion_matrix(labels: Tensor, target: Tensor, classes: int, *, ignored: int | None = IGNORED) -> Tensor:
    """Count labels by true class (row) and chosen class (column): labels and target (...) to int64 (K, K).

    Those whose target is `ignored` do not count, whatever the label; None counts all, as labels of images want where
    there are more than 255 classes.

    >>> confusion_matrix(torch.tensor([0, 1, 1, 0]), torch.tensor([0, 0, 1, 255]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    require_at_least(classes, 1, name="classes")
    if labels.shape != target.shape:
        raise ShapeError(f"labels and target must have one shape, got {tuple(labels.shape)} and {tuple(target.shape)}")
    judged = torch.ones_like(target, dtype=torch.bool) if ignored is None else target != ignored
    chosen, true = labels[judged].long(), target[judged].long()
    for name, found in (("labels", chosen), ("target", true)):
        if found.numel() and not (int(found.min()) >= 0 and int(found.max()) < classes):
            raise DataError(f"{name} must be classes below {classes}, got {int(found.min())} to {int(found.max())}")
    return torch.bincount(true * classes + chosen, minlength=classes * classes).reshape(classes, classes)


def overlaps(confusion: Tensor) -> tuple[Tensor, Tensor]:
    """Give each class's intersection (K,) and union (K,) in pixels, from a confusion matrix (K, K).

    The intersection counts the pixels of which a class is truth and choice, the union those of which it is either.
    Both may be summed over images before they are divided.

    >>> intersection, union = overlaps(torch.tensor([[1, 1], [0, 1]]))
    >>> intersection.tolist(), union.tolist()
    ([1, 1], [2, 2])
    """
    if confusion.ndim != 2 or confusion.shape[0] != confusion.shape[1]:
        raise ShapeError(f"confusion must be a square matrix, got the shape {tuple(confusion.shape)}")
    intersection = confusion.diagonal().clone()
    return intersection, confusion.sum(0) + confusion.sum(1) - intersection


def mean_iou(confusion: Tensor) -> float:
    """Give the mean over classes of intersection over union, from a confusion matrix (K, K) of all images.

    mIoU = mean over k with U[k] > 0 of I[k] / U[k], with the `overlaps` I and U; a class that is neither truth nor
    choice anywhere does not count. NaN where nothing is judged.

    >>> mean_iou(torch.tensor([[1, 1, 0], [2, 0, 0], [0, 0, 0]]))
    0.125
    """
    intersection, union = overlaps(confusion)
    there = union > 0
    return float((intersection[there].double() / union[there].double()).mean())


def _of_true_class(logits: Tensor, target: Tensor) -> Tensor:
    """Give the true class's logit (B, 1)."""
    _require_logits(logits)
    if logits.ndim != 2 or target.shape != logits.shape[:1]:
        raise ShapeError(
            f"logits must have the shape (images, classes) and target (images,), got {tuple(logits.shape)} and "
            f"{tuple(target.shape)}"
        )
    classes = logits.shape[1]
    if target.numel() and not (int(target.min()) >= 0 and int(target.max()) < classes):
        raise DataError(
            f"target must be classes below {classes}, as many as there are logits, got {int(target.min())} to "
            f"{int(target.max())}"
        )
    return logits.gather(1, target[:, None])


def _require_logits(logits: Tensor) -> None:
    if logits.ndim < 2 or logits.shape[1] == 0:
        raise ShapeError(f"logits must have the shape (images, classes, ...), got {tuple(logits.shape)}")
    if bool(logits.isnan().any()):
        raise DataError("logits must be numbers, got NaN; train the network again, or compute in float32")
