"""Classifiers and segmenters: exact with every sampling and blur, of equal weights, built and changed safely."""

import inspect
import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recon.errors import ConfigError, DataError, ReconError, ShapeError
from recon.nn import Classifier, LearnedSelector, Segmenter, UNet, transfer_weights, with_one_phase
from recon.nn.architectures import CLASSIFIERS, SEGMENTERS
from recon.nn.label_network import LabelNetwork
from recon.ops.periodic import roll_images
from recon.samplings import SAMPLINGS
from tests.nn.conversion.checks import hard_inputs, prepared, random_shifts, residues
from tests.properties import same_bits

SAMPLED = ("plain", "aps", "mass", "lps", "aps-keep")
BLURS = (None, "tri-3", "adaptive-3")
EXACT = [(sampling, blur) for sampling in SAMPLED[1:] for blur in BLURS]
OWN = replace(SAMPLINGS["aps"], name="own", p=1.0, largest=False)


def small(sampling: str = "mass", blur: str | None = None, *, architecture: str = "resnet20") -> LabelNetwork:
    """A narrow network, of numbers that are not trivial."""
    torch.manual_seed(0)
    kind = Classifier if architecture in CLASSIFIERS else Segmenter
    network = prepared(kind(architecture, classes=5, width=8, sampling=sampling, blur=blur))
    assert isinstance(network, LabelNetwork)
    return network


def images(network: LabelNetwork, *, batch: int = 2) -> Tensor:
    return torch.randn(batch, 3, 2 * network.multiple, 3 * network.multiple)


@torch.no_grad()
def changed(
    network: LabelNetwork,
    size: tuple[int, int],
    shifts: Sequence[Sequence[int]],
    layout: torch.memory_format = torch.contiguous_format,
) -> set[str]:
    """Name the images whose logits change by a bit with some shift, once moved back."""
    found = hard_inputs(size, channels=3)
    x = torch.cat(list(found.values())).contiguous(memory_format=layout)
    logits, wrong = network(x), set()
    for shift in shifts:
        expected = logits if logits.ndim == 2 else roll_images(logits, shift)
        pairs = zip(found, network(roll_images(x, shift)), expected, strict=True)
        wrong |= {name for name, ours, theirs in pairs if not same_bits(ours, theirs)}
    return wrong


# --- exactness


@pytest.mark.parametrize(("sampling", "blur"), EXACT)
def test_small_classifier_is_exact_at_every_residue(sampling: str, blur: str | None) -> None:
    network = small(sampling, blur)
    assert changed(network, (12, 20), residues(network.multiple)) == set()


@pytest.mark.parametrize(("sampling", "blur"), [(sampling, blur) for sampling in ("plain", "lpf") for blur in BLURS])
def test_fixed_phases_are_not_exact(sampling: str, blur: str | None) -> None:
    network = small(sampling, blur)
    assert "noise" in changed(network, (12, 20), residues(network.multiple))


@pytest.mark.parametrize("sampling", SAMPLED[1:])
@pytest.mark.parametrize("architecture", ["resnet18", "vgg13", "resnet18-imagenet", "deeplabv3plus-resnet18"])
def test_other_architectures_are_exact(architecture: str, sampling: str) -> None:
    network = small(sampling, BLURS[SAMPLED.index(sampling) % 3], architecture=architecture)
    size = (network.multiple, 2 * network.multiple)
    assert changed(network, size, random_shifts(size, 6)) == set()


@pytest.mark.parametrize("architecture", ["resnet20", "deeplabv3plus-resnet18"])
def test_channels_last_is_exact(architecture: str) -> None:
    network = small(architecture=architecture).to(memory_format=torch.channels_last)
    size = (2 * network.multiple, network.multiple)
    assert changed(network, size, random_shifts(size, 6), torch.channels_last) == set()


def test_segmenter_that_is_plain_is_not_exact() -> None:
    network = small("plain", architecture="deeplabv3plus-resnet18")
    assert "noise" in changed(network, (32, 48), random_shifts((32, 48), 6))


# --- weights


@pytest.mark.parametrize("architecture", ["resnet20", "deeplabv3plus-resnet18"])
@pytest.mark.parametrize(("sampling", "blur"), [*EXACT, ("plain", "adaptive-3"), ("lpf", None)])
def test_one_seed_gives_the_same_weights_and_numbers_for_every_sampling(
    architecture: str, sampling: str, blur: str | None
) -> None:
    kind = Classifier if architecture in CLASSIFIERS else Segmenter
    plain = build(lambda: kind(architecture, width=8))
    sampled = build(lambda: kind(architecture, width=8, sampling=sampling, blur=blur))
    (states, drawn), (other_states, other_drawn) = plain, sampled
    assert torch.equal(drawn, other_drawn)
    assert all(same_bits(other_states[name], tensor) for name, tensor in states.items())
    more = [name for name in other_states if name not in states]
    assert all(name.startswith("network.equivariance.") for name in more)
    assert bool(more) == (sampling == "lps" or blur == "adaptive-3")


def build(make: Callable[[], nn.Module]) -> tuple[dict[str, Tensor], Tensor]:
    """Build a network from a seed, and give its state and what is drawn next."""
    torch.manual_seed(7)
    return make().state_dict(), torch.rand(4)


def test_another_seed_gives_other_weights() -> None:
    networks = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        networks.append(Classifier("resnet20", width=8, sampling="lps").state_dict())
    first, same, other = networks
    for name in ("network.conv1.weight", "network.equivariance.choices.0.selector.first.conv.weight"):
        assert torch.equal(first[name], same[name])
        assert not torch.equal(first[name], other[name])


@pytest.mark.parametrize("architecture", ["resnet20", "deeplabv3plus-resnet18"])
def test_transferred_weights_compute_the_same_with_phase_zero(architecture: str) -> None:
    plain, mass = small("plain", architecture=architecture), small("mass", architecture=architecture)
    for tensor in mass.state_dict().values():
        tensor.zero_()
    assert transfer_weights(plain.state_dict(), mass) == []
    x = images(plain)
    assert not torch.equal(mass(x), plain(x))
    assert torch.equal(with_one_phase(mass)(x), plain(x))


@pytest.mark.parametrize(("sampling", "blur"), EXACT)
def test_all_weights_but_those_added_are_transferred(sampling: str, blur: str | None) -> None:
    plain, network = small("plain"), small(sampling, blur)
    before = deepcopy(network.state_dict())
    source = {name: tensor + 1 for name, tensor in plain.state_dict().items()}
    new = transfer_weights(source, network)
    assert set(new) == set(before) - set(source)
    for name, tensor in network.state_dict().items():
        assert same_bits(tensor, before[name] if name in new else source[name])
    assert transfer_weights(network.state_dict(), plain) == []
    assert all(same_bits(tensor, source[name]) for name, tensor in plain.state_dict().items())


def test_added_weights_are_transferred_where_they_fit() -> None:
    source, target = small("lps"), small("lps", "adaptive-3")
    new = transfer_weights(source.state_dict(), target)
    assert any("blur.predict" in name for name in new)
    assert not any("selector" in name for name in new)
    assert transfer_weights(small("lps").state_dict(), small("lps")) == []
    other = small("plain", "adaptive-5")
    new = transfer_weights(small("plain", "adaptive-3").state_dict(), other)
    assert {name.rpartition(".")[0].rpartition(".")[2] for name in new} <= {"predict", "conv", "norm"}
    assert new


def test_u_nets_take_weights_over_too() -> None:
    plain = UNet(1, 1, (4, 8), sampling="plain")
    assert transfer_weights(plain.state_dict(), UNet(1, 1, (4, 8), sampling="mass")) == []
    lps = UNet(1, 1, (4, 8), sampling="lps", blur="adaptive-3")
    new = transfer_weights(plain.state_dict(), lps)
    assert {name.split(".")[0] for name in new} == {"downs", "ups"}
    assert {name.split(".")[2] for name in new} == {"selector", "blur"}
    with pytest.raises(ConfigError, match=r"got none called narrows\.0\.conv\.weight"):
        transfer_weights(plain.state_dict(), UNet(1, 1, (4, 8), sampling="mass-unpool"))


def test_weights_of_what_is_inside_and_of_older_files_are_taken() -> None:
    inside = CLASSIFIERS["resnet20"].build(3, 5, 8)
    older = {name: x for name, x in inside.state_dict().items() if not name.endswith("num_batches_tracked")}
    network = small("lps")
    assert isinstance(network.network, nn.Module)
    new = transfer_weights(older, network.network)
    assert all(name.startswith("equivariance.") for name in new)
    assert torch.equal(network.state_dict()["network.fc.weight"], older["fc.weight"])


FC = "network.fc.weight"
MISFITS: dict[str, tuple[Callable[[], dict[str, Tensor]], str]] = {
    "other architecture": (
        lambda: small(architecture="resnet18").state_dict(),
        "network.conv1.weight must have the",
    ),
    "more layers": (
        lambda: {**small().state_dict(), "network.layer4.0.conv1.weight": torch.ones(1)},
        "weights alone, got network.layer4.0.conv1.weight; build both of one architecture",
    ),
    "other classes": (
        lambda: Classifier("resnet20", width=8).state_dict(),
        r"must have the shape \(5, 8\) .*, got \(10, 8\)",
    ),
    "other width": (lambda: Classifier("resnet20", classes=5, width=16).state_dict(), "conv1.weight must have"),
    "whole numbers": (lambda: {**small().state_dict(), FC: torch.ones(5, 8, dtype=torch.int64)}, "got .*torch.int64"),
    "missing": (lambda: {k: v for k, v in small().state_dict().items() if k != FC}, f"got none called {FC}"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_weights_that_do_not_fit_are_refused_and_nothing_is_changed(name: str) -> None:
    source, message = MISFITS[name]
    target = small("lps")
    before, state = deepcopy(target.state_dict()), source()
    with pytest.raises(ConfigError, match=message):
        transfer_weights({key: tensor + 1 for key, tensor in state.items()}, target)
    assert all(same_bits(before[key], tensor) for key, tensor in target.state_dict().items())


# --- building


def test_zeros_leave_the_plain_network_as_it_is() -> None:
    x = torch.randn(2, 3, 32, 32)
    for kind, table in ((Classifier, CLASSIFIERS), (Segmenter, SEGMENTERS)):
        for name in table:
            network = kind(name, width=8, padding="zeros").eval()
            torch.manual_seed(1)
            built = table[name].build(3, network.classes, 8).eval()
            assert type(network.network) is type(built)
            network.network.load_state_dict(built.state_dict(), strict=True)
            assert torch.equal(network(x), built(x))
            assert network.state_dict().keys() == kind(name, width=8, sampling="mass").state_dict().keys()


@pytest.mark.parametrize("sampling", [*SAMPLED, "lpf", OWN])
@pytest.mark.parametrize("kind", [Classifier, Segmenter])
def test_arguments_build_the_network_and_are_json(kind: type[Classifier | Segmenter], sampling: str) -> None:
    network = kind(in_channels=2, classes=4, width=8, sampling=sampling, blur="tri-3")
    words = json.loads(json.dumps(network.arguments, allow_nan=False))
    assert words == network.arguments
    assert list(words) == list(inspect.signature(kind).parameters)
    built = kind.from_arguments(words)
    assert (built.arguments, built.sampling, repr(built)) == (network.arguments, network.sampling, repr(network))
    assert built.eval()(torch.randn(1, 2, 32, 32)).shape[1] == 4


REFUSALS: dict[str, tuple[Callable[[], object], str]] = {
    "architecture": (lambda: Classifier("resnet21"), "architecture must be one of .*, got 'resnet21'; did you mean"),
    "segmenter's": (lambda: Classifier("deeplabv3plus-resnet18"), "must be one of resnet18, resnet20, vgg13, resnet18"),
    "classifier's": (lambda: Segmenter("resnet18"), "must be one of deeplabv3plus-resnet18, got 'resnet18'"),
    "classes": (lambda: Classifier(classes=0), "classes must be a whole number of at least 1, got 0"),
    "in_channels": (lambda: Classifier(in_channels=0), "in_channels must be a whole number of at least 1"),
    "width": (lambda: Classifier(width=10), "width must be divisible by 4, got 10; take 8"),
    "narrow": (lambda: Classifier(width=2), "width must be a whole number of at least 4, got 2"),
    "sampling": (lambda: Classifier(sampling="mas"), "sampling must be one of .*; did you mean 'mass'"),
    "own operations": (lambda: Classifier(sampling="mass-unpool"), "got 'mass-unpool', which brings its own"),
    "padding": (lambda: Classifier(padding="zero"), "padding must be one of circular, zeros, got 'zero'"),  # type: ignore[arg-type]
    "zeros, sampled": (lambda: Classifier(padding="zeros", sampling="mass"), "got sampling='mass' and blur=None; take"),
    "zeros, blurred": (lambda: Classifier(padding="zeros", blur="tri-3"), "padding='zeros' leaves the plain network"),
    "zeros, lpf": (lambda: Classifier(padding="zeros", sampling="lpf"), "padding='zeros' leaves the plain network"),
    "blur": (lambda: Classifier("resnet20", width=8, blur="tri-4"), "tri-N needs an odd N, got 'tri-4'"),
    "adaptive": (lambda: Classifier(blur="adaptive-1"), "must have at least 2 taps, got 'adaptive-1'"),
    "unknown word": (lambda: Classifier.from_arguments({"widht": 8}), "argument of a Classifier .*; did you mean 'wid"),
    "wrong word": (lambda: Segmenter.from_arguments({"width": "8"}), "width must be a whole number"),
    "wrong type": (lambda: Segmenter.from_arguments({"blur": 3}), "arguments of a Segmenter must be of its types"),
    "temperature": (lambda: small("lps").set_temperature(0), "temperature must be positive, got 0"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_makes_no_network_is_refused(name: str) -> None:
    make, message = REFUSALS[name]
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize("padding", ["circular", "zeros"])
@pytest.mark.parametrize(
    ("x", "message", "error"),
    [
        (torch.zeros(1, 3, 30, 32), "x must have H and W divisible by 4, got H=30, W=32; crop or pad it", ShapeError),
        (torch.zeros(1, 1, 32, 32), "x must have 3 channels, got 1", ShapeError),
        (torch.zeros(3, 32, 32), "must have the shape", ShapeError),
        (torch.zeros(1, 3, 0, 32), "divisible by 4", ShapeError),
        (torch.zeros(1, 3, 32, 32, dtype=torch.float64), "of the type of the network's weights", DataError),
        (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), "must be of a floating-point", DataError),
        (torch.full((1, 3, 32, 32), torch.nan), "must be finite", DataError),
    ],
)
def test_what_cannot_be_labelled_is_refused(x: Tensor, message: str, error: type[ReconError], padding: str) -> None:
    network = Classifier("resnet20", width=8, padding=padding).eval()  # type: ignore[arg-type]
    with pytest.raises(error, match=message):
        network(x)


@pytest.mark.parametrize(("sampling", "blur"), [("plain", None), *EXACT])
@pytest.mark.parametrize("kind", [Classifier, Segmenter])
def test_shapes_are_known_before_anything_is_allocated(
    kind: type[Classifier | Segmenter], sampling: str, blur: str | None
) -> None:
    with torch.device("meta"):
        outline = kind(width=8, sampling=sampling, blur=blur).state_dict()
    network = kind(width=8, sampling=sampling, blur=blur).state_dict()
    assert {name: x.shape for name, x in network.items()} == {name: x.shape for name, x in outline.items()}
    assert all(tensor.is_meta for tensor in outline.values())


def test_copies_compute_the_same_and_are_independent() -> None:
    network = small("lps", "tri-3")
    x, copy = images(network), deepcopy(network)
    expected = network(x)
    assert torch.equal(copy(x), expected)
    for parameter in copy.parameters():
        parameter.data.zero_()
    assert torch.equal(network(x), expected)
    copy.load_state_dict(network.state_dict(), strict=True)
    assert torch.equal(copy(x), expected)


def test_weights_of_other_types_take_images_of_theirs() -> None:
    network = small("mass").double()
    x = images(network).double()
    assert network(x).dtype == torch.float64
    with torch.autocast("cpu", torch.bfloat16):
        assert small("mass")(x.float()).dtype == torch.bfloat16


# --- training


@pytest.mark.parametrize("architecture", ["resnet20", "deeplabv3plus-resnet18"])
@pytest.mark.parametrize(
    ("sampling", "blur"), [("plain", None), ("mass", None), ("aps", "tri-3"), ("lps", None), ("plain", "adaptive-3")]
)
def test_a_step_of_training_reaches_every_weight(architecture: str, sampling: str, blur: str | None) -> None:
    network = small(sampling, blur, architecture=architecture).train()
    x = images(network, batch=3)
    logits = network(x)
    target = torch.randint(5, (logits.shape[0], *logits.shape[2:]))
    F.cross_entropy(logits, target).backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())
    moved = torch.optim.SGD(network.parameters(), lr=0.01)
    moved.step()
    with torch.no_grad():
        assert network(x).isfinite().all()


def test_segmenter_does_not_train_on_one_image() -> None:
    network = small(architecture="deeplabv3plus-resnet18").train()
    with pytest.raises(ShapeError, match=r"2 images or more in training, .* got 1; drop a last batch of one image"):
        network(images(network, batch=1))
    assert network.eval()(images(network, batch=1)).isfinite().all()


def test_temperature_is_that_of_every_selection() -> None:
    network = small("lps")
    network.set_temperature(0.25)
    found = [float(module.temperature) for module in network.modules() if isinstance(module, LearnedSelector)]
    assert found == [0.25, 0.25]
    small("mass").set_temperature(0.5)
