"""Networks on disk: the same after loading to the last bit, whole or not there, and refused in words where not ours."""

import ast
import inspect
import json
import math
import os
import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

import recon
from recon import checkpoints, files
from recon.checkpoints import VERSION, Checkpoint, load, read_about, save
from recon.errors import ConfigError, DataError
from recon.nn import UNet, with_fixed_phases
from recon.records import Word
from recon.samplings import SAMPLINGS, Sampling, find_sampling, sampling_from_words, sampling_in_words
from tests.properties import same_bits

SMALL = (3, 5, 6)
OWN = Sampling(
    "own",
    "The phase of the largest value, blurred first: a sampling of one's own.",
    selection="norm",
    look="result",
    down="average",
    up="bilinear",
    blur="rect-2",
    p=math.inf,
    largest=False,
    blur_first=True,
)
NETWORKS: dict[str, Callable[[], UNet]] = {
    **{name: lambda name=name: UNet(1, 1, SMALL, sampling=name) for name in SAMPLINGS},  # type: ignore[misc]
    **{f"{name}, tri-3": lambda name=name: UNet(1, 1, SMALL, sampling=name, blur="tri-3") for name in SAMPLINGS},  # type: ignore[misc]
    "adaptive-3": lambda: UNet(1, 1, SMALL, sampling="aps", blur="adaptive-3"),
    "lps, adaptive-2": lambda: UNet(1, 1, SMALL, sampling="lps", blur="adaptive-2"),
    "two channels": lambda: UNet(2, 4, SMALL, sampling="mass"),
    "instance norm": lambda: UNet(1, 1, SMALL, norm="instance"),
    "no norm": lambda: UNet(1, 1, SMALL, norm=None),
    "residual": lambda: UNet(1, 1, SMALL, residual=True),
    "stride 3": lambda: UNet(1, 1, SMALL, stride=3, sampling="mass-unpool"),
    "one dimension": lambda: UNet(1, 1, SMALL, dims=1),
    "three dimensions": lambda: UNet(1, 1, SMALL, dims=3, sampling="lps"),
    "circular pad": lambda: UNet(1, 1, SMALL, pad="circular"),
    "reflecting pad": lambda: UNet(1, 1, SMALL, pad="reflect", padding="reflect"),
    "zeros": lambda: UNet(1, 1, SMALL, padding="zeros", ties="first"),
    "own sampling": lambda: UNet(1, 1, SMALL, sampling=OWN),
    "own sampling of a known name": lambda: UNet(1, 1, SMALL, sampling=replace(SAMPLINGS["mass"], p=1)),
    "strided convolution": lambda: UNet(1, 1, SMALL, sampling=replace(OWN, down="conv", up="zeros")),
}


def trained(network: UNet) -> UNet:
    """Give the network other weights, statistics and temperatures than a new one has."""
    generator = torch.Generator().manual_seed(5)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(tensor + 0.1 * torch.rand(tensor.shape, generator=generator, dtype=tensor.dtype))
        else:
            tensor.fill_(17)
    return network


def image(network: UNet) -> Tensor:
    """Give images that fit the network, of the type of its weights."""
    size = (18, 36, 18)[: network.dims] if network.stride == 3 else (12, 16, 8)[: network.dims]
    return torch.randn(2, network.in_channels, *size).to(network.head.conv.weight.dtype)


def require_same(loaded: checkpoints.Network, network: UNet) -> None:
    """Check that two networks are the same in arguments, weights and outputs, bit for bit."""
    assert isinstance(loaded, UNet)
    assert loaded.arguments == network.arguments
    assert loaded.sampling == network.sampling
    ours, theirs = loaded.state_dict(), network.state_dict()
    assert list(ours) == list(theirs)
    assert all(same_bits(ours[name], theirs[name]) for name in theirs)
    assert not any(module.training for module in loaded.modules())
    assert all(parameter.requires_grad for parameter in loaded.parameters())
    x = image(network)
    with torch.no_grad():
        assert same_bits(loaded(x), network.eval()(x))


@pytest.mark.parametrize("name", NETWORKS)
def test_network_is_the_same_after_loading(name: str, tmp_path: Path) -> None:
    network = trained(NETWORKS[name]())
    save(network, tmp_path / "network.safetensors")
    require_same(load(tmp_path / "network.safetensors"), network)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", ["mass-unpool, tri-3", "lps", "instance norm"])
def test_type_of_the_weights_is_kept(name: str, dtype: torch.dtype, tmp_path: Path) -> None:
    network = trained(NETWORKS[name]()).to(dtype)
    save(network, tmp_path / "network.safetensors")
    loaded = load(tmp_path / "network.safetensors")
    assert {p.dtype for p in loaded.parameters()} == {dtype}
    require_same(loaded, network)


def test_complex_images_pass_as_before(tmp_path: Path) -> None:
    network = trained(UNet(2, 2, SMALL, sampling="mass")).eval()
    save(network, tmp_path / "network.safetensors")
    x = torch.randn(2, 1, 8, 12, dtype=torch.complex64)
    assert same_bits(torch.view_as_real(load(tmp_path / "network.safetensors")(x)), torch.view_as_real(network(x)))


def test_weights_in_channels_last_are_saved(tmp_path: Path) -> None:
    network = trained(UNet(1, 1, SMALL)).to(memory_format=torch.channels_last)
    save(network, tmp_path / "network.safetensors")
    for name, tensor in load(tmp_path / "network.safetensors").state_dict().items():
        assert torch.equal(tensor, network.state_dict()[name])


def test_random_numbers_are_left_alone(tmp_path: Path) -> None:
    network = UNet(1, 1, SMALL)
    state = torch.get_rng_state()
    save(network, tmp_path / "network.safetensors")
    load(tmp_path / "network.safetensors")
    assert torch.equal(torch.get_rng_state(), state)


def test_loaded_weights_do_not_hang_on_the_file(tmp_path: Path) -> None:
    path, network = tmp_path / "network.safetensors", trained(UNet(1, 1, SMALL))
    save(network, path)
    loaded = load(path)
    path.write_bytes(bytes(path.stat().st_size))
    require_same(loaded, network)


def test_about_is_read_back(tmp_path: Path) -> None:
    path, network = tmp_path / "network.safetensors", trained(UNet(1, 1, SMALL, sampling=OWN))
    about: dict[str, Word] = {
        "data": {"name": "knees", "synthetic": True, "patients": 12},
        "normalised": "by mean and standard deviation, Größe ü",
        "epoch": 3,
        "quality": [0.1, None, -2e-300],
    }
    save(network, path, about=about)
    found = read_about(path)
    assert found == Checkpoint("UNet", dict(network.arguments), about, VERSION, recon.__version__, found.sha256)  # type: ignore[arg-type]
    assert re.fullmatch("[0-9a-f]{64}", found.sha256)
    save(network, path)
    assert read_about(path) == replace(found, about={})
    with torch.no_grad():
        network.head.conv.weight[0, 0] += 1
    save(network, path)
    assert read_about(path).sha256 != found.sha256


def test_file_can_be_read_without_recon(tmp_path: Path) -> None:
    network = trained(UNet(1, 1, SMALL))
    save(network, tmp_path / "network.safetensors")
    tensors = safetensors.torch.load_file(tmp_path / "network.safetensors")
    assert all(torch.equal(tensors[name], tensor) for name, tensor in network.state_dict().items())
    with safetensors.safe_open(tmp_path / "network.safetensors", "pt") as file:
        assert list(file.metadata()) == ["recon"]


def test_package_saves_and_loads(tmp_path: Path) -> None:
    recon.save(UNet(1, 1, SMALL), tmp_path / "new folder" / "network.safetensors")
    assert recon.load(tmp_path / "new folder" / "network.safetensors").channels == SMALL
    assert recon.load(str(tmp_path / "new folder" / "network.safetensors"), device=torch.device("cpu")).stride == 2  # type: ignore[arg-type]


# --- whole or not there


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, OSError])
@pytest.mark.parametrize("where", ["rename", "flush"])
def test_old_file_stays_whole_where_saving_is_stopped(
    where: str, stop: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, old = tmp_path / "network.safetensors", trained(UNet(1, 1, SMALL))
    save(old, path)

    def stopped(*_: object) -> None:
        raise stop("no room")

    with monkeypatch.context() as patch:
        owner, name = (Path, "replace") if where == "rename" else (os, "fsync")
        patch.setattr(owner, name, stopped)
        with pytest.raises(DataError if stop is OSError else stop, match="no room"):
            save(UNet(1, 1, (4, 8)), path)
    require_same(load(path), old)
    assert [file.name for file in tmp_path.iterdir()] == ["network.safetensors"]


def test_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    rename, flush = Path.replace, os.fsync

    def seen_rename(path: Path, target: Path) -> Path:
        seen.append("rename")
        return rename(path, target)

    def seen_flush(number: int) -> None:
        seen.append("flush")
        flush(number)

    monkeypatch.setattr(Path, "replace", seen_rename)
    monkeypatch.setattr(os, "fsync", seen_flush)
    save(UNet(1, 1, (2, 3)), tmp_path / "network.safetensors")
    assert seen == ["flush", "rename"]


def test_cut_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "network.safetensors"
    save(UNet(1, 1, (2, 3)), path)
    data = path.read_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    lengths = {*range(40), *range(0, header, 97), *range(header - 9, header + 9), *range(header, len(data), 61)}
    for length in sorted({*lengths, *range(len(data) - 9, len(data))}):
        path.write_bytes(data[:length])
        with pytest.raises(DataError, match="not a safetensors file" if length < 9 else "cut short or damaged"):
            load(path)
    path.write_bytes(data + b"\0")
    with pytest.raises(DataError, match="damaged"):
        load(path)


def test_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "network.safetensors"
    save(UNet(1, 1, (2, 3)), path)
    data = bytearray(path.read_bytes())
    for place in range(8 + int.from_bytes(data[:8], "little"), len(data), 101):
        data[place] ^= 1
        path.write_bytes(data)
        for read in (load, read_about):
            with pytest.raises(DataError, match="not those that were saved; copy or save it again"):
                read(path)
        data[place] ^= 1


def test_nothing_is_pickled() -> None:
    banned = {"pickle", "dill", "shelve", "marshal", "joblib", "eval", "exec"}
    for module in (checkpoints.building, checkpoints.format, checkpoints.loading, checkpoints.saving, files):
        words: set[str] = set()
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            match node:
                case ast.Name(id=name) | ast.ImportFrom(module=str(name)):
                    words.add(name)
                case ast.Import(names=names):
                    words.update(alias.name for alias in names)
                case ast.Attribute(value=ast.Name(id="torch"), attr=name):
                    assert name not in ("load", "save", "jit", "package", "serialization")
        assert not words & banned


# --- refusals


def rewritten(path: Path, *, tensors: Mapping[str, Tensor | None] | None = None, **changes: object) -> Path:
    """Save a small network, and change its weights and its header, the hash of the weights included."""
    save(UNet(1, 1, (2, 3)), path)
    with safetensors.safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["recon"])
    changed = {**safetensors.torch.load_file(path), **(tensors or {})}
    weights = {name: tensor for name, tensor in changed.items() if tensor is not None}
    header["sha256"] = checkpoints.weights_hash(weights)
    for name, value in changes.items():
        header[name] = {**header[name], **value} if isinstance(value, dict) else value
    safetensors.torch.save_file(weights, path, metadata={"recon": json.dumps(header)})
    return path


def written(path: Path, data: bytes) -> Path:
    """Write a file."""
    path.write_bytes(data)
    return path


WEIGHT = "encoder.0.0.conv.weight"
REFUSALS: dict[str, tuple[Callable[[Path], object], str]] = {
    "not there": (lambda path: path, "network.safetensors is not there; give the path"),
    "a folder": (lambda path: path.mkdir(), "must be a network's file, got a folder"),
    "empty": (lambda path: written(path, b""), "is not a safetensors file"),
    "text": (lambda path: written(path, b"hello, this is no network"), "is not a safetensors file"),
    "pickle": (lambda path: written(path, pickle.dumps({"a": 1})), "is not a safetensors file"),
    "torch.save": (lambda path: torch.save({"a": torch.ones(2)}, path), "is not a safetensors file"),
    "no metadata": (
        lambda path: safetensors.torch.save_file({"a": torch.ones(2)}, path),
        "is a safetensors file, but recon.save did not write it",
    ),
    "foreign metadata": (
        lambda path: safetensors.torch.save_file({"a": torch.ones(2)}, path, metadata={"format": "pt"}),
        "is a safetensors file, but recon.save did not write it",
    ),
    "no JSON": (
        lambda path: safetensors.torch.save_file({"a": torch.ones(2)}, path, metadata={"recon": "{"}),
        "header of .* cannot be understood",
    ),
    "no mapping": (
        lambda path: safetensors.torch.save_file({"a": torch.ones(2)}, path, metadata={"recon": "[1]"}),
        "header of .* cannot be understood",
    ),
    "other format": (lambda path: rewritten(path, format="other"), "cannot be understood .*'other'"),
    "newer version": (lambda path: rewritten(path, version=2), "of format version 2, .* knows up to 1; update recon"),
    "no version": (lambda path: rewritten(path, version="1"), "cannot be understood"),
    "no arguments": (lambda path: rewritten(path, arguments=[1]), "arguments and about must be mappings"),
    "unknown class": (
        lambda path: rewritten(path, network="UNett"),
        "class must be one of .*, got 'UNett'; did you",
    ),
    "unknown sampling": (
        lambda path: rewritten(path, arguments={"sampling": "asp"}),
        "cannot be built: sampling must be one of .*, got 'asp'; did you mean 'aps'?",
    ),
    "unknown argument": (
        lambda path: rewritten(path, arguments={"strides": 2}),
        "argument of a UNet must be one of .*, got 'strides'; did you mean 'stride'?",
    ),
    "unknown field": (
        lambda path: rewritten(path, arguments={"sampling": {"name": "a", "meaning": "b", "looks": 1}}),
        "field of a sampling must be one of .*, got 'looks'; did you mean 'look'?",
    ),
    "nameless sampling": (lambda path: rewritten(path, arguments={"sampling": {"p": 2}}), "must have a name in words"),
    "unknown blur": (lambda path: rewritten(path, arguments={"blur": "tri-33x"}), "cannot be built: .*'tri-33x'"),
    "wrong type": (lambda path: rewritten(path, arguments={"channels": 3}), "cannot be built: .* must be of its types"),
    "wrong word": (
        lambda path: rewritten(path, arguments={"residual": "no"}),
        "residual must be such as True, got 'no'",
    ),
    "huge": (lambda path: rewritten(path, arguments={"channels": [10**8, 10**8]}), "must have the shape"),
    "larger than can be": (lambda path: rewritten(path, arguments={"channels": [10**18] * 2}), "cannot be built"),
    "other arguments": (lambda path: rewritten(path, arguments={"channels": [2, 4]}), "must have the shape .*, got"),
    "missing weight": (
        lambda path: rewritten(path, tensors={WEIGHT: None}),
        f"do not fit the network that it describes: {WEIGHT} is missing",
    ),
    "unexpected weight": (lambda path: rewritten(path, tensors={"more": torch.ones(1)}), "more is not expected"),
    "wrong shape": (
        lambda path: rewritten(path, tensors={WEIGHT: torch.ones(2, 1, 3)}),
        re.escape(f"{WEIGHT} must have the shape (2, 1, 3, 3), got (2, 1, 3)"),
    ),
    "whole numbers": (
        lambda path: rewritten(path, tensors={WEIGHT: torch.ones(2, 1, 3, 3, dtype=torch.int32)}),
        f"{WEIGHT} must be of a type like torch.float32, got torch.int32",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_no_network_of_ours_is_refused(name: str, tmp_path: Path) -> None:
    make, message = REFUSALS[name]
    make(tmp_path / "network.safetensors")
    with pytest.raises(DataError, match=message):
        load(tmp_path / "network.safetensors")


def test_rewriting_alone_is_no_reason_to_refuse(tmp_path: Path) -> None:
    assert load(rewritten(tmp_path / "network.safetensors")).channels == (2, 3)


def test_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path / "file", b"")
    with pytest.raises(DataError, match="cannot be written"):
        save(UNet(1, 1, (2, 3)), file / "network.safetensors")
    with pytest.raises(DataError, match=r"is not there|cannot be read"):
        load(file / "network.safetensors")


class Derived(UNet):
    """A U-Net with something of its own."""


def with_other_modules() -> UNet:
    """Give a network one of whose layers was replaced by another of the same class."""
    network = UNet(1, 1, (2, 3))
    network.head = type(network.head)(2, 5, kernel_size=1)
    return network


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Derived(1, 1, (2, 3)), "must be a UNet, Classifier, Segmenter or Converted itself, got Derived"),
        (lambda: nn.Sequential(UNet(1, 1, (2, 3))), "itself, got Sequential; save the one inside it"),
        (
            lambda: with_fixed_phases(UNet(1, 1, (2, 3))),
            "got FixedSelector as 'downs.0.selector' where .* NormSelector",
        ),
        (
            lambda: with_fixed_phases(UNet(1, 1, (2, 3), sampling="lps")),
            "must have the modules that its arguments give",
        ),
        (
            with_other_modules,
            r"arguments give: head.conv.weight must have the shape \(1, 2, 1, 1\), got \(5, 2, 1, 1\)",
        ),
    ],
)
def test_what_could_not_be_built_again_is_not_saved(make: Callable[[], UNet], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        save(make(), tmp_path / "network.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("about", [{"psnr": math.inf}, {"path": Path("x")}, {"x": torch.ones(1)}, {(1, 2): 3}])
def test_about_that_json_cannot_hold_is_refused(about: dict[str, Word], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="about must hold what JSON can"):
        save(UNet(1, 1, (2, 3)), tmp_path / "network.safetensors", about=about)
    assert not list(tmp_path.iterdir())


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must end in \.safetensors, got 'network\.pt'"):
        save(UNet(1, 1, (2, 3)), tmp_path / "network.pt")


# --- the words that build a network


@pytest.mark.parametrize("name", NETWORKS)
def test_arguments_build_the_network_and_are_json(name: str) -> None:
    network = NETWORKS[name]()
    words = json.loads(json.dumps(network.arguments, allow_nan=False))
    assert words == network.arguments
    built = UNet.from_arguments(words)
    assert built.arguments == network.arguments
    assert repr(built) == repr(network)


def test_every_argument_is_remembered() -> None:
    assert list(UNet(1, 1, SMALL).arguments) == list(inspect.signature(UNet).parameters)


@pytest.mark.parametrize("sampling", [*SAMPLINGS.values(), OWN, replace(SAMPLINGS["aps"], p=math.inf)])
def test_sampling_is_the_same_after_words(sampling: Sampling) -> None:
    words = sampling_in_words(sampling)
    assert sampling_from_words(json.loads(json.dumps(words, allow_nan=False))) == sampling
    assert isinstance(words, str) == (SAMPLINGS.get(sampling.name) == sampling)
    assert find_sampling(sampling) is sampling
