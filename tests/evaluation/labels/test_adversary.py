"""The adversary: every shift one by one in the tests, by residues or by all in the protocol."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from recon.evaluation.labels.accuracy import AccuracyProtocol
from recon.evaluation.labels.adversary import FEWEST, MOST, AdversaryProtocol, most_images
from recon.evaluation.labels.consistency import ConsistencyProtocol
from recon.evaluation.labels.crops import CropsProtocol
from recon.evaluation.labels.shifted import logits_by_shift
from recon.evaluation.outputs import Task
from recon.evaluation.shifts import PREMISE_PASSES, grid_of
from tests.evaluation.labels.small import (
    brightness,
    classes_of,
    classifier,
    corner,
    images_of,
    measured,
    model_of,
    network_model,
    pixelwise,
    segmenter,
    study_of_images,
    tilted,
    total,
)
from tests.properties import all_shifts, rolled, same_bits

SIZE = (4, 6)


def mostly_right(images: Tensor) -> Tensor:
    """Classify by the sum of a corner's pixels, which changes with every shift but not by much."""
    return images[..., :3, :5].sum((2, 3))


def by_hand(function: Callable[[Tensor], Tensor], count: int, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Tell for every image and shift whether it is right, and how probable its class: (images, H, W) each."""
    target, shifts = classes_of(count), all_shifts(size)
    logits = torch.stack([function(rolled(image[None], shifts)) for image in images_of(count, size)])
    right = logits.argmax(2) == target[:, None]
    probable = logits.double().softmax(2)[torch.arange(count), :, target]
    return right.reshape(count, *size), probable.reshape(count, *size)


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_every_shift_of_a_classifier_is_counted(every: bool, batch_size: int) -> None:
    model = model_of(mostly_right, batch_size=batch_size)
    (found,) = measured(AdversaryProtocol(every=every), model, study_of_images(12, SIZE))
    right, probable = by_hand(mostly_right, 12, SIZE)
    assert found.arrays["correct_by_shift"] == right.double().sum(0).flatten().tolist()
    assert found.arrays["variation"] == pytest.approx(probable.flatten(1).numpy().std(1).tolist(), abs=1e-12)
    within = [
        sum(bool(np.take(np.take(table, range(-k, k + 1), 0, mode="wrap"), range(-k, k + 1), 1, mode="wrap").all())
            for table in right.numpy())
        for k in range(4)
    ]  # fmt: skip
    assert found.arrays["correct_within"] == within
    assert found.arrays["furthest"] == [0, 1, 2, 3]
    assert found.measures["correct"] == within[0] == right[:, 0, 0].sum()
    assert found.measures["correct_worst"] == within[-1] == right.flatten(1).all(1).sum()
    assert found.measures["variation"] == pytest.approx(sum(found.arrays["variation"]))
    assert found.measures["bitwise"] == 0
    assert found.settings == {"shifts": "every shift", "period": 0, "tried": 24, "size": [4, 6]}
    assert 0 < within[-1] < within[0]


def test_the_residues_below_the_period_stand_for_every_shift() -> None:
    model, study = network_model(classifier()), study_of_images(6, (8, 12))
    (few,) = measured(AdversaryProtocol(), model, study)
    (all_of_them,) = measured(AdversaryProtocol(every=True), model, study)
    assert few.settings == {"shifts": "all residues", "period": 4, "tried": 16, "size": [8, 12]}
    assert few.measures["premise"] < 1e-4
    for name in ("furthest", "correct_within", "correct_by_shift"):
        assert few.arrays[name] == all_of_them.arrays[name]
    assert few.arrays["variation"] == pytest.approx(all_of_them.arrays["variation"], abs=1e-6)
    assert few.measures["variation"] > 0


def test_mass_is_as_right_under_the_worst_shift_as_under_none() -> None:
    (found,) = measured(AdversaryProtocol(), network_model(classifier("mass")), study_of_images(6, (32, 32)))
    assert found.measures["bitwise"] == 6
    assert found.measures["correct"] == found.measures["correct_worst"]
    assert found.measures["variation"] == found.measures["premise"] == 0
    assert len({*found.arrays["correct_by_shift"]}) == len({*found.arrays["correct_within"]}) == 1


def test_a_network_that_is_not_circular_is_given_every_shift() -> None:
    model = model_of(corner, period=2)
    (found,) = measured(AdversaryProtocol(), model, study_of_images(3, SIZE))
    assert (found.settings["shifts"], found.settings["tried"], found.settings["period"]) == ("every shift", 24, 0)
    assert found.measures["premise"] > 0.1


def test_a_period_that_holds_of_some_images_alone_does_not_hold() -> None:
    def half(images: Tensor) -> Tensor:  # the first image is known by its largest value, wherever that has moved to
        first = images.amax((1, 2, 3))[:, None] == images_of(3, SIZE)[0].amax()
        return torch.where(first, corner(images), brightness(images))

    (found,) = measured(AdversaryProtocol(), model_of(half, period=2), study_of_images(3, SIZE))
    assert found.settings["shifts"] == "every shift"


def lowest_by_hand(function: Callable[[Tensor], Tensor], image: Tensor, shifts: Tensor) -> float:
    labels = function(image[None]).argmax(1)[0]
    maps = function(rolled(image[None], shifts)).argmax(1, keepdim=True)
    return float((rolled(maps, -shifts)[:, 0] == labels).double().mean((1, 2)).min())


def test_every_shift_of_a_segmenter_is_tried_if_asked() -> None:
    study = study_of_images(5, SIZE, task="segmentation")
    found = measured(AdversaryProtocol(every=True), model_of(tilted, task="segmentation"), study)
    assert [one.item for one in found] == ["images 0 to 3", "images 4 to 4"]
    wanted = [lowest_by_hand(tilted, image, all_shifts(SIZE)) for image in images_of(5, SIZE)]
    assert [value for one in found for value in one.arrays["lowest"]] == pytest.approx(wanted, abs=1e-12)
    assert total(found, "lowest") == pytest.approx(sum(wanted))
    assert 0 < min(wanted) < 1


def test_a_segmenter_that_is_not_circular_is_given_random_shifts() -> None:
    seen: list[Tensor] = []

    def noting(images: Tensor) -> Tensor:
        seen.append(images)
        return tilted(images)

    study = study_of_images(1, SIZE, task="segmentation")
    (found,) = measured(AdversaryProtocol(random=20), model_of(noting, task="segmentation", period=2), study)
    assert (found.settings["shifts"], found.settings["tried"]) == ("random", 21)
    image = images_of(1, SIZE)
    there = rolled(image, all_shifts(SIZE))
    tried = torch.cat(seen)[PREMISE_PASSES:]
    places = [next(n for n, one in enumerate(there) if torch.equal(one, other)) for other in tried]
    assert places[0] == 0
    assert len({*places}) > 8
    assert found.arrays["lowest"][0] == lowest_by_hand(tilted, image[0], all_shifts(SIZE)[places])


@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_networks_that_follow_every_shift_lose_nothing(task: Task) -> None:
    function = pixelwise if task == "segmentation" else brightness
    study = study_of_images(3, SIZE, task=task)
    (found,) = measured(AdversaryProtocol(every=True), model_of(function, task=task), study)
    assert found.measures["bitwise"] == 3
    assert found.measures.get("lowest", 3) == 3


def test_a_mass_segmenter_follows_every_residue_to_the_bit() -> None:
    study = study_of_images(2, (32, 32), task="segmentation")
    (found,) = measured(AdversaryProtocol(), network_model(segmenter("mass"), batch_size=16), study)
    assert found.settings["tried"] == 256
    assert (found.measures["lowest"], found.measures["bitwise"]) == (2, 2)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 10, 64])
def test_batches_are_put_together_alike_for_every_shift(batch_size: int) -> None:
    model = model_of(corner, batch_size=batch_size)
    sizes: list[int] = []
    model.on_pass = sizes.append
    images, shifts = images_of(2, SIZE), grid_of(*SIZE)
    parts = list(logits_by_shift(model, images, shifts))
    assert len({*sizes}) == 1
    logits = torch.cat(parts)
    assert logits.shape == (24, 2, 3)
    for shift, found in zip(shifts, logits, strict=True):
        assert same_bits(found, corner(rolled(images, shift.expand(2, 2))))


@pytest.mark.parametrize(
    ("size", "most"), [((32, 32), MOST), ((8, 8), MOST), ((64, 64), 125), ((224, 224), FEWEST), ((512, 512), FEWEST)]
)
def test_fewer_of_larger_images_are_tried_unless_a_limit_is_given(size: tuple[int, int], most: int) -> None:
    protocol, study = AdversaryProtocol(), study_of_images(1, size)
    assert most_images(study) == most
    assert f"at most {most} images" in protocol.convention(study)


def test_images_are_spread_over_the_data() -> None:
    model = model_of(corner)
    units = AdversaryProtocol().units(model, study_of_images(2000, (2, 2)))
    indices = [index for unit in units for index in unit.indices]
    assert indices == list(range(2, 2000, 4))
    assert {len(unit.indices) for unit in units} == {25}
    units = AdversaryProtocol().units(model, study_of_images(2000, (2, 2), limit=1000))
    assert sum(len(unit.indices) for unit in units) == 1000
    assert "spread over" not in AdversaryProtocol().convention(study_of_images(2000, (2, 2), limit=1000))


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("period", [0, 2, 4])
@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_the_passes_foretold_are_those_taken(every: bool, period: int, task: Task) -> None:
    function = pixelwise if task == "segmentation" else brightness
    model, protocol = model_of(function, task=task, period=period), AdversaryProtocol(every=every, random=9)
    study = study_of_images(3, SIZE, task=task)
    passes: list[int] = []
    model.on_pass = passes.append
    (unit,) = protocol.units(model, study)
    found = list(protocol.measure(model, unit, study))
    foretold = protocol.passes(model, unit, study)
    assert sum(passes) <= foretold
    if every or period == 2:
        assert (
            sum(passes) == foretold == 3 * int(str(found[0].settings["tried"])) + (0 if every else 3 * PREMISE_PASSES)
        )


def test_the_convention_is_that_of_the_task() -> None:
    assert "fig. 9" in AdversaryProtocol().convention(study_of_images())
    assert "every one of the H x W circular shifts" in AdversaryProtocol(every=True).convention(study_of_images())
    assert "256 random ones" in AdversaryProtocol().convention(study_of_images(task="segmentation"))


@pytest.mark.gpu
@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_networks_are_measured_on_a_gpu(task: Task) -> None:
    study = study_of_images(3, (32, 32), task=task)
    study.device = torch.device("cuda")
    network = (classifier if task == "classification" else segmenter)("mass").cuda()
    model = network_model(network)
    model.device = torch.device("cuda")
    for protocol in (AccuracyProtocol(), ConsistencyProtocol(), CropsProtocol(), AdversaryProtocol()):
        if not protocol.unfit(model, study):
            (found,) = measured(protocol, model, study)
            assert found.measures["images"] == 3
            assert found.measures.get("agreeing", 0) <= found.measures.get("pairs", 0)
