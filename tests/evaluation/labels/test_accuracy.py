"""Accuracy: counts by hand, scikit-learn's overlaps, and nothing that hangs on batches or units."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import confusion_matrix

from recon.data.labels.samples import IGNORED
from recon.evaluation.labels.accuracy import AccuracyProtocol
from recon.evaluation.labels.study import LabelStudy
from tests.evaluation.labels.small import (
    InMemory,
    brightness,
    classes_of,
    corner,
    images_of,
    maps_of,
    measured,
    model_of,
    of_images,
    pixelwise,
    study_of_images,
    total,
)


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_a_classifier_s_images_are_counted(batch_size: int) -> None:
    study, logits, target = study_of_images(10), corner(images_of(10, (8, 8))), classes_of(10)
    (found,) = measured(AccuracyProtocol(), model_of(corner, batch_size=batch_size), study)
    right = (logits.argmax(1) == target).double()
    assert found.arrays["correct"] == right.tolist()
    assert found.measures == {
        "images": 10,
        "correct": float(right.sum()),
        "correct_top5": 10,  # of three classes
        "loss": pytest.approx(float(F.cross_entropy(logits.double(), target, reduction="sum")), rel=1e-12),
    }
    assert 0 < right.sum() < 10
    assert (found.scope, found.item, found.settings) == ("set", "images 0 to 9", {})


@pytest.mark.parametrize("above", [3, 4, 5])
def test_the_five_largest_count_and_of_equals_the_lowest_first(above: int) -> None:
    logits = torch.tensor([0.0] * 3 + [9.0] * above)  # the first three are the data's classes
    model = model_of(lambda images: logits.expand(len(images), -1))
    (found,) = measured(AccuracyProtocol(), model, study_of_images(10))
    assert found.measures["correct"] == 0
    assert found.measures["correct_top5"] == float((classes_of(10) < 5 - above).sum())


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_a_segmenter_s_overlaps_are_those_of_scikit_learn(batch_size: int) -> None:
    study = study_of_images(20, (6, 7), task="segmentation")
    found = measured(AccuracyProtocol(), model_of(pixelwise, task="segmentation", batch_size=batch_size), study)
    assert [one.item for one in found] == ["images 0 to 15", "images 16 to 19"]
    labels, target = images_of(20, (6, 7)).argmax(1), maps_of(20, (6, 7))
    judged = target != IGNORED
    wanted = confusion_matrix(target[judged], labels[judged], labels=range(3))
    intersection, union = (np.array([one.arrays[name] for one in found]).sum(0) for name in ("intersection", "union"))
    assert intersection.tolist() == wanted.diagonal().tolist()
    assert union.tolist() == (wanted.sum(0) + wanted.sum(1) - wanted.diagonal()).tolist()
    assert total(found, "images") == 20
    assert total(found, "pixels") == judged.sum() < judged.numel()
    assert total(found, "correct") == wanted.trace()


def test_a_limit_takes_images_spread_over_the_data() -> None:
    found = measured(AccuracyProtocol(), model_of(corner), study_of_images(10, limit=2))
    assert [one.item for one in found] == ["images 2 to 7 (2)"]
    whole = of_images(measured(AccuracyProtocol(), model_of(corner), study_of_images(10)), "correct")
    assert of_images(found, "correct") == [whole[2], whole[7]]


def test_units_are_of_256_images() -> None:
    study = study_of_images(600, (2, 2))
    units = AccuracyProtocol().units(model_of(corner), study)
    assert [unit.name for unit in units] == ["images 0 to 255", "images 256 to 511", "images 512 to 599"]
    assert [AccuracyProtocol().passes(model_of(corner), unit, study) for unit in units] == [256, 256, 88]


def test_images_that_cannot_be_read_do_not_count() -> None:
    (found,) = measured(AccuracyProtocol(), model_of(corner), study_of_images(10, broken=[3, 9]))
    assert found.measures["images"] == len(found.arrays["correct"]) == 8


def test_the_passes_foretold_are_those_taken() -> None:
    study, model = study_of_images(10), model_of(brightness)
    passes: list[int] = []
    model.on_pass = passes.append
    measured(AccuracyProtocol(), model, study)
    assert sum(passes) == 10


def test_the_convention_is_that_of_the_task() -> None:
    assert "cross-entropy" in AccuracyProtocol().convention(study_of_images())
    assert "255 are not judged" in AccuracyProtocol().convention(study_of_images(task="segmentation"))


def test_the_data_are_what_a_study_holds() -> None:
    study = study_of_images()
    assert isinstance(study, LabelStudy)
    assert isinstance(study.data, InMemory)
    assert (study.shape, study.size) == ((3, 8, 8), (8, 8))
