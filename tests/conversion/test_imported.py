"""Checkpoints of fastMRI and MONAI become recon's networks with every weight as it was, and nothing in them is run."""

import json
import pickle
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from fastmri.models import Unet
from monai.networks.nets.basic_unet import BasicUNet
from monai.networks.nets.unet import UNet
from torch import Tensor, nn

from recon import checkpoints
from recon.checkpoints.libraries import library_network
from recon.cli import main
from recon.clinical.bundle import write_bundle
from recon.clinical.models import Opening, open_model
from recon.conversion.convert import converted
from recon.conversion.imported import Asking, fastmri_settings, imported
from recon.conversion.originals import find_original
from recon.errors import ConfigError, DataError
from recon.nn.converted import Converted
from recon.ops.periodic import roll_images
from tests.conversion.networks import small

MONAI_WORDS = {
    "spatial_dims": 2,
    "in_channels": 1,
    "out_channels": 1,
    "channels": [4, 8],
    "strides": [2],
    "num_res_units": 1,
}
IMAGES = torch.rand(2, 1, 16, 24, generator=torch.Generator().manual_seed(0))


def fastmri_network(chans: int = 4, levels: int = 2) -> Unet:
    """Give fastMRI's own class with weights just drawn."""
    return Unet(1, 1, chans=chans, num_pool_layers=levels, drop_prob=0.1).eval()


def monai_network() -> nn.Module:
    """Give MONAI's own class with weights just drawn."""
    return UNet(2, 1, 1, (4, 8), (2,), num_res_units=1).eval()


def write_monai_bundle(folder: Path, network: nn.Module, words: Mapping[str, object], **others: object) -> Path:
    """Write what a bundle has, as MONAI's model zoo does."""
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    torch.save(network.state_dict(), folder / "models" / "model.pt")
    inference = {**others, "network_def": words, "run": ["$print('never')"]}
    (folder / "configs" / "inference.json").write_text(json.dumps(inference), encoding="utf-8")
    metadata = {"network_data_format": {"inputs": {"image": {"modality": "MR"}}}}
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    return folder


def wrapped_in(shape: str, state: dict[str, Tensor]) -> object:
    """Give a state dict as people save it."""
    lightning = {f"unet.{name}": tensor for name, tensor in state.items()} | {"loss.window": torch.ones(1)}
    return {
        "state dict": state,
        "Lightning": {"state_dict": lightning, "hyper_parameters": {"drop_prob": 0.1, "chans": 4}, "epoch": 3},
        "data parallel": {f"module.{name}": tensor for name, tensor in state.items()},
        "compiled": {"model": {f"_orig_mod.{name}": tensor for name, tensor in state.items()}, "epoch": 3},
    }[shape]


@pytest.mark.parametrize("shape", ["state dict", "Lightning", "data parallel", "compiled"])
def test_fastmris_network_computes_the_same_bits(shape: str, tmp_path: Path) -> None:
    network = fastmri_network()
    torch.save(wrapped_in(shape, network.state_dict()), tmp_path / "unet.ckpt")
    original = find_original(str(tmp_path / "unet.ckpt"))
    assert torch.equal(original.network(IMAGES), network(IMAGES))


@pytest.mark.parametrize("levels", [1, 4])
@pytest.mark.parametrize("chans", [2, 5])
def test_settings_of_fastmris_network_are_read_off_its_weights(chans: int, levels: int) -> None:
    found = fastmri_settings(fastmri_network(chans, levels).state_dict(), {"drop_prob": 0.25})
    assert found == {"in_chans": 1, "out_chans": 1, "chans": chans, "num_pool_layers": levels, "drop_prob": 0.25}


def test_fastmris_network_is_for_mri_with_fastmris_bound(tmp_path: Path) -> None:
    torch.save(fastmri_network().state_dict(), tmp_path / "unet.pt")
    checkpoints.save(find_original(str(tmp_path / "unet.pt")).network, tmp_path / "unet.safetensors")
    data = find_original(str(tmp_path / "unet.pt")).about["data"]
    assert isinstance(data, Mapping)
    assert (data["modality"], data["settings"]) == ("mri", {"clamp": 6.0})
    assert data["synthetic"] is None  # nobody says


@pytest.mark.parametrize("target", ["UNet", "monai.networks.nets.UNet", "monai.networks.nets.unet.Unet"])
def test_monais_bundle_computes_the_same_bits(target: str, tmp_path: Path) -> None:
    network = monai_network()
    words = {"_target_": target, **MONAI_WORDS, "channels": ["@fine", "@all#coarse"], "act": ["PRELU", {"init": 0.2}]}
    bundle = write_monai_bundle(tmp_path / "bundle", network, words, fine=4, all={"coarse": 8})
    original = find_original(str(bundle))
    assert torch.equal(original.network(IMAGES), network(IMAGES))
    assert original.data is not None
    assert original.data["modality"] == "mri"


def test_monais_weights_are_built_as_an_architecture_says(tmp_path: Path) -> None:
    network = BasicUNet(2, 1, 1, (4, 4, 8, 8, 8, 4)).eval()
    torch.save(network.state_dict(), tmp_path / "basic.pt")
    words = "_target_: BasicUNet\nspatial_dims: 2\nin_channels: 1\nout_channels: 1\nfeatures: [4, 4, 8, 8, 8, 4]\n"
    (tmp_path / "network.yaml").write_text(words, encoding="utf-8")
    original = find_original(str(tmp_path / "basic.pt"), architecture=tmp_path / "network.yaml", modality="ct")
    images = torch.rand(1, 1, 32, 48)
    assert torch.equal(original.network(images), network(images))
    assert original.about["data"]["modality"] == "ct"  # type: ignore[index,call-overload]


def test_weights_of_ones_own_are_built_by_a_factory(tmp_path: Path) -> None:
    network = small()
    nn.init.ones_(network[0].weight)  # type: ignore[index]
    torch.save(network.state_dict(), tmp_path / "own.pth")
    original = find_original(str(tmp_path / "own.pth"), factory="tests.conversion.networks:small")
    assert torch.equal(original.network(IMAGES), network(IMAGES))


@pytest.mark.parametrize("library", ["fastmri", "monai"])
def test_converted_network_is_equivariant_and_needs_no_factory(library: str, tmp_path: Path) -> None:
    if library == "fastmri":
        torch.save(fastmri_network().state_dict(), tmp_path / "unet.pt")
        original = find_original(str(tmp_path / "unet.pt"))
    else:
        words = {"_target_": "UNet", **MONAI_WORDS}
        original = find_original(str(write_monai_bundle(tmp_path / "bundle", monai_network(), words)))
    conversion = converted(original, "mass")
    checkpoints.save(conversion.network, tmp_path / "mass.safetensors", about=conversion.about)
    model = open_model(str(tmp_path / "mass.safetensors"))
    assert torch.equal(model(roll_images(IMAGES, (3, 5))), roll_images(model(IMAGES), (3, 5)))
    again = converted(find_original(str(tmp_path / "mass.safetensors")), "aps")
    assert isinstance(again.network, Converted)
    state = conversion.network.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in again.network.state_dict().items() if name in state)


def test_command_converts_measures_and_names_how_to_train_on(
    knees: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(fastmri_network(2).state_dict(), tmp_path / "unet_state_dict.pt")
    words = ["convert", str(tmp_path / "unet_state_dict.pt"), "--out", str(tmp_path / "out"), "--data", str(knees)]
    assert main([*words, "--limit", "1", "--device", "cpu"]) == 0
    assert "recon train" in capsys.readouterr().out
    assert open_model(str(tmp_path / "out" / "network.safetensors")).identity.scaling.clamp == 6.0


def test_bundle_of_recon_is_converted_as_what_is_in_it(tmp_path: Path, plain: Path) -> None:
    model = open_model(str(plain), Opening())
    write_bundle(model, model.module, tmp_path / "bundle")
    original = find_original(str(tmp_path / "bundle"))
    assert original.weights == model.identity.weights


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"_target_": "os.system", "command": "true"}, "must name a network of monai.networks.nets"),
        ({"_target_": "torch.nn.Conv2d"}, "must name a network of monai.networks.nets"),
        ({"_target_": "monai.networks.nets_of_mine.UNet"}, "must name a network of monai.networks.nets"),
        ({"_target_": "HuggingFaceModel"}, "the network in"),
        ({"_target_": "UNet", **MONAI_WORDS, "channels": "$__import__('os').abort()"}, "expression"),
        ({"_target_": "UNet", **MONAI_WORDS, "act": {"_target_": "os.abort"}}, "to be called"),
        ({"_target_": "UNet", **MONAI_WORDS, "channels": "@none"}, "what its references name"),
        ({"_target_": "UNet", **MONAI_WORDS, "channels": "@network_def#channels"}, "references that end"),
        ({"_target_": "UNet", **MONAI_WORDS, "colour": 1}, "the arguments of monai.networks.nets:UNet"),
        ({"_target_": "UNet", **MONAI_WORDS, "channels": [100000, 200000]}, "values, and the weights have"),
        ({"_target_": "UNet", **MONAI_WORDS, "channels": [4, 6]}, "must be those of"),
        ({"_target_": "UNet", **MONAI_WORDS, "spatial_dims": 10**12}, "values, and the weights have"),
        ({"_target_": "UNet", **MONAI_WORDS, "num_res_units": 1500}, "values or more, and the weights have"),
        ({"_target_": "UNet", **MONAI_WORDS, "act": ["prelu", {"num_parameters": 1500}]}, "values or more, and"),
        ({}, "must describe a network"),
    ],
)
def test_description_of_other_things_is_refused(words: Mapping[str, object], reason: str, tmp_path: Path) -> None:
    bundle = write_monai_bundle(tmp_path / "bundle", monai_network(), words)
    with pytest.raises((DataError, ConfigError), match=reason):
        imported(bundle, Asking())


def test_network_of_more_layers_than_there_are_is_stopped_while_it_is_outlined() -> None:
    words = {"spatial_dims": 2, "in_channels": 1, "out_channels": 1, "channels": [1, 1], "strides": [1]}
    with pytest.raises(ConfigError, match="more than 4096 weights and biases"):
        library_network("monai.networks.nets:UNet", {**words, "num_res_units": 10**8}, most=10**9)


def test_description_that_repeats_itself_without_end_is_refused(tmp_path: Path) -> None:
    doubled = {f"level{number}": [f"@level{number + 1}"] * 2 for number in range(14)}
    words = {"_target_": "UNet", **MONAI_WORDS, "channels": "@level0"}
    bundle = write_monai_bundle(tmp_path / "bundle", monai_network(), words, **doubled, level14=4)
    with pytest.raises(DataError, match="at most 10000 words and numbers"):
        imported(bundle, Asking())
    (tmp_path / "self.yaml").write_text("_target_: UNet\nchannels: &itself [*itself]\n", encoding="utf-8")
    torch.save(monai_network().state_dict(), tmp_path / "unet.pt")
    with pytest.raises(DataError, match="references that end"):
        imported(tmp_path / "unet.pt", Asking(architecture=tmp_path / "self.yaml"))


class Harm:
    """What a pickle could do."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Make a file, if it is unpickled."""
        return Path.touch, (Path("harm"),)  # type: ignore[return-value]


def test_pickle_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": fastmri_network().state_dict(), "callbacks": Harm()}, "unet.ckpt")
    with pytest.raises(DataError, match="tensors and plain values"):
        imported(Path("unet.ckpt"), Asking())
    Path("bare.pt").write_bytes(pickle.dumps(Harm()))
    with pytest.raises(DataError, match="tensors and plain values"):
        imported(Path("bare.pt"), Asking())
    assert not Path("harm").exists()


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        ({"epoch": 3}, "must hold a state dict"),
        ([torch.ones(1)], "must hold a state dict"),
        ({"layer.weight": torch.ones(1)}, "does not say what network"),
        ({"down_sample_layers.0.layers.0.weight": torch.ones(4, 1, 3, 3)}, "all of them"),
    ],
)
def test_weights_of_nothing_known_are_refused(held: object, reason: str, tmp_path: Path) -> None:
    torch.save(held, tmp_path / "weights.pt")
    with pytest.raises((DataError, ConfigError), match=reason):
        imported(tmp_path / "weights.pt", Asking())


def test_weights_that_are_cut_short_are_refused(tmp_path: Path) -> None:
    torch.save(fastmri_network().state_dict(), tmp_path / "unet.pt")
    (tmp_path / "unet.pt").write_bytes((tmp_path / "unet.pt").read_bytes()[:2000])
    with pytest.raises(DataError, match="got others"):
        imported(tmp_path / "unet.pt", Asking())


def test_missing_weights_are_refused(tmp_path: Path) -> None:
    state = fastmri_network().state_dict()
    del state["conv.layers.0.weight"]
    torch.save(state, tmp_path / "unet.pt")
    with pytest.raises(DataError, match=r"conv\.layers\.0\.weight is missing"):
        imported(tmp_path / "unet.pt", Asking())


def test_file_that_names_a_network_of_no_library_builds_nothing(tmp_path: Path) -> None:
    settings = {"command": "true"}
    network = Converted("os:system", small(), sampling="none", example=(1, 8, 8), settings=settings)
    checkpoints.save(network, tmp_path / "harm.safetensors")
    with pytest.raises(DataError, match="a network of another library"):
        checkpoints.load(tmp_path / "harm.safetensors")


def test_checkpoint_that_holds_itself_is_refused(tmp_path: Path) -> None:
    found: dict[str, object] = {"epoch": 1}
    found["state_dict"] = found
    torch.save(found, tmp_path / "round.pt")
    with pytest.raises(DataError, match="must hold a state dict of tensors"):
        find_original(str(tmp_path / "round.pt"))
