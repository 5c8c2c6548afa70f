"""Shifts by fractions of a pixel: what is exact for them, what is not, and by how much."""

import math

import pytest
import torch
from torch import Tensor

from recon.errors import ConfigError
from recon.evaluation.protocol import Measured
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.evaluation.subpixel import FRACTIONS, SubpixelProtocol
from recon.ops.fourier import fourier_shift
from tests.evaluation.small import function_model, network_model, unet

ALL_SHIFTS = 3 * len(FRACTIONS)


def blurred(images: Tensor) -> Tensor:
    """Convolve circularly, in float64: linear, and the same at all places."""
    images = images.double()
    return images + 0.5 * images.roll(1, -1) + 0.25 * images.roll((-1, 2), (-2, -1))


def squared(images: Tensor) -> Tensor:
    """Square each pixel, in float64: it doubles frequencies, the highest of which pixels cannot hold."""
    return images.double().square()


def measured(function: object, study: Study, protocol: SubpixelProtocol | None = None) -> list[Measured]:
    """Measure the first slice."""
    model = function_model(function)  # type: ignore[arg-type]
    return list((protocol or SubpixelProtocol()).measure(model, Unit("slice 0", (0,)), study))


def test_each_slice_is_shifted_along_rows_columns_and_both(study: Study) -> None:
    found = measured(torch.clone, study)
    shifts = [one.settings["shift"] for one in found]
    assert shifts[:3] == [[0.5, 0.0], [0.0, 0.5], [0.5, 0.5]]
    assert len(shifts) == ALL_SHIFTS
    assert {(one.scope, one.slice) for one in found} == {("image", 0)}


def test_identity_errs_by_rounding(study: Study) -> None:
    scale = float(study.batch(Unit("", (0,))).scale)
    for one in measured(torch.clone, study):
        assert one.measures["nmse"] < 1e-13
        assert one.measures["max_abs"] < 1e-5 * scale


def test_what_is_linear_and_the_same_everywhere_errs_by_rounding(study: Study) -> None:
    assert max(one.measures["nmse"] for one in measured(blurred, study)) < 1e-13


def test_a_pointwise_nonlinearity_errs_by_what_it_does_to_shifted_samples(mri: Study) -> None:
    batch = mri.batch(Unit("", (0,)))
    moved = fourier_shift(batch.input.double(), (1 / 4, 0)).float().double()
    expected = batch.undo(fourier_shift(batch.input.double().square(), (1 / 4, 0)))
    difference = batch.undo(moved.square()) - expected
    [one, *_] = measured(squared, mri, SubpixelProtocol(fractions=(1 / 4,)))
    assert one.measures["nmse"] == pytest.approx(float(difference.square().sum() / expected.square().sum()), rel=1e-9)
    assert one.measures["max_abs"] == pytest.approx(float(difference.abs().max()), rel=1e-9)
    assert one.measures["nmse"] > 1e-4


@pytest.mark.parametrize("sampling", ["plain", "aps"])
def test_no_network_is_exact(mri: Study, sampling: str) -> None:
    model = network_model(unet(sampling))
    found = list(SubpixelProtocol().measure(model, Unit("slices 0, 1", (0, 1)), mri))
    assert len(found) == 2 * ALL_SHIFTS
    assert {one.slice for one in found} == {0, 1}
    assert all(1e-8 < one.measures["nmse"] < 10 for one in found)


def test_passes_are_those_that_are_made(mri: Study) -> None:
    model, protocol = function_model(torch.clone), SubpixelProtocol(fractions=(1 / 2, 1 / 8))
    [unit, *_] = protocol.units(model, mri)
    made: list[int] = []
    model.on_pass = made.append
    list(protocol.measure(model, unit, mri))
    assert sum(made) == protocol.passes(model, unit, mri) == 7 * len(unit.indices)


@pytest.mark.parametrize("fractions", [(), (0.0,), (1.0,), (0.5, -0.25), (math.nan,)])
def test_fractions_that_are_none_are_refused(fractions: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="fractions must be numbers between 0 and 1"):
        SubpixelProtocol(fractions=fractions)
