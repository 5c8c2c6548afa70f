"""Networks of the user's own, made equivariant: exact, described in words, and free of code by name."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from recon.errors import ConfigError
from recon.nn import Converted, LearnedSelector
from recon.samplings import SAMPLINGS
from tests.nn.conversion.checks import hard_inputs, inexact, prepared
from tests.nn.conversion.networks import SMALL, Made, back

EXAMPLE = (1, 12, 20)
SHIFTS = [(0, 1), (1, 0), (2, 3), (3, 2)]


def converted(name: str = "u-net", sampling: str = "mass", blur: str | None = None) -> Converted:
    torch.manual_seed(0)
    return Converted("nowhere.found:u_net", prepared(SMALL[name]()), sampling=sampling, blur=blur, example=EXAMPLE)


@pytest.mark.parametrize(("sampling", "blur"), [("mass", None), ("aps", "tri-3"), ("lps", None)])
def test_converted_network_is_exact(sampling: str, blur: str | None) -> None:
    network = converted("u-net", sampling, blur)
    assert inexact(network, hard_inputs((12, 20)), SHIFTS) == []


def test_none_leaves_the_network_as_it_is() -> None:
    original = prepared(SMALL["u-net"]())
    network = Converted("a:b", original, sampling="none", example=EXAMPLE)
    assert network.network is original
    assert network.multiple == 0
    assert network.sampling.name == "none"
    x = torch.randn(2, 1, 12, 20)
    assert torch.equal(network(x), original(x))
    assert "noise" in inexact(network, hard_inputs((12, 20)), SHIFTS)


@pytest.mark.parametrize(
    ("name", "multiple"), [("u-net", 4), ("kernel 4, stride 4", 4), ("kernel 3, stride 3", 3), ("norms", 1)]
)
def test_multiple_is_the_total_stride(name: str, multiple: int) -> None:
    assert Converted("a:b", SMALL[name]().eval(), example=(1, 12, 24)).multiple == multiple


def test_grids_of_different_strides_are_fitted_together() -> None:
    two = Made(lambda x, a, b: back(a(x), x) + back(b(x), x), nn.MaxPool2d(2), nn.MaxPool2d(3))
    assert Converted("a:b", two.eval(), example=(1, 12, 12)).multiple == 6


@pytest.mark.parametrize("sampling", [*("plain", "mass", "lps", "none"), replace(SAMPLINGS["aps"], name="own", p=1.0)])
def test_arguments_make_the_network_again_and_are_json(sampling: str) -> None:
    network = converted(sampling=sampling)
    words = json.loads(json.dumps(network.arguments, allow_nan=False))
    assert words == network.arguments
    again = Converted.from_arguments(words, SMALL["u-net"]())
    assert (again.arguments, again.sampling, again.multiple) == (words, network.sampling, network.multiple)
    again.load_state_dict(network.state_dict(), strict=True)
    x = torch.randn(1, 1, 12, 20)
    assert torch.equal(again.eval()(x), network.eval()(x))


def test_factory_is_never_imported() -> None:
    assert converted().factory == "nowhere.found:u_net"
    assert "nowhere" not in sys.modules


def test_random_numbers_are_left_alone() -> None:
    original = SMALL["u-net"]()
    state = torch.get_rng_state()
    Converted("a:b", original, sampling="lps", blur="adaptive-3", example=EXAMPLE)
    assert torch.equal(torch.get_rng_state(), state)


def test_weights_of_other_types_are_converted() -> None:
    network = Converted("a:b", SMALL["u-net"]().double().eval(), example=EXAMPLE)
    assert network(torch.randn(1, 1, 12, 20).double()).dtype == torch.float64


def test_temperature_is_that_of_every_selection() -> None:
    network = converted(sampling="lps")
    network.set_temperature(0.25)
    found = [float(module.temperature) for module in network.modules() if isinstance(module, LearnedSelector)]
    assert found == [0.25, 0.25]


NETWORK = nn.Conv2d(1, 1, 3, padding=1)
REFUSALS: dict[str, tuple[Callable[[], object], str]] = {
    "no function": (
        lambda: Converted("networks", NETWORK, example=EXAMPLE),
        "must be the name of a function, mod",
    ),
    "a path": (lambda: Converted("/a/b.py:c", NETWORK, example=EXAMPLE), "module:function, got '/a/b.py:c'"),
    "no network": (lambda: Converted("a:b", dict, example=EXAMPLE), "must be a torch.nn.Module, got type; call"),  # type: ignore[arg-type]
    "one number": (lambda: Converted("a:b", NETWORK, example=[8]), r"\(channels, \*spatial\), got \[8\]"),
    "no numbers": (lambda: Converted("a:b", NETWORK, example="abc"), "must be the shape of one input"),  # type: ignore[arg-type]
    "no pixels": (lambda: Converted("a:b", NETWORK, example=(1, 0, 8)), "every number of example must be .* got 0"),
    "huge": (lambda: Converted("a:b", NETWORK, example=(1, 10**6, 10**6)), "must have at most 67108864 values"),
    "sampling": (lambda: Converted("a:b", NETWORK, sampling="mas", example=EXAMPLE), "did you mean 'mass'"),
    "blur alone": (
        lambda: Converted("a:b", NETWORK, sampling="none", blur="tri-3", example=EXAMPLE),
        "'none' leaves the network as it is, got blur='tri-3'; leave the blur out",
    ),
    "unknown word": (lambda: Converted.from_arguments({"strides": 1}, NETWORK), "must be of its types, got {'strides'"),
    "temperature": (lambda: converted().set_temperature(-1), "temperature must be positive, got -1"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_converted_is_refused(name: str) -> None:
    make, message = REFUSALS[name]
    with pytest.raises(ConfigError, match=message):
        make()
