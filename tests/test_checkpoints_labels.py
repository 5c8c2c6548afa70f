"""Classifiers, segmenters and networks of the user's own on disk: the same after loading, or refused in words."""

import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from recon import checkpoints
from recon.checkpoints import load, read_about, save
from recon.errors import ConfigError, DataError, ReconError
from recon.nn import Classifier, Converted, Segmenter, UNet, with_one_phase
from recon.samplings import SAMPLINGS
from tests.nn.conversion.networks import SMALL, strided
from tests.properties import same_bits

AnyModule = TypeVar("AnyModule", bound=nn.Module)

OWN = replace(SAMPLINGS["aps"], name="own", p=math.inf, largest=False)


def classifier(**options: object) -> Classifier:
    return Classifier("resnet20", width=8, **options)  # type: ignore[arg-type]  # the tests give what fits


def residual() -> nn.Module:
    return SMALL["residual"]()


def converted(sampling: str = "mass", blur: str | None = None) -> Converted:
    return Converted("nowhere.networks:residual", residual(), sampling=sampling, blur=blur, example=(1, 8, 12))


NETWORKS: dict[str, Callable[[], Classifier | Segmenter]] = {
    "zeros": lambda: classifier(padding="zeros"),
    "plain": lambda: classifier(classes=3),
    "lpf": lambda: classifier(sampling="lpf"),
    "mass, one channel": lambda: classifier(sampling="mass", in_channels=1),
    "lps, adaptive-3": lambda: classifier(sampling="lps", blur="adaptive-3"),
    "own": lambda: classifier(sampling=OWN),
    "vgg13": lambda: Classifier("vgg13", width=4, sampling="aps", blur="tri-5"),
    "segmenter, zeros": lambda: Segmenter(width=8, padding="zeros"),
    "segmenter, lps": lambda: Segmenter(width=8, sampling="lps", classes=3),
    "segmenter, plain-adaptive-2": lambda: Segmenter(width=8, blur="adaptive-2"),
}
CONVERTED: dict[str, Callable[[], Converted]] = {
    "none": lambda: converted("none"),
    "mass": lambda: converted(),
    "lps, adaptive-3": lambda: converted("lps", "adaptive-3"),
    "bfloat16": lambda: converted("lps").bfloat16(),
    "float64": lambda: converted("aps", "tri-3").double(),
}


def trained(network: AnyModule) -> AnyModule:
    """Give the network other weights, statistics and temperatures than a new one has."""
    generator = torch.Generator().manual_seed(5)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(tensor + 0.1 * torch.rand(tensor.shape, generator=generator, dtype=torch.float64))
        else:
            tensor.fill_(17)
    return network


def require_same(loaded: checkpoints.Network, network: checkpoints.Network, x: Tensor) -> None:
    """Check that two networks are the same in arguments, weights and outputs, bit for bit."""
    assert type(loaded) is type(network)
    assert loaded.arguments == network.arguments
    assert loaded.sampling == network.sampling
    ours, theirs = loaded.state_dict(), network.state_dict()
    assert list(ours) == list(theirs)
    assert all(same_bits(ours[name], theirs[name]) for name in theirs)
    fixed = dict(loaded.named_buffers())  # also the filters, which are no weights
    assert all(same_bits(fixed[name], buffer) for name, buffer in network.named_buffers())
    assert not any(module.training for module in loaded.modules())
    assert all(parameter.requires_grad for parameter in loaded.parameters())
    with torch.no_grad():
        y, expected = loaded(x), network.eval()(x)
    assert isinstance(y, Tensor)
    assert isinstance(expected, Tensor)
    assert same_bits(y, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", NETWORKS)
def test_network_is_the_same_after_loading(name: str, dtype: torch.dtype, tmp_path: Path) -> None:
    network = trained(NETWORKS[name]().to(dtype))
    save(network, tmp_path / "network.safetensors", about={"classes": ["cat", "dog"]})
    x = torch.randn(2, network.in_channels, 32, 32).to(dtype)
    require_same(load(tmp_path / "network.safetensors"), network, x)
    found = read_about(tmp_path / "network.safetensors")
    assert (found.network, found.arguments) == (type(network).__name__, network.arguments)
    assert found.about == {"classes": ["cat", "dog"]}


@pytest.mark.parametrize("name", CONVERTED)
def test_network_of_ones_own_is_the_same_after_loading(name: str, tmp_path: Path) -> None:
    network = trained(CONVERTED[name]())
    save(network, tmp_path / "network.safetensors")
    x = torch.randn(2, 1, 16, 12).to(next(network.parameters()).dtype)
    require_same(load(tmp_path / "network.safetensors", factory=residual), network, x)
    assert read_about(tmp_path / "network.safetensors").network == "Converted"


@pytest.mark.parametrize("make", [NETWORKS["lps, adaptive-3"], NETWORKS["segmenter, zeros"], CONVERTED["mass"]])
def test_random_numbers_are_left_alone(make: Callable[[], checkpoints.Network], tmp_path: Path) -> None:
    network = make()
    state = torch.get_rng_state()
    save(network, tmp_path / "network.safetensors")
    load(tmp_path / "network.safetensors", factory=residual if isinstance(network, Converted) else None)
    assert torch.equal(torch.get_rng_state(), state)


def test_parameters_that_are_shared_stay_so(tmp_path: Path) -> None:
    def shared() -> nn.Module:
        network = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1))
        network[1].weight = network[0].weight
        return network

    network = trained(Converted("a:shared", shared(), example=(1, 8, 8)))
    save(network, tmp_path / "network.safetensors")
    loaded = load(tmp_path / "network.safetensors", factory=shared)
    assert loaded.get_parameter("network.0.weight") is loaded.get_parameter("network.1.weight")
    require_same(loaded, network, torch.randn(1, 1, 8, 8))


# --- no code that a file names is run


def test_network_of_ones_own_needs_its_factory(tmp_path: Path) -> None:
    save(converted(), tmp_path / "network.safetensors")
    with pytest.raises(ConfigError, match=r"that nowhere\.networks:residual builds, and no code .*; pass the function"):
        load(tmp_path / "network.safetensors")
    assert "nowhere" not in sys.modules


def test_factory_is_called_for_whole_files_alone(tmp_path: Path) -> None:
    path = tmp_path / "network.safetensors"
    save(converted(), path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    def called() -> nn.Module:
        raise AssertionError("the factory was called")

    with pytest.raises(DataError, match="not those that were saved"):
        load(path, factory=called)


FACTORIES: dict[str, tuple[Callable[[], object], type[ReconError], str]] = {
    "other shapes": (lambda: strided(3, 2, 1, up=nn.Upsample(scale_factor=2)), DataError, "do not fit the network .*"),
    "other types": (lambda: mixed(residual()), DataError, "must be of a type like torch.float64, got torch.float32"),
    "no network": (lambda: None, ConfigError, "factory must give a torch.nn.Module, got NoneType"),
    "what cannot be followed": (lambda: nn.Flatten(), DataError, "cannot be built: flatten.* cannot be made equivar"),
    "other channels": (lambda: nn.Conv2d(2, 1, 3, padding=1), DataError, "cannot be built: .*channels"),
}


def mixed(network: nn.Module) -> nn.Module:
    """Give a network a buffer of another type than its weights."""
    network.register_buffer("constant", torch.ones(1, dtype=torch.float64))
    return network


@pytest.mark.parametrize("name", FACTORIES)
def test_factory_of_another_network_is_refused(name: str, tmp_path: Path) -> None:
    factory, error, message = FACTORIES[name]
    network = converted()
    if name == "other types":
        network = Converted("a:b", mixed(residual()), example=(1, 8, 12)).bfloat16()
        network.network.constant = torch.ones(1)
    save(network, tmp_path / "network.safetensors")
    with pytest.raises(error, match=message):
        load(tmp_path / "network.safetensors", factory=factory)  # type: ignore[arg-type]  # not all give networks


def test_factory_for_what_needs_none_is_refused(tmp_path: Path) -> None:
    save(classifier(), tmp_path / "network.safetensors")
    with pytest.raises(ConfigError, match=r"factory is for networks of your own, .*, which holds a Classifier; leave"):
        load(tmp_path / "network.safetensors", factory=residual)


# --- refusals


def rewritten(
    path: Path, network: checkpoints.Network, *, tensors: Mapping[str, Tensor | None], **arguments: object
) -> Path:
    """Save a network, and change its weights and its arguments, the hash of the weights included."""
    save(network, path)
    with safetensors.safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["recon"])
    changed = {**safetensors.torch.load_file(path), **tensors}
    weights = {name: tensor for name, tensor in changed.items() if tensor is not None}
    header["sha256"] = checkpoints.weights_hash(weights)
    header["arguments"] |= arguments
    safetensors.torch.save_file(weights, path, metadata={"recon": json.dumps(header)})
    return path


ADDED = "network.equivariance.choices.0.selector.first.conv.weight"
CHANGES: dict[str, tuple[dict[str, object], dict[str, Tensor | None], str]] = {
    "nothing": ({}, {}, ""),
    "huge": ({"width": 4 * 10**7}, {}, "do not fit .*: network.conv1.weight must have the shape"),
    "larger than can be": ({"width": 4 * 10**18}, {}, "cannot be built"),
    "many classes": ({"classes": 10**12}, {}, "network.fc.weight must have the shape"),
    "huge filters": ({"blur": "adaptive-100000"}, {}, "blur.* is missing"),
    "other blur": ({"blur": "adaptive-3"}, {}, "equivariance.* is missing"),
    "other sampling": ({"sampling": "mass"}, {}, r"network\.equivariance\..* is not expected"),
    "unknown sampling": ({"sampling": "msas"}, {}, "cannot be built: sampling must be one of .*; did you mean 'mass'"),
    "unknown architecture": ({"architecture": "resnet"}, {}, "cannot be built: architecture must be one of"),
    "unknown argument": ({"depth": 3}, {}, "argument of a Classifier must be one of .*, got 'depth'"),
    "wrong type": ({"blur": 3}, {}, "cannot be built: the arguments of a Classifier must be of its types"),
    "missing": ({}, {"network.fc.weight": None}, "network.fc.weight is missing"),
    "missing, added": ({}, {ADDED: None}, f"{ADDED} is missing"),
    "added of another shape": ({}, {ADDED: torch.ones(1)}, f"{ADDED} must have the shape"),
    "unexpected": ({}, {"network.more": torch.ones(1)}, "network.more is not expected"),
    "unexpected, added": ({}, {"network.equivariance.more": torch.ones(1)}, "equivariance.more is not expected"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_no_network_of_ours_is_refused(name: str, tmp_path: Path) -> None:
    arguments, tensors, message = CHANGES[name]
    path = rewritten(tmp_path / "network.safetensors", classifier(sampling="lps"), tensors=tensors, **arguments)
    if not message:
        load(path)
        return
    with pytest.raises(DataError, match=message):
        load(path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"example": [1, 10**6, 10**6]}, "cannot be built: example must have at most"),
        ({"sampling": "msas"}, "cannot be built: sampling must be one of"),
        ({"sampling": "aps", "blur": "adaptive-3"}, "do not fit the network"),
        ({"factory": 3}, "cannot be built: factory must be the name of a function"),
        ({"strides": 2}, "cannot be built: the arguments of a Converted must be of its types"),
    ],
)
def test_words_that_make_no_network_of_ones_own_are_refused(
    words: dict[str, object], message: str, tmp_path: Path
) -> None:
    path = rewritten(tmp_path / "network.safetensors", converted(), tensors={}, **words)
    with pytest.raises(DataError, match=message):
        load(path, factory=residual)


def with_other_head() -> Classifier:
    network = classifier()
    network.network.fc = nn.Linear(8, 7)
    return network


def with_more() -> Converted:
    network = converted()
    network.add_module("more", nn.Identity())
    return network


def one_phase(network: nn.Module) -> checkpoints.Network:
    fixed = with_one_phase(network)
    assert isinstance(fixed, UNet | Classifier | Segmenter | Converted)
    return fixed


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: one_phase(classifier(sampling="mass")), "got FixedSelector as 'network.equivariance.choices.0.selec"),
        (lambda: one_phase(converted()), "got FixedSelector as .* where .* is NormSelector"),
        (with_other_head, r"arguments give: network.fc.weight must have the shape \(10, 8\), got \(7, 8\)"),
        (with_more, "got Identity as 'more' where"),
        (lambda: nn.Sequential(classifier()), "itself, got Sequential"),
    ],
)
def test_what_could_not_be_built_again_is_not_saved(
    make: Callable[[], checkpoints.Network], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        save(make(), tmp_path / "network.safetensors")
    assert not list(tmp_path.iterdir())


def test_state_that_is_no_tensor_is_not_saved(tmp_path: Path) -> None:
    class Counting(nn.Conv2d):
        def get_extra_state(self) -> object:
            return {"calls": 3}

    network = Converted("a:b", Counting(1, 1, 3, padding=1), sampling="none", example=(1, 8, 8))
    with pytest.raises(ConfigError, match=r"must be made of tensors, got dict as network\._extra_state"):
        save(network, tmp_path / "network.safetensors")
