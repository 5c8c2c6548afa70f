"""Crops of one image at two places: exact values by hand, and how far a border reaches into a network's output."""

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from recon.errors import ConfigError, ShapeError
from recon.evaluation.border import BorderProtocol, border_distance, error_by_distance
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.records import Subject
from tests.evaluation.small import PERIOD, network_model, unet

ONE = Unit("slice 0", (0,))


def measured(model: Model, study: Study, **choices: int) -> Measured:
    """Measure the first slice with a step of 1."""
    [found] = BorderProtocol(steps=(1,), **choices).measure(model, ONE, study)
    return found


def local(function: Callable[[Tensor], Tensor], *, period: int = PERIOD) -> Model:
    """Give a model of a function with a period."""
    return Model(Subject("local", "function", period=period), function)


def framed(images: Tensor) -> Tensor:
    """Give 3 on the outermost pixels of an image and 2 elsewhere."""
    return (F.pad(torch.zeros_like(images[..., 1:-1, 1:-1]), (1, 1, 1, 1), value=1.0) + 2).double()


def smoothed(images: Tensor) -> Tensor:
    """Take the mean of 3 x 3 pixels, with zeros around the image."""
    return F.avg_pool2d(images.double(), 3, stride=1, padding=1)


def test_identity_has_no_error(study: Study) -> None:
    for one in BorderProtocol(inside=2).measure(local(torch.clone), ONE, study):
        assert one.measures == {"nmse": 0.0, "nmse_inside": 0.0}
        assert set(one.arrays["error"]) == {0.0}


def test_crops_are_the_largest_that_16_and_the_period_divide(mri: Study) -> None:
    for period, length in ((1, 16), (2, 16), (4, 16), (5, 20), (8, 16), (0, 16)):
        found = list(BorderProtocol(steps=(1, 3)).measure(local(torch.clone, period=period), ONE, mri))
        assert [one.settings["crop"] for one in found] == [[length, length]] * 2
        assert [len(one.arrays["distance"]) for one in found] == [length // 2, (length - 2) // 2]


def test_a_frame_errs_at_the_border_alone_and_by_what_is_worked_out(ct: Study) -> None:
    # Crops of 12, and 11 x 11 pixels that both show, of which 40 are at the border. There the first output is 3 at its
    # lower and right border (21 pixels), the second at its upper and left one; at two corners both are.
    # The scaling of CT is none.
    found = measured(local(framed), ct, inside=1)
    power = (21 * 9 + 100 * 4) / 121
    assert found.settings == {"step": [1, 1], "crop": [12, 12]}
    assert found.measures["nmse"] == pytest.approx(38 / 121 / power)
    assert found.measures["nmse_inside"] == 0
    assert found.arrays["distance"] == [0, 1, 2, 3, 4, 5]
    assert found.arrays["error"] == pytest.approx([math.sqrt(38 / 40 / power), 0, 0, 0, 0, 0])


def test_a_function_of_neighbours_is_exact_where_it_sees_no_border(study: Study) -> None:
    found = measured(local(smoothed), study, inside=1)
    assert found.measures["nmse_inside"] < 1e-20
    assert found.measures["nmse"] > 1e-6
    assert found.arrays["error"][0] > 1e-3
    assert max(found.arrays["error"][1:]) < 1e-10


def test_errors_at_all_distances_make_up_the_whole(mri: Study) -> None:
    found = measured(network_model(unet("plain")), mri)
    length = 15
    counts = torch.bincount(border_distance(torch.zeros(length, length)).flatten())
    squares = torch.tensor(found.arrays["error"], dtype=torch.float64).square()
    assert float((squares * counts).sum() / length**2) == pytest.approx(found.measures["nmse"], rel=1e-9)
    assert found.measures["nmse"] > 1e-6


def test_nothing_is_said_of_the_inside_where_there_is_none(mri: Study) -> None:
    assert "nmse_inside" not in measured(network_model(unet()), mri).measures
    assert "nmse_inside" in measured(network_model(unet()), mri, inside=7).measures


def test_a_step_by_the_period_keeps_a_plain_network_closer(mri: Study) -> None:
    # Its only error is then the border's; odd steps move the image between phases too.
    model, crop = network_model(unet("plain", channels=(4, 4), padding="zeros")), (20, 20)
    batch, protocol = mri.batch(ONE), BorderProtocol(steps=(1,))
    outputs = [protocol._output(model, batch.input, step, crop) for step in (0, 1, 2)]
    errors = [error_by_distance(outputs[0][0, :, s:, s:], outputs[s][0, :, :-s, :-s])["error"] for s in (1, 2)]
    assert errors[1][8] < 1e-6 < errors[0][8]


def test_images_without_room_are_left_out_and_refused(mri: Study) -> None:
    protocol, model = BorderProtocol(), local(torch.clone, period=32)
    words = "images must have room for crops divisible by 32 that lie 3 pixels apart, got 24 x 24"
    assert protocol.unfit(model, mri) == words
    assert protocol.unfit(local(torch.clone), mri) == ""
    with pytest.raises(ShapeError, match=words):
        list(protocol.measure(model, ONE, mri))
    assert BorderProtocol(steps=(13,)).unfit(local(torch.clone, period=1), mri) != ""  # crops of 11 share nothing
    assert BorderProtocol(steps=(11,)).unfit(local(torch.clone, period=1), mri) == ""


def test_passes_are_those_that_are_made(mri: Study) -> None:
    model, protocol = network_model(unet()), BorderProtocol()
    [unit, *_] = protocol.units(model, mri)
    made: list[int] = []
    model.on_pass = made.append
    found = list(protocol.measure(model, unit, mri))
    assert sum(made) == protocol.passes(model, unit, mri) == 3 * len(unit.indices)
    assert [(one.slice, one.settings["step"]) for one in found] == [(n, [s, s]) for s in (1, 3) for n in (0, 1, 2)]


@pytest.mark.parametrize("steps", [(), (2,), (1, 4), (0,), (-1,)])
def test_steps_that_are_not_odd_are_refused(steps: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="steps must be"):
        BorderProtocol(steps=steps)


def test_error_is_finite_or_infinite_where_nothing_is_expected() -> None:
    zero, one = torch.zeros(1, 3, 3), torch.zeros(1, 3, 3)
    one[0, 1, 1] = 1
    assert error_by_distance(zero, one)["error"] == [0.0, math.inf]
