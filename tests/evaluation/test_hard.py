"""Hard inputs: every image, every residue, and what a network that breaks ties by order does on them."""

import pytest
import torch
from torch import Tensor

import recon
from recon.data.hard import hard_images
from recon.errors import ConfigError
from recon.evaluation.hard import HardProtocol, image_size
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.metrics import equivariance_error
from recon.records import Subject
from tests.evaluation.small import CHANNELS, function_model, network_model, unet

FEW = ("zero", "constant", "bars of 2", "checkerboard", "one pixel", "two equal pixels", "mirror-symmetric phantom")


def measured(model: Model, study: Study, name: str, protocol: HardProtocol | None = None) -> Measured:
    (found,) = (protocol or HardProtocol()).measure(model, Unit(name), study)
    return found


class Sized(Study):
    """A study that only knows its size."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size


@pytest.mark.parametrize("sampling", ["aps", "mass", "mass-unpool", "lps"])
def test_adaptive_networks_pass_on_every_image(sampling: str, mri: Study) -> None:
    model, protocol = network_model(unet(sampling), batch_size=16), HardProtocol()
    units = protocol.units(model, mri)
    assert [unit.name for unit in units] == list(hard_images((24, 24)))
    for unit in units:
        found = measured(model, mri, unit.name)
        assert found.measures == {"nmse": 0, "max_abs": 0, "bitwise": 1, "passes": 1}, unit.name
        assert found.settings == {"shifts": "all residues", "tried": 16, "period": 4, "shift": [0, 0]}


def test_ties_broken_by_order_fail_on_tied_images_alone(mri: Study) -> None:
    model = network_model(recon.UNet(channels=CHANNELS, sampling="mass", ties="first").eval())
    assert measured(model, mri, "constant rows").measures["passes"] == 0
    assert measured(model, mri, "random signs").measures["passes"] == 1


@pytest.mark.parametrize("name", FEW)
def test_the_worst_of_a_plain_network_is_that_of_a_loop(name: str, study: Study) -> None:
    network = unet("plain")
    found = measured(network_model(network), study, name)
    assert (found.scope, found.item, found.group, found.slice) == ("image", name, "", None)
    image = hard_images(image_size(network_model(network), study))[name][None]
    errors = {(r, c): equivariance_error(network, image, (r, c)) for r in range(4) for c in range(4)}
    assert found.measures["nmse"] == pytest.approx(max(error.nmse for error in errors.values()), rel=1e-3, abs=1e-12)
    assert found.measures["max_abs"] == pytest.approx(max(e.max_abs for e in errors.values()), rel=1e-3, abs=1e-6)
    shift = found.settings["shift"]
    assert isinstance(shift, list)
    assert errors[shift[0], shift[1]].nmse == pytest.approx(found.measures["nmse"], rel=1e-3, abs=1e-12)


def test_blank_outputs_have_no_error_and_blank_expectations_an_infinite_one(mri: Study) -> None:
    assert measured(function_model(lambda x: x * 0), mri, "one pixel").measures == {
        "nmse": 0,
        "max_abs": 0,
        "bitwise": 1,
        "passes": 1,
    }
    assert measured(function_model(lambda x: x), mri, "zero").measures["nmse"] == 0

    def in_even_rows(x: Tensor) -> Tensor:
        return x * (torch.arange(x.shape[2]) % 2 == 0).reshape(-1, 1)

    found = measured(function_model(in_even_rows), mri, "one pixel").measures  # that lies in row 3
    assert found["nmse"] == float("inf")
    assert found["max_abs"] == 1


def test_a_network_that_is_not_circular_is_given_random_shifts(mri: Study) -> None:
    ramp = torch.linspace(0, 1, 24)
    model = function_model(lambda x: x * ramp)
    found = measured(model, mri, "random signs", HardProtocol(random=5))
    assert found.settings["shifts"] == "random"
    assert found.settings["tried"] == 6
    assert found.measures["bitwise"] < 1
    assert found == measured(model, mri, "random signs", HardProtocol(random=5))


def test_the_share_counts_shifts(mri: Study) -> None:
    """Rows that are masked at every second place agree for the shifts by an even number of rows: 8 of 16."""
    mask = (torch.arange(24) % 2).reshape(-1, 1)
    model = Model(Subject("masked", "function", period=4), lambda x: x * mask)
    found = measured(model, mri, "random signs")
    assert found.measures["bitwise"] == 0.5
    assert found.measures["passes"] == 0


@pytest.mark.parametrize(
    ("size", "period", "wanted"),
    [
        ((320, 320), 16, (64, 64)),
        ((362, 40), 16, (64, 32)),
        ((320, 320), 0, (64, 64)),
        ((24, 640), 0, (24, 64)),
        ((320, 320), 27, (54, 54)),
        ((24, 24), 32, (32, 32)),
        ((320, 320), 128, (128, 128)),
    ],
)
def test_images_hold_whole_periods(size: tuple[int, int], period: int, wanted: tuple[int, int]) -> None:
    model = Model(Subject("any", "function", period=period), torch.relu)
    assert image_size(model, Sized(size)) == wanted


@pytest.mark.parametrize("period", [0, 1, 4])
def test_passes_are_foretold(period: int, mri: Study) -> None:
    counted: list[int] = []
    model = Model(
        Subject("any", "function", period=period), lambda x: x * torch.linspace(0, 1, 24) if not period else x
    )
    model.on_pass = counted.append
    measured(model, mri, "random signs")
    foretold = HardProtocol().passes(model, Unit("random signs"), mri)
    assert abs(sum(counted) - foretold) <= 4


def test_options_are_checked() -> None:
    with pytest.raises(ConfigError, match="random must be a whole number of at least 1, got 0"):
        HardProtocol(random=0)
