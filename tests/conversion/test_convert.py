"""The conversion: the same weights bit for bit, another sampling, and a file that says so."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from recon.checkpoints import Network, load, read_about, save, weights_hash
from recon.conversion.convert import convert_file, converted
from recon.conversion.originals import Original, example_of, find_original
from recon.conversion.trying import shifts_of
from recon.errors import ConfigError, DataError
from recon.evaluation.loading import Place, find_models
from recon.metrics import equivariance_error
from recon.nn import Converted
from recon.records import Word
from tests.conversion.networks import small
from tests.evaluation.labels.small import classifier, segmenter
from tests.evaluation.small import unet

HERE = "tests.conversion.networks"


def saved(network: Network, folder: Path, **about: Word) -> Original:
    """Give a network as found in a file."""
    save(network, folder / "network.safetensors", about=about)
    return find_original(str(folder / "network.safetensors"))


def same_bits(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> bool:
    """Tell whether all tensors of the first are in the second, bit for bit."""
    return weights_hash(first) == weights_hash({name: second[name] for name in first})


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        *(("unet", method) for method in ("plain", "lpf", "aps", "lps", "mass")),
        *(("own", method) for method in ("plain", "lpf", "aps", "aps-keep", "lps", "mass")),
        *(("classifier", method) for method in ("lps", "mass")),
        ("segmenter", "mass"),
    ],
)
def test_weights_stay_as_they_are_bit_for_bit(kind: str, method: str, tmp_path: Path) -> None:
    if kind == "own":
        original = find_original(f"{HERE}:small", example=(1, 8, 8))
    else:
        network = {"unet": lambda: unet(padding="zeros"), "classifier": classifier, "segmenter": segmenter}[kind]()  # type: ignore[operator]
        original = saved(network, tmp_path)
    before = {name: tensor.clone() for name, tensor in original.network.state_dict().items()}
    conversion = converted(original, method)
    after = conversion.network.state_dict()
    assert same_bits(before, after)
    assert set(after) - set(before) == set(conversion.new)
    assert bool(conversion.new) == (method == "lps")
    assert same_bits(before, original.network.state_dict())


@pytest.mark.parametrize("method", ["aps", "lps", "mass"])
@pytest.mark.parametrize("blur", [None, "tri-3"])
def test_plain_is_not_bitwise_equivariant_and_converted_is_under_all_residues(
    method: str, blur: str | None, tmp_path: Path
) -> None:
    original = saved(unet(), tmp_path)
    network = converted(original, method, blur=blur).network
    x = torch.randn(1, *example_of(network))[..., :24, :16]
    shifts = shifts_of((24, 16), network.multiple)[:15]
    assert {tuple(n % 4 for n in shift) for shift in shifts} == {(a, b) for a in range(4) for b in range(4)} - {(0, 0)}
    before, after = (
        [equivariance_error(one, x, shift).bitwise for shift in shifts] for one in (original.network, network)
    )
    assert not all(before)
    assert all(after)


def test_new_weights_follow_from_the_seed_alone(tmp_path: Path) -> None:
    original = saved(unet(), tmp_path)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, again, other = (converted(original, "lps", seed=seed) for seed in (0, 0, 1))
    assert torch.equal(state, torch.get_rng_state())
    assert same_bits(first.network.state_dict(), again.network.state_dict())
    assert not same_bits(first.network.state_dict(), other.network.state_dict())


def test_file_says_what_it_was_made_from_and_is_called_transferred(plain: Path, tmp_path: Path) -> None:
    source, target = plain / "checkpoints" / "best.safetensors", tmp_path / "mass.safetensors"
    convert_file(source, "mass", target)
    about, before = read_about(target), read_about(source)
    assert about.about["conversion"] == {"from": "plain", "method": "mass", "weights": before.sha256, "untrained": []}
    assert about.about["data"] == before.about["data"]
    assert same_bits(load_file(source), load_file(target))
    (found,) = find_models([str(target)], Place())
    assert found.model.subject.variant == "mass-transferred"


def test_what_was_converted_or_tuned_can_be_converted_again(tmp_path: Path) -> None:
    start: Word = {"variant": "mass", "weights": "0"}
    first = converted(saved(unet("mass"), tmp_path, training={"seed": 0, "start": start}), "aps")
    assert first.about["training"] == {"seed": 0}
    assert first.about["conversion"] == {
        "from": "mass-tuned",
        "method": "aps",
        "weights": first.original.weights,
        "untrained": [],
        "start": start,
    }
    assert first.variant == "aps-transferred"
    second = converted(saved(first.network, tmp_path, **first.about), "lps")
    assert second.about["conversion"]["from"] == "aps-transferred"  # type: ignore[index,call-overload]


def test_network_of_ones_own_that_was_converted_is_converted_again(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    network = small()
    with torch.no_grad():
        network[0].weight.add_(1)  # type: ignore[index]
    save(Converted(f"{HERE}:small", network, sampling="aps", example=(1, 8, 8)), path)
    conversion = converted(find_original(str(path), factory=f"{HERE}:small"), "mass")
    found = conversion.network.state_dict()
    assert all(torch.equal(found[f"network.{name}"], tensor) for name, tensor in network.state_dict().items())
    assert conversion.about["conversion"]["from"] == "aps"  # type: ignore[index,call-overload]


def test_conversion_loads_in_another_process_with_its_factory(tmp_path: Path) -> None:
    conversion = converted(find_original(f"{HERE}:small", example=(1, 8, 8)), "mass")
    save(conversion.network, tmp_path / "own.safetensors", about=conversion.about)
    again = load(tmp_path / "own.safetensors", factory=small)
    x = torch.rand(2, 1, 8, 12)
    assert torch.equal(again(x), conversion.network(x))


def test_what_cannot_be_followed_names_canonical() -> None:
    original = find_original(f"{HERE}:Looking")
    with pytest.raises(ConfigError, match=r"__bool__ .* looks at the values .*recon\.Canonical"):
        converted(original, "mass")


def test_an_error_while_it_is_followed_names_canonical(monkeypatch: pytest.MonkeyPatch) -> None:
    original = find_original(f"{HERE}:small")

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("no such operation")

    monkeypatch.setattr("recon.nn.converted.make_equivariant", fails)
    with pytest.raises(ConfigError, match=r"cannot be followed: RuntimeError: no such operation; .*recon\.Canonical"):
        converted(original, "mass")


def test_example_that_the_strides_do_not_divide_is_refused() -> None:
    original = find_original(f"{HERE}:small", example=(1, 33, 20))
    with pytest.raises(ConfigError, match=r"divisible by 2, .*got 33 x 20; give --example 1,32,20"):
        converted(original, "mass")


def test_the_sampling_that_is_there_already_is_refused(plain: Path) -> None:
    with pytest.raises(ConfigError, match="has the sampling plain already; choose another --method"):
        converted(find_original(str(plain)), "plain")


def test_zero_padded_plain_network_becomes_circular(tmp_path: Path) -> None:
    original = saved(unet(padding="zeros"), tmp_path)
    assert converted(original, "plain").network.arguments["padding"] == "circular"


def test_sampling_with_layers_of_its_own_is_refused(plain: Path) -> None:
    with pytest.raises(ConfigError, match=r"with the sampling mass-unpool, got other ones: .*; choose another"):
        converted(find_original(str(plain)), "mass-unpool")


def test_unknown_sampling_is_refused(plain: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'mass'"):
        converted(find_original(str(plain)), "masss")


def test_no_file_is_left_where_a_source_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        convert_file(tmp_path / "none.safetensors", "mass", tmp_path / "target.safetensors")
    assert list(tmp_path.iterdir()) == []
