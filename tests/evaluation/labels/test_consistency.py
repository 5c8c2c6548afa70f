"""Circular consistency: exact networks at 100 %, others by hand, and shifts that are the same for all."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from recon.data.samples import Origin
from recon.evaluation.labels.consistency import PAIRS, ConsistencyProtocol
from recon.evaluation.labels.study import LabelStudy
from recon.evaluation.outputs import Task
from tests.evaluation.labels.small import (
    brightness,
    classes_of,
    classifier,
    corner,
    images_of,
    measured,
    model_of,
    network_model,
    of_images,
    pixelwise,
    segmenter,
    study_of_images,
    tilted,
    total,
)
from tests.properties import rolled


def shifts_of(study: LabelStudy, index: int, size: tuple[int, int]) -> Tensor:
    """Draw an image's pairs of shifts, (pairs, 2, 2)."""
    origin = Origin("made", "memory", index, "", "", synthetic=True)
    return study.places("consistency", origin=origin, count=2 * PAIRS, size=size).unflatten(0, (PAIRS, 2))


@pytest.mark.parametrize(("function", "task"), [(brightness, "classification"), (pixelwise, "segmentation")])
def test_what_follows_shifts_agrees_to_the_bit(function: Callable[[Tensor], Tensor], task: Task) -> None:
    found = measured(ConsistencyProtocol(), model_of(function, task=task), study_of_images(10, (6, 9), task=task))
    assert total(found, "pairs") == total(found, "agreeing") == total(found, "bitwise") == 10 * PAIRS
    assert of_images(found, "agreeing") == [1.0] * 10
    assert ("correct_shifted" in found[0].measures) == (task == "classification")


@pytest.mark.parametrize("batch_size", [1, 4, 16])
def test_a_classifier_s_pairs_are_counted(batch_size: int) -> None:
    study, images = study_of_images(10, (6, 9)), images_of(10, (6, 9))
    (found,) = measured(ConsistencyProtocol(), model_of(corner, batch_size=batch_size), study)
    agreeing, correct = [], []
    for index, image in enumerate(images):
        labels = [
            [int(corner(rolled(image[None], shift[None])).argmax(1)) for shift in pair]
            for pair in shifts_of(study, index, (6, 9))
        ]
        agreeing.append(sum(first == second for first, second in labels))
        correct.append(labels[0][0] == classes_of(10)[index])
    assert found.arrays["agreeing"] == [count / PAIRS for count in agreeing]
    assert found.measures == {
        "images": 10,
        "pairs": 10 * PAIRS,
        "agreeing": sum(agreeing),
        "bitwise": found.measures["bitwise"],
        "correct_shifted": sum(correct),
    }
    assert 0 < sum(agreeing) < 10 * PAIRS
    assert found.measures["bitwise"] < sum(agreeing)


def test_a_segmenter_s_pixels_are_compared_where_they_show_the_same() -> None:
    study, images = study_of_images(4, (5, 6), task="segmentation"), images_of(4, (5, 6))
    (found,) = measured(ConsistencyProtocol(), model_of(tilted, task="segmentation"), study)
    shares = []
    for index, image in enumerate(images):
        pairs = []
        for pair in shifts_of(study, index, (5, 6)):
            maps = [tilted(rolled(image[None], shift[None])).argmax(1)[0] for shift in pair]
            back = [np.roll(one.numpy(), (-shift).tolist(), (0, 1)) for one, shift in zip(maps, pair, strict=True)]
            pairs.append(float(np.mean(back[0] == back[1])))
        shares.append(float(np.mean(pairs)))
    assert found.arrays["agreeing"] == pytest.approx(shares, abs=1e-12)
    assert found.measures["agreeing"] == pytest.approx(PAIRS * sum(shares), abs=1e-12)
    assert 0 < min(shares) < max(shares) < 1


@pytest.mark.parametrize("make", [classifier, segmenter])
def test_mass_is_consistent_to_the_bit_and_plain_is_not(make: Callable[[str], object]) -> None:
    task: Task = "classification" if make is classifier else "segmentation"
    study = study_of_images(3, (32, 32), task=task)
    plain, mass = (measured(ConsistencyProtocol(), network_model(make(name)), study) for name in ("plain", "mass"))  # type: ignore[arg-type]
    assert total(mass, "bitwise") == total(mass, "agreeing") == 3 * PAIRS
    assert total(plain, "bitwise") < 3 * PAIRS


def test_shifts_are_the_same_whatever_the_batch_the_limit_and_the_network() -> None:
    seen: list[Tensor] = []

    def noting(images: Tensor) -> Tensor:
        seen.append(images)
        return corner(images)

    measured(ConsistencyProtocol(), model_of(noting, batch_size=16), study_of_images(10))
    whole = torch.stack(seen)[:, 5]
    seen.clear()
    measured(ConsistencyProtocol(), model_of(noting, batch_size=1), study_of_images(10, limit=1))
    assert torch.equal(torch.stack(seen)[:, 0], whole)
    seen.clear()
    measured(ConsistencyProtocol(), model_of(noting, batch_size=16), study_of_images(10, seed=1))
    assert not torch.equal(torch.stack(seen)[:, 5], whole)


def test_shifts_are_uniform_over_all_of_the_image() -> None:
    study = study_of_images(1, (4, 6))
    drawn = torch.cat([shifts_of(study, index, (4, 6)).flatten(0, 1) for index in range(240)])
    counts = torch.bincount(drawn[:, 0] * 6 + drawn[:, 1], minlength=24).double()
    assert float(((counts - 100) ** 2 / 100).sum()) < 49.7  # chi-square with 23 degrees of freedom: once in a thousand


def test_the_passes_foretold_are_those_taken() -> None:
    study, model, protocol = study_of_images(10), model_of(corner), ConsistencyProtocol()
    passes: list[int] = []
    model.on_pass = passes.append
    measured(protocol, model, study)
    assert sum(passes) == sum(protocol.passes(model, unit, study) for unit in protocol.units(model, study)) == 100


def test_the_convention_is_that_of_the_task() -> None:
    assert "MASS, eq. 4" in ConsistencyProtocol().convention(study_of_images())
    assert "mASCC" in ConsistencyProtocol().convention(study_of_images(task="segmentation"))
