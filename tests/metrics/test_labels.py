"""Labels: accuracy, agreement and mIoU, against scikit-learn, torchmetrics and values by hand."""

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix as confusion_of_scikit_learn
from sklearn.metrics import jaccard_score, top_k_accuracy_score
from torch import Tensor
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_jaccard_index

from recon.errors import ConfigError, DataError, ShapeError
from recon.metrics.labels import (
    IGNORED,
    accuracy,
    agreement,
    chosen_labels,
    confusion_matrix,
    correct_labels,
    mean_iou,
    overlaps,
    true_probabilities,
)

SHAPES = ((7,), (3, 5), (2, 4, 6))


def logits_of(images: int, classes: int, *, seed: int = 0) -> Tensor:
    return torch.randn(images, classes, generator=torch.Generator().manual_seed(seed))


def maps_of(*shape: int, classes: int, seed: int = 0, ignored: bool = True) -> tuple[Tensor, Tensor]:
    """Give labels and targets, the latter with pixels that are not judged."""
    numbers = np.random.default_rng(seed)
    labels, target = (torch.from_numpy(numbers.integers(classes, size=shape)) for _ in range(2))
    if ignored:
        target[torch.from_numpy(numbers.random(shape) < 0.2)] = IGNORED
    return labels, target


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("classes", [6, 21])
def test_accuracy_is_that_of_scikit_learn_and_torchmetrics(k: int, classes: int) -> None:
    logits = logits_of(200, classes)
    target = torch.arange(200) % classes
    wanted = top_k_accuracy_score(target.numpy(), logits.numpy(), k=k, labels=range(classes))
    assert accuracy(logits, target, k) == pytest.approx(wanted, abs=1e-12)
    of_torchmetrics = multiclass_accuracy(logits, target, classes, average="micro", top_k=k)
    assert accuracy(logits, target, k) == pytest.approx(float(of_torchmetrics), abs=1e-6)


def test_of_equal_logits_the_lowest_class_is_chosen() -> None:
    logits = torch.tensor([[1.0, 3.0, 3.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -1.0]])
    assert chosen_labels(logits).tolist() == [1, 0, 0]
    maps = torch.zeros(1, 3, 2, 2)
    maps[0, 2, 0, 0] = maps[0, 1, 0, 0] = 1
    assert chosen_labels(maps).tolist() == [[[1, 0], [0, 0]]]


def test_among_the_first_k_are_exactly_k_classes() -> None:
    logits = torch.tensor([[2.0, 2.0, 2.0, 2.0]])
    for k in range(1, 5):
        found = [bool(correct_labels(logits, torch.tensor([true]), k)) for true in range(4)]
        assert found == [true < k for true in range(4)]


def test_the_first_is_the_chosen_label() -> None:
    logits = torch.randint(0, 3, (300, 5), generator=torch.Generator().manual_seed(0)).float()  # full of ties
    for true in range(5):
        target = torch.full((300,), true)
        assert torch.equal(correct_labels(logits, target), chosen_labels(logits) == target)


def test_k_may_exceed_the_number_of_classes() -> None:
    assert correct_labels(logits_of(4, 3), torch.tensor([0, 1, 2, 0]), k=5).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_agreement_counts_what_is_equal_in_each_image(shape: tuple[int, ...]) -> None:
    labels, other = maps_of(*shape, classes=3, ignored=False)
    shares = agreement(labels, other).tolist()
    for index, share in enumerate(shares):
        assert share == np.mean(labels[index].numpy() == other[index].numpy())
    assert agreement(labels, labels).tolist() == [1.0] * shape[0]
    assert agreement(labels, labels + 1).tolist() == [0.0] * shape[0]
    assert torch.equal(agreement(labels, other), agreement(other, labels))


def test_the_true_class_s_probability_is_worked_out_by_hand() -> None:
    logits = torch.tensor([[0.0, 0.0, np.log(2.0)], [700.0, 0.0, 0.0]])
    assert true_probabilities(logits, torch.tensor([2, 1])).tolist() == pytest.approx([0.5, np.exp(-700.0)], rel=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("classes", [2, 21])
def test_the_confusion_matrix_is_that_of_scikit_learn(shape: tuple[int, ...], classes: int) -> None:
    labels, target = maps_of(*shape, classes=classes)
    judged = target != IGNORED
    wanted = confusion_of_scikit_learn(target[judged], labels[judged], labels=range(classes))
    assert confusion_matrix(labels, target, classes).tolist() == wanted.tolist()


def test_labels_of_images_are_all_judged_if_asked() -> None:
    target = torch.tensor([255, 255, 3])
    assert confusion_matrix(target, target, 1000).sum() == 1
    assert confusion_matrix(target, target, 1000, ignored=None).diagonal().nonzero().flatten().tolist() == [3, 255]


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_iou_is_that_of_scikit_learn_and_torchmetrics(seed: int) -> None:
    labels, target = maps_of(4, 9, 7, classes=21, seed=seed)
    judged = target != IGNORED
    found = mean_iou(confusion_matrix(labels, target, 21))
    assert found == pytest.approx(jaccard_score(target[judged], labels[judged], average="macro"), abs=1e-12)
    of_torchmetrics = multiclass_jaccard_index(labels, target, 21, average="macro", ignore_index=IGNORED)
    assert found == pytest.approx(float(of_torchmetrics), abs=1e-6)


def test_a_class_that_is_nowhere_does_not_count() -> None:
    labels, target = torch.tensor([[0, 1], [1, 1]]), torch.tensor([[0, 1], [0, 255]])
    confusion = confusion_matrix(labels, target, 21)
    assert mean_iou(confusion) == (1 / 2 + 1 / 2) / 2
    assert [part[:3].tolist() for part in overlaps(confusion)] == [[1, 1, 0], [2, 2, 0]]


def test_sums_over_images_are_those_of_all_pixels_at_once() -> None:
    labels, target = maps_of(5, 6, 6, classes=4)
    parts = [confusion_matrix(labels[i], target[i], 4) for i in range(5)]
    assert torch.equal(torch.stack(parts).sum(0), confusion_matrix(labels, target, 4))


def test_nothing_judged_has_no_mean() -> None:
    nothing = torch.full((2, 3), IGNORED)
    assert np.isnan(mean_iou(confusion_matrix(nothing.clamp(max=0), nothing, 3)))


def test_what_is_no_logits_or_labels_is_refused() -> None:
    logits, target = logits_of(3, 4), torch.tensor([0, 1, 2])
    with pytest.raises(ShapeError, match=r"logits must have the shape \(images, classes, \.\.\.\), got \(3,\)"):
        chosen_labels(logits[:, 0])
    with pytest.raises(DataError, match="logits must be numbers, got NaN"):
        chosen_labels(logits * float("nan"))
    with pytest.raises(ShapeError, match=r"target \(images,\), got \(3, 4\) and \(2,\)"):
        correct_labels(logits, target[:2])
    with pytest.raises(DataError, match=r"target must be classes below 4, .*got 0 to 4"):
        correct_labels(logits, torch.tensor([0, 4, 1]))
    with pytest.raises(DataError, match=r"got -1 to 1"):
        true_probabilities(logits, torch.tensor([0, -1, 1]))
    with pytest.raises(ConfigError, match="k must be a whole number of at least 1, got 0"):
        accuracy(logits, target, 0)
    with pytest.raises(ShapeError, match="one shape"):
        agreement(target, target[:2])


def test_what_is_no_confusion_is_refused() -> None:
    with pytest.raises(ShapeError, match="one shape"):
        confusion_matrix(torch.zeros(2, 2), torch.zeros(2, 3), 3)
    with pytest.raises(DataError, match="labels must be classes below 3, got 0 to 3"):
        confusion_matrix(torch.tensor([0, 3]), torch.tensor([0, 1]), 3)
    with pytest.raises(DataError, match="target must be classes below 3, got 0 to 254"):
        confusion_matrix(torch.tensor([0, 1]), torch.tensor([0, 254]), 3)
    with pytest.raises(ShapeError, match="square matrix"):
        mean_iou(torch.zeros(2, 3))
