"""Stability: noise of the strength asked for, flips where phases change and only there, the same for every network."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from recon.data.samples import Batch
from recon.errors import ConfigError
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured
from recon.evaluation.stability import STRENGTHS, StabilityProtocol
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.nn import selection_margin
from recon.nn.inspection import selected_phases
from recon.records import Subject
from tests.evaluation.small import function_model, mri_study, network_model, unet


def measured(model: Model, study: Study, *strengths: float) -> list[Measured]:
    protocol = StabilityProtocol(strengths=strengths or STRENGTHS)
    return [found for unit in protocol.units(model, study) for found in protocol.measure(model, unit, study)]


def slices_of(study: Study) -> list[Batch]:
    return [study.batch(Unit("one", (index,))) for index in range(len(study.data))]


def test_every_slice_is_measured_with_every_strength(study: Study) -> None:
    found = measured(network_model(unet("aps")), study)
    wanted = {
        (batch.origins[0].volume or batch.origins[0].file, batch.origins[0].slice, batch.origins[0].acquisition, level)
        for batch in slices_of(study)
        for level in STRENGTHS
    }
    assert {(one.item, one.slice, one.group, one.settings["strength"]) for one in found} == wanted
    assert len(found) == len(wanted)
    assert all(set(one.measures) == {"nmse", "nmse_input", "margin", "flipped"} for one in found)
    assert {one.scope for one in found} == {"image"}


def test_noise_has_the_strength_asked_for(study: Study) -> None:
    """For an input of mean m and deviation s, |n|^2 / |x|^2 is strength^2 s^2 / (s^2 + m^2), within sampling error."""
    for strength in (1e-3, 1e-1):
        found = measured(function_model(lambda x: x), study, strength)
        for one, batch in zip(found, slices_of(study), strict=True):
            x = batch.input.double()
            wanted = strength**2 * float(x.var() / x.square().mean())
            assert one.measures["nmse_input"] == pytest.approx(wanted, rel=0.3)
            assert one.measures["nmse"] == one.measures["nmse_input"]


def test_every_network_gets_the_same_noise_and_every_slice_its_own(mri: Study) -> None:
    seen: list[Tensor] = []

    def watch(x: Tensor) -> Tensor:
        seen.append(x.clone())
        return x

    measured(function_model(watch, batch_size=3), mri, 0.1)
    first, seen = torch.cat(seen), []
    measured(function_model(watch, batch_size=3), mri, 0.1)
    assert torch.equal(first, torch.cat(seen))
    noise = [noisy - clean for clean, noisy in zip(seen[0], seen[1], strict=True)]
    correlation = torch.corrcoef(torch.stack(noise).flatten(1))
    assert float((correlation - torch.eye(3)).abs().max()) < 0.2


def test_every_strength_has_noise_of_its_own(mri: Study) -> None:
    seen: list[Tensor] = []

    def watch(x: Tensor) -> Tensor:
        seen.append(x.clone())
        return x

    measured(function_model(watch), mri, 0.1, 0.2)
    correlation = torch.corrcoef(torch.stack([seen[1][0] - seen[0][0], seen[2][0] - seen[0][0]]).flatten(1))
    assert abs(float(correlation[0, 1])) < 0.2


def test_a_linear_network_changes_as_its_input(mri: Study) -> None:
    for one in measured(function_model(lambda x: 3 * x), mri, 1e-2):
        assert one.measures["nmse"] == pytest.approx(one.measures["nmse_input"], rel=1e-4)


@pytest.mark.parametrize("sampling", ["aps", "mass", "lps"])
def test_margins_and_flips_are_those_of_the_network(sampling: str, mri: Study) -> None:
    network = unet(sampling)
    noises: dict[int, Tensor] = {}

    def watch(x: Tensor) -> Tensor:
        noises[len(noises)] = x
        output: Tensor = network(x)
        return output

    model = Model(Subject("watched", "UNet", period=4), watch, module=network, batch_size=1)
    found = measured(model, mri, 0.5)
    flips = []
    for number, one in enumerate(found):
        clean, noisy = noises[2 * number], noises[2 * number + 1]
        assert one.measures["margin"] == float(selection_margin(network, clean))
        pairs = zip(selected_phases(network, clean), selected_phases(network, noisy), strict=True)
        flips.append(any(not torch.equal(*pair) for pair in pairs))
        assert one.measures["flipped"] == flips[-1]
    assert any(flips)


def test_a_margin_that_noise_cannot_bridge_never_flips(mri: Study) -> None:
    found = measured(network_model(unet("mass")), mri, 1e-6)
    firm = [one for one in found if one.measures["margin"] > 1e-3]
    assert firm
    assert all(one.measures["flipped"] == 0 for one in firm)


@pytest.mark.parametrize("sampling", ["plain", "lpf"])
def test_networks_that_select_nothing_never_flip(sampling: str, mri: Study) -> None:
    for one in measured(network_model(unet(sampling)), mri, 0.5):
        assert one.measures["margin"] == math.inf
        assert one.measures["flipped"] == 0
        assert one.measures["nmse"] > 0


def test_closed_networks_and_those_of_others_have_no_margin(mri: Study) -> None:
    network = nn.Conv2d(1, 1, 3, padding=1)
    for model in (function_model(network), Model(Subject("other", "function"), network, module=network)):
        assert all(set(one.measures) == {"nmse", "nmse_input"} for one in measured(model, mri, 0.1))


def test_batches_change_nothing(mri: Study) -> None:
    network = unet("aps")
    alone = measured(network_model(network, batch_size=1), mri, 1e-2)
    together = measured(network_model(network, batch_size=8), mri, 1e-2)
    assert [one.slice for one in alone] == [one.slice for one in together]
    for one, other in zip(alone, together, strict=True):
        assert one.measures == pytest.approx(dict(other.measures), rel=1e-3)


def test_passes_are_foretold(knees: Path) -> None:
    study, protocol = mri_study(knees, limit=4), StabilityProtocol()
    counted: list[int] = []
    model = network_model(unet("aps"), batch_size=2)
    model.on_pass = counted.append
    measured(model, study)
    assert sum(counted) == sum(protocol.passes(model, unit, study) for unit in protocol.units(model, study)) == 20


@pytest.mark.parametrize("strengths", [(), (0.0,), (-1.0,), (0.1, math.nan), (math.inf,)])
def test_strengths_are_checked(strengths: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="strengths must be one or more positive numbers"):
        StabilityProtocol(strengths=strengths)
