"""What is named is found as it is, and what is none is refused in words."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from recon.checkpoints import load, read_about, save, weights_hash
from recon.conversion.originals import example_of, find_original, guessed_example
from recon.errors import ConfigError, DataError
from recon.nn import Converted, UNet
from tests.conversion.networks import small
from tests.evaluation.small import unet

HERE = "tests.conversion.networks"


def test_run_gives_its_network_its_data_and_its_variant(plain: Path, knees: Path) -> None:
    original = find_original(str(plain))
    assert isinstance(original.network, UNet)
    assert (original.variant, original.in_a_file, original.factory) == ("plain", True, None)
    assert original.weights == read_about(plain / "checkpoints" / "best.safetensors").sha256
    assert original.data is not None
    assert original.data["folder"] == str(knees)


def test_the_last_checkpoint_can_be_taken(plain: Path, tmp_path: Path) -> None:
    save(unet("aps"), tmp_path / "checkpoints" / "last.safetensors")
    assert find_original(str(tmp_path), checkpoint="last").variant == "aps"
    with pytest.raises(DataError, match=r"no .*best\.safetensors"):
        find_original(str(tmp_path))


def test_function_gives_a_network_that_is_left_as_it_is() -> None:
    original = find_original(f"{HERE}:small()")
    assert isinstance(original.network, Converted)
    assert (original.variant, original.factory, original.in_a_file) == ("none", f"{HERE}:small", False)
    x = torch.rand(1, 1, 8, 8)
    assert torch.equal(original.network(x), small()(x))
    assert original.weights == weights_hash({f"network.{name}": w for name, w in small().state_dict().items()})


def test_file_of_a_network_of_ones_own_needs_its_factory(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    save(Converted(f"{HERE}:small", small(), sampling="aps", example=(1, 8, 8)), path)
    with pytest.raises(ConfigError, match="no code that a file names is run; pass --factory"):
        find_original(str(path))
    assert find_original(str(path), factory=f"{HERE}:small").variant == "aps"


@pytest.mark.parametrize(
    ("spec", "options", "error", "said"),
    [
        ("nowhere", {}, DataError, "nowhere must be the folder of a run"),
        ("n" * 400, {}, DataError, "must be the folder of a run"),
        (f"{HERE}:number", {}, ConfigError, "must give a network (torch.nn.Module), got int"),
        (f"{HERE}:dense", {}, ConfigError, "give --example C,H,W"),
        (f"{HERE}:Failing", {}, ConfigError, "must take an image of 1 x 64 x 64 alone, got an error of it: TypeError"),
        (f"{HERE}:small", {"example": (2, 8, 8)}, ConfigError, "must take an image of 2 x 8 x 8 alone"),
        (f"{HERE}:small", {"example": (1, 0, 8)}, ConfigError, "every number of example"),
        (f"{HERE}:small", {"example": (1,)}, ConfigError, "example must be the shape of one input"),
        (f"{HERE}:small", {"factory": f"{HERE}:small"}, ConfigError, "leave it out"),
        (f"{HERE}:smal", {}, ConfigError, "did you mean 'small'?"),
        ("no_such_module:small", {}, ConfigError, "there must be a module no_such_module"),
    ],
)
def test_what_is_no_network_is_refused(
    spec: str, options: dict[str, object], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=re.escape(said)):
        find_original(spec, **options)  # type: ignore[arg-type]


def test_options_for_networks_just_made_are_refused_for_files(plain: Path) -> None:
    with pytest.raises(ConfigError, match="an example is for networks that are just made"):
        find_original(str(plain), example=(1, 24, 24))
    with pytest.raises(ConfigError, match="factory is for networks of your own"):
        find_original(str(plain), factory=f"{HERE}:small")


def test_damaged_file_is_refused(plain: Path, tmp_path: Path) -> None:
    content = (plain / "checkpoints" / "best.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(content[:2000])
    with pytest.raises(DataError, match="cut short or damaged"):
        find_original(str(tmp_path / "cut.safetensors"))


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (nn.Conv1d(2, 1, 3), (2, 256)),
        (nn.Sequential(nn.ReLU(), nn.Conv2d(3, 1, 3)), (3, 64, 64)),
        (nn.Conv3d(1, 1, 3), (1, 32, 32, 32)),
    ],
)
def test_first_convolution_says_which_images(network: nn.Module, shape: tuple[int, ...]) -> None:
    assert guessed_example(network, "it") == shape


def test_example_of_recons_own_network_is_taken_by_it() -> None:
    network = UNet(channels=(2, 2, 2, 2), in_channels=2, stride=3, sampling="mass").eval()
    shape = example_of(network)
    assert shape == (2, 81, 81)  # the least multiple of 27 from 64 on
    assert network(torch.rand(1, *shape)).shape == (1, 1, 81, 81)


def test_weights_of_a_file_are_those_that_are_loaded(plain: Path) -> None:
    file = plain / "checkpoints" / "best.safetensors"
    found, wanted = find_original(str(file)).network.state_dict(), load(file).state_dict()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
