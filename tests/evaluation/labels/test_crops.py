"""Crops: their sizes, what is compared, and whose images are too small."""

import numpy as np
import pytest
import torch
from torch import Tensor

from recon.data.samples import Origin
from recon.errors import ConfigError, DataError
from recon.evaluation.labels.crops import PAIRS, CropsProtocol
from recon.evaluation.labels.study import LabelStudy
from tests.evaluation.labels.small import (
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


def corners_of(study: LabelStudy, index: int, margin: int) -> Tensor:
    """Draw an image's pairs of corners, (pairs, 2, 2)."""
    origin = Origin("made", "memory", index, "", "", synthetic=True)
    size = (margin + 1, margin + 1)
    return study.places("crops", origin=origin, count=2 * PAIRS, size=size).unflatten(0, (PAIRS, 2))


@pytest.mark.parametrize(
    ("size", "period", "crop", "margin"),
    [
        ((32, 32), 4, [28, 28], [4, 4]),
        ((32, 32), 8, [24, 24], [8, 8]),
        ((64, 48), 8, [56, 40], [8, 8]),
        ((96, 32), 2, [84, 28], [12, 4]),
        ((32, 32), 0, [24, 24], [8, 8]),  # of a network that does not say its period
    ],
)
def test_crops_leave_an_eighth_and_whole_periods(
    size: tuple[int, int], period: int, crop: list[int], margin: list[int]
) -> None:
    (found,) = measured(CropsProtocol(), model_of(corner, period=period), study_of_images(2, size))
    assert found.settings == {"crop": crop, "margin": margin}


def test_crops_of_a_larger_image_are_of_the_networks_size() -> None:
    study = study_of_images(4, (8, 8), margin=6)
    assert study.wide_size == (14, 14)
    seen: list[tuple[int, ...]] = []

    def noting(images: Tensor) -> Tensor:
        seen.append(tuple(images.shape[2:]))
        return corner(images)

    (found,) = measured(CropsProtocol(), model_of(noting, period=8), study)
    assert found.settings == {"crop": [8, 8], "margin": [6, 6]}
    assert {*seen} == {(8, 8)}


@pytest.mark.parametrize(("margin", "crop"), [(0, 24), (6, 32)])
@pytest.mark.parametrize("batch_size", [1, 16])
def test_a_classifier_s_pairs_are_counted(margin: int, crop: int, batch_size: int) -> None:
    study = study_of_images(10, (32, 32), margin=margin)
    (found,) = measured(CropsProtocol(), model_of(corner, batch_size=batch_size), study)
    shares = []
    for index, image in enumerate(images_of(10, (32 + margin, 32 + margin))):
        labels = image.argmax(0)
        pairs = corners_of(study, index, 32 + margin - crop).tolist()
        shares.append(sum(int(labels[tuple(a)] == labels[tuple(b)]) for a, b in pairs) / PAIRS)
    assert found.arrays["agreeing"] == shares
    assert found.measures == {"images": 10, "pairs": 10 * PAIRS, "agreeing": pytest.approx(PAIRS * sum(shares))}
    assert 0 < np.mean(shares) < 1


def test_a_segmenter_is_compared_on_what_both_crops_show() -> None:
    study = study_of_images(3, (32, 32), task="segmentation")
    steady, moved = (
        measured(CropsProtocol(), model_of(function, task="segmentation"), study) for function in (pixelwise, tilted)
    )
    assert of_images(steady, "agreeing") == [1.0] * 3
    assert total(steady, "agreeing") == total(steady, "pairs") == 3 * PAIRS
    assert 0 < total(moved, "agreeing") < 3 * PAIRS


@pytest.mark.parametrize("network", [classifier("mass"), segmenter("mass")], ids=["classifier", "segmenter"])
def test_networks_of_recon_take_the_crops(network: torch.nn.Module) -> None:
    model = network_model(network)  # type: ignore[arg-type]
    study = study_of_images(2, (32, 32), task=model.task)
    protocol = CropsProtocol()
    assert (protocol.unfit(model, study) == "") == (model.task == "classification")  # 16 of 32 are too few
    assert protocol.unfit(model, study_of_images(2, (64, 64), task=model.task)) == ""
    if model.task == "classification":
        assert 0 <= total(measured(protocol, model, study), "agreeing") <= 2 * PAIRS


def test_images_that_are_too_small_are_told() -> None:
    reason = CropsProtocol().unfit(model_of(corner, period=32), study_of_images(2, (32, 32)))
    assert reason == "images of 32 x 32 are too small for crops of more than half of them, by its period of 32"
    assert not CropsProtocol().unfit(model_of(corner, period=32), study_of_images(2, (32, 32), margin=8))


def test_networks_that_take_one_size_alone_are_told() -> None:
    def fixed(images: Tensor) -> Tensor:
        if images.shape[2:] != (32, 32):
            raise ConfigError("fixed takes images of 3 x 32 x 32")
        return corner(images)

    protocol, study = CropsProtocol(), study_of_images(2, (32, 32))
    assert protocol.unfit(model_of(fixed), study) == "fixed takes images of 3 x 32 x 32"
    assert protocol.unfit(model_of(fixed), study_of_images(2, (32, 32), margin=4)) == ""


def test_a_network_is_tried_once() -> None:
    tried: list[int] = []

    def noting(images: Tensor) -> Tensor:
        tried.append(len(images))
        return corner(images)

    protocol, model, study = CropsProtocol(), model_of(noting), study_of_images(2, (32, 32))
    assert [protocol.unfit(model, study) for _ in range(3)] == [""] * 3
    assert tried == [1]


def test_images_that_cannot_be_read_do_not_count() -> None:
    model = model_of(corner, batch_size=2)
    (found,) = measured(CropsProtocol(), model, study_of_images(10, (32, 32), broken=[0, 3], margin=4))
    assert found.measures["images"] == 8
    with pytest.raises(DataError, match="none of the images 2 to 3 could be read"):
        measured(CropsProtocol(), model, study_of_images(10, (32, 32), broken=[2, 3]))


def test_the_passes_foretold_are_those_taken() -> None:
    study, model, protocol = study_of_images(10, (32, 32)), model_of(corner), CropsProtocol()
    passes: list[int] = []
    model.on_pass = passes.append
    measured(protocol, model, study)
    assert sum(passes) == sum(protocol.passes(model, unit, study) for unit in protocol.units(model, study)) == 100


def test_the_convention_is_that_of_the_task() -> None:
    assert "S-Cons" in CropsProtocol().convention(study_of_images())
    assert "mASSC" in CropsProtocol().convention(study_of_images(task="segmentation"))
