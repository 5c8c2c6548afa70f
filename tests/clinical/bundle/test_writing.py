"""A bundle is whole: every file that MONAI asks for, the same weights in each, and nothing where writing fails."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from recon.checkpoints import read_about, save
from recon.clinical.bundle import write_bundle
from recon.clinical.bundle.documents import LICENCE
from recon.clinical.bundle.metadata import metadata_of
from recon.clinical.identity import identity_from
from recon.clinical.models import Opening, open_model
from recon.errors import ConfigError, DataError
from recon.nn import Converted, UNet
from recon.samplings import Sampling
from tests.clinical.bundle.conftest import Bundle, bundled

ROOT = Path(__file__).parents[3]
IMAGES = torch.rand(2, 1, 16, 24, generator=torch.Generator().manual_seed(0))


def test_bundle_has_every_file_that_monai_knows(mri: Bundle) -> None:
    found = {str(path.relative_to(mri.folder)) for path in mri.folder.rglob("*") if path.is_file()}
    configs = {f"configs/{name}.json" for name in ("metadata", "inference", "train")}
    assert found == {*configs, "LICENSE", "docs/README.md", "models/model.pt", "models/network.safetensors"}


def test_recon_opens_a_bundle_as_what_it_was(mri: Bundle, ct: Bundle) -> None:
    for bundle in (mri, ct):
        again = open_model(str(bundle.folder))
        assert torch.equal(again(IMAGES), bundle.model(IMAGES))
        assert again.identity.weights == bundle.model.identity.weights
        assert again.identity.scaling == bundle.model.identity.scaling
        assert again.identity.training["data"] == bundle.model.identity.training["data"]


def test_networks_file_says_what_it_said_before(mri: Bundle, mri_model_file: Path) -> None:
    def told(file: Path) -> dict[str, object]:
        about = read_about(file).about
        data = about["data"]
        assert isinstance(data, dict)
        known = {name: about[name] for name in ("epoch", "training")}
        return {**known, "data": {name: value for name, value in data.items() if name != "folder"}}

    file = mri.folder / "models" / "network.safetensors"
    assert told(file) == told(mri_model_file)
    assert "run" not in read_about(file).about


def test_weights_are_those_of_the_network_with_its_scaling(mri: Bundle) -> None:
    weights = torch.load(mri.folder / "models" / "model.pt", weights_only=True)
    assert mri.model.module is not None
    state = mri.model.module.state_dict()
    assert list(weights) == [f"network.{name}" for name in state]
    assert all(torch.equal(weights[f"network.{name}"], tensor) for name, tensor in state.items())


def test_metadata_keep_the_identity(ct: Bundle) -> None:
    words = json.loads((ct.folder / "configs" / "metadata.json").read_text(encoding="utf-8"))
    assert identity_from(words["recon"], where="metadata.json") == ct.model.identity


def _described(bundle: Bundle) -> Any:  # noqa: ANN401  # JSON
    return json.loads((bundle.folder / "configs" / "metadata.json").read_text(encoding="utf-8"))["network_data_format"]


def test_sizes_are_multiples_and_ct_is_in_hu(mri: Bundle, ct: Bundle) -> None:
    formats = [_described(bundle) for bundle in (mri, ct)]
    images = [words[side][name] for words in formats for side, name in (("inputs", "image"), ("outputs", "pred"))]
    assert [image["spatial_shape"] for image in images] == [["4*n", "4*n"]] * 4
    assert [image["format"] for image in images] == ["magnitude"] * 2 + ["hounsfield"] * 2
    assert images[0]["value_range"] == []
    assert images[2]["value_range"] == pytest.approx([-1001.0, 3071.0], abs=0.01)  # LoDoPaB's own ends


def test_every_text_says_research_only(mri: Bundle) -> None:
    words = json.loads((mri.folder / "configs" / "metadata.json").read_text(encoding="utf-8"))
    assert "research use only" in words["intended_use"]
    assert "research use only" in (mri.folder / "docs" / "README.md").read_text(encoding="utf-8")


def test_synthetic_data_are_called_synthetic(mri: Bundle) -> None:
    assert "Synthetic" in str(metadata_of(mri.model.identity)["data_source"])


def test_licence_is_that_of_recon() -> None:
    assert (ROOT / "LICENSE").read_text(encoding="utf-8") == LICENCE


def test_no_place_of_this_machine_is_in_a_bundle(mri_model_file: Path, tmp_path: Path) -> None:
    about = read_about(mri_model_file).about
    network = UNet(1, 1, channels=(2, 4), sampling="aps")
    data = about["data"]
    assert isinstance(data, dict)
    save(
        network,
        tmp_path / "told.safetensors",
        about={**about, "data": {**data, "folder": str(tmp_path / "someone" / "scans")}},
    )
    folder = bundled(tmp_path / "told.safetensors", tmp_path / "bundle").folder
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert [
        path for path in files if b"someone" in path.read_bytes() or str(tmp_path).encode() in path.read_bytes()
    ] == []


def test_sampling_of_ones_own_is_built_again(tmp_path: Path) -> None:
    own = Sampling("own", "By the largest value.", selection="norm", p=float("inf"))
    save(UNet(1, 1, channels=(2, 4), sampling=own), tmp_path / "own.safetensors", about={"data": {"modality": "mri"}})
    config = json.loads(Path(bundled(tmp_path / "own.safetensors", tmp_path / "b").config("inference")).read_text())
    words = config["network_def"]["network"]["sampling"]
    assert words["_target_"] == "recon.samplings.sampling_from_words"
    assert words["words"]["p"] == "inf"


def test_network_of_ones_own_is_named_by_its_factory(tmp_path: Path) -> None:
    name = "tests.conversion.networks:small"
    network = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.ConvTranspose2d(4, 1, 2, 2))
    save(Converted(name, network, example=(1, 8, 8)), tmp_path / "own.safetensors")
    model = open_model(str(tmp_path / "own.safetensors"), Opening(modality="mri", factory=name))
    write_bundle(model, model.module, tmp_path / "bundle")
    config = json.loads((tmp_path / "bundle" / "configs" / "inference.json").read_text(encoding="utf-8"))
    assert config["network_def"]["network"]["network"] == {"_target_": "tests.conversion.networks.small"}
    again = open_model(str(tmp_path / "bundle"), Opening(factory=name))
    assert torch.equal(again(IMAGES), model(IMAGES))


def test_folder_that_is_there_is_refused(mri: Bundle, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match="must be a new folder"):
        write_bundle(mri.model, mri.model.module, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_closed_model_is_refused(mri: Bundle, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must hold a UNet or a converted network, got NoneType"):
        write_bundle(mri.model, None, tmp_path / "bundle")


def test_nothing_is_left_where_writing_fails(mri: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(DataError, match="cannot be written"):
        write_bundle(mri.model, mri.model.module, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_bundle_whose_weights_are_not_those_of_its_network_is_refused(mri: Bundle, tmp_path: Path) -> None:
    for name in ("scaled", "cut"):
        shutil.copytree(mri.folder, tmp_path / name)
    file = tmp_path / "scaled" / "models" / "model.pt"
    torch.save({name: 7 * tensor for name, tensor in torch.load(file, weights_only=True).items()}, file)
    with pytest.raises(DataError, match=r"must hold the weights of .*, got others"):
        open_model(str(tmp_path / "scaled"))
    cut = tmp_path / "cut" / "models" / "model.pt"
    cut.write_bytes(cut.read_bytes()[:1000])
    with pytest.raises(DataError, match="cannot be read"):
        open_model(str(tmp_path / "cut"))
