"""One evaluation of networks for labels, from words: their data are found, and what does not fit together is told."""

from pathlib import Path

import pytest
import torch
from torch import nn

from recon.checkpoints import save
from recon.errors import ConfigError, DataError
from recon.evaluation.labels.protocols import LABEL_PROTOCOLS
from recon.evaluation.session import Outcome, Wishes, run
from recon.nn import Converted
from recon.records import LINES, read_records
from tests.evaluation.labels.conftest import VOC_CROP
from tests.evaluation.labels.small import classifier, segmenter, write_label_run

LABELLERS = """
import torch
from torch import nn


def dim(images):
    return images.mean((2, 3)).repeat(1, 4)


def small():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 10, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def three():
    return 3


def few():
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
"""


def outcome(*specs: str | Path, out: Path, **more: object) -> Outcome:
    wishes = {"protocols": ("accuracy",), **more}
    return run(Wishes([str(spec) for spec in specs], out, **wishes))  # type: ignore[arg-type]


@pytest.fixture
def labellers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a module of networks in the current folder, and give its name."""
    name = f"labellers_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(LABELLERS)
    monkeypatch.chdir(tmp_path)
    return name


def test_all_protocols_are_measured_on_the_data_of_the_training(
    plain_run: Path, mass_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recon.evaluation.cost.SHORTEST", 0.001)
    found = outcome(plain_run, mass_run, out=tmp_path, protocols=(), limit=4)
    assert {(record.subject.name, record.protocol) for record in found.records} == {
        (name, protocol) for name in ("plain", "mass") for protocol in LABEL_PROTOCOLS
    }
    assert {record.source.modality for record in found.records} == {"cifar10"}
    assert {record.scope for record in found.records} == {"set"}
    assert not found.left_out
    assert read_records(tmp_path) == found.records
    (cost,) = [
        r for r in found.records if r.protocol == "cost" and r.settings["round"] == 0 and r.subject.name == "mass"
    ]
    assert cost.settings["size"] == [32, 32]
    exact = [r.measures["bitwise"] for r in found.records if r.subject.name == "mass" and "bitwise" in r.measures]
    assert exact == [20, 4]  # pairs and images


def test_what_was_measured_is_not_measured_again(
    plain_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    protocols = ("accuracy", "consistency", "crops", "adversary")
    first = outcome(plain_run, out=tmp_path, protocols=protocols, limit=3)
    bytes_of = (tmp_path / LINES).read_bytes()
    for protocol in protocols:
        monkeypatch.setattr(LABEL_PROTOCOLS[protocol], "measure", None)  # which would fail
    assert outcome(plain_run, out=tmp_path, protocols=protocols, limit=3).records == first.records
    assert (tmp_path / LINES).read_bytes() == bytes_of


def test_a_segmenter_is_evaluated_with_the_settings_of_its_training(voc_run: Path, tmp_path: Path) -> None:
    found = outcome(voc_run, out=tmp_path, protocols=("accuracy", "consistency"))
    assert {record.source.name for record in found.records} == {"pictures in PASCAL VOC's files (synthetic)"}
    assert found.records[0].source.settings == {"crop": VOC_CROP}
    accuracy, consistency = found.records
    assert len(accuracy.arrays["union"]) == 21
    assert consistency.measures["agreeing"] == consistency.measures["pairs"]


def test_networks_of_all_kinds_get_their_own_data(
    mass_run: Path, voc_run: Path, knees_run: Path, tmp_path: Path
) -> None:
    found = outcome(
        mass_run, f"segmenter={voc_run}", f"unet={knees_run}", out=tmp_path, protocols=("accuracy", "quality")
    )
    assert {(record.subject.name, record.source.modality, record.protocol) for record in found.records} == {
        ("mass", "cifar10", "accuracy"),
        ("segmenter", "voc", "accuracy"),
        ("unet", "mri", "quality"),
    }
    alone = outcome(mass_run, f"unet={knees_run}", out=tmp_path / "alone")
    assert alone.left_out == {("unet", "everything"): "no protocol that was asked for is for MRI data"}


def test_protocols_of_other_data_are_refused(mass_run: Path, knees_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"quality is not for CIFAR-10 data; choose of accuracy, consistency, crops"):
        outcome(mass_run, out=tmp_path, protocols=("accuracy", "quality"))
    with pytest.raises(ConfigError, match=r"adversary is not for MRI data; choose of quality"):
        outcome(knees_run, out=tmp_path, protocols=("adversary",))
    with pytest.raises(ConfigError, match=r"protocol must be one of quality.*accuracy.*did you mean 'accuracy'"):
        outcome(mass_run, out=tmp_path, protocols=("acuracy",))
    with pytest.raises(ConfigError, match="--ood and --other are for MRI and CT data"):
        outcome(mass_run, out=tmp_path, ood=tmp_path)
    assert not list(tmp_path.iterdir())


def test_data_may_be_given_and_are_checked(
    mass_run: Path, voc_run: Path, cifar10: Path, voc: Path, knees: Path, tmp_path: Path
) -> None:
    assert outcome(mass_run, out=tmp_path / "out", data=cifar10).records
    with pytest.raises(DataError, match="must be"):
        outcome(mass_run, out=tmp_path / "out", data=voc)
    with pytest.raises(ConfigError, match="mass must be for MRI data, got a network for another modality"):
        outcome(mass_run, out=tmp_path / "out", modality="mri", data=knees)
    with pytest.raises(ConfigError, match="mass must be for PASCAL VOC data"):
        outcome(mass_run, out=tmp_path / "out", modality="voc")
    with pytest.raises(ConfigError, match="got networks for cifar10 and voc; choose one"):
        outcome(mass_run, f"v={voc_run}", out=tmp_path / "out", data=cifar10)
    with pytest.raises(ConfigError, match="holds PASCAL VOC data, but --modality mri was asked for"):
        outcome("identity", out=tmp_path / "out", data=voc, modality="mri")
    with pytest.raises(DataError, match="voc must hold CT data, got voc"):
        outcome("identity", out=tmp_path / "out", data=knees, other=voc, protocols=("ood",))


def test_without_a_folder_the_embedded_data_are_taken(
    cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recon.data.datamodule.ensure_embedded", lambda name, cache: cifar10)
    run = write_label_run(tmp_path / "run", classifier(classes=10), modality="cifar10", folder=None)
    assert outcome(run, out=tmp_path / "out").records[0].source.name == "embedded CIFAR-10 (synthetic)"


def test_functions_and_networks_by_name_are_classifiers_where_the_data_are_labelled(
    labellers: str, mass_run: Path, cifar10: Path, tmp_path: Path
) -> None:
    specs = (f"dim={labellers}:dim", f"small={labellers}:small()")
    found = outcome(*specs, out=tmp_path / "out", data=cifar10, modality="cifar10")
    assert [(record.subject.name, record.subject.kind) for record in found.records] == [
        ("dim", "function"),
        ("small", "Sequential"),
    ]
    beside = outcome(*specs, mass_run, out=tmp_path / "beside")  # takes the data of the network that says
    assert {record.subject.name for record in beside.records} == {"dim", "small", "mass"}
    with pytest.raises(ConfigError, match="give --data FOLDER, or --modality mri, ct, cifar10, imagenet or voc"):
        outcome(*specs, out=tmp_path / "out")
    assert outcome(*specs, out=tmp_path / "out", data=cifar10).records  # which says itself what it is


def test_a_function_is_tried_on_all_labelled_data(
    labellers: str, mass_run: Path, voc_run: Path, tmp_path: Path
) -> None:
    found = outcome(f"dim={labellers}:dim", mass_run, f"v={voc_run}", out=tmp_path / "out")
    assert {(record.subject.name, record.source.modality) for record in found.records} == {
        ("dim", "cifar10"),
        ("mass", "cifar10"),
        ("v", "voc"),
    }
    assert "must give logits (images, classes, height, width)" in found.left_out["dim", "everything"]


def test_torchvision_s_networks_are_evaluated(imagenet: Path, tmp_path: Path) -> None:
    wishes = {"data": imagenet, "modality": "imagenet", "protocols": ("accuracy", "crops"), "limit": 1}
    found = outcome("torchvision.models:resnet18()", out=tmp_path, **wishes)
    assert [record.protocol for record in found.records] == ["accuracy", "crops"]
    assert found.records[1].settings == {"crop": [224, 224], "margin": [32, 32]}


def test_a_network_that_could_be_for_both_is_refused_beside_both(
    labellers: str, mass_run: Path, knees_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        ConfigError, match=r"dim must be for images or for labels.*evaluate them apart, with --modality"
    ):
        outcome(f"dim={labellers}:dim", mass_run, f"unet={knees_run}", out=tmp_path / "out")


def test_networks_that_cannot_label_the_images_are_left_out_and_told(
    labellers: str, cifar10: Path, mass_run: Path, tmp_path: Path
) -> None:
    run = write_label_run(tmp_path / "three", classifier(), modality="cifar10", folder=cifar10)
    specs = (mass_run, f"few={run}", f"none={labellers}:few()", "images=torch:relu", f"odd={labellers}:LABELS")
    found = outcome(*specs[:4], out=tmp_path / "out")
    assert {record.subject.name for record in found.records} == {"mass"}
    assert found.left_out == {
        (
            "few",
            "everything",
        ): "few must have a logit for each of the data's 10 classes, got 3; evaluate it on the data that it is for",
        (
            "none",
            "everything",
        ): "none must have a logit for each of the data's 10 classes, got 3; evaluate it on the data that it is for",
        ("images", "everything"): "images cannot label these images: images must give logits (images, classes), got "
        "(1, 3, 32, 32) for (1, 3, 32, 32); wrap it to give such logits",
    }
    with pytest.raises(ConfigError, match="few must have a logit for each"):
        outcome(f"few={run}", out=tmp_path / "out")


def test_images_that_a_network_s_period_does_not_divide_are_told(voc: Path, tmp_path: Path) -> None:
    network = segmenter(classes=21)
    run = write_label_run(tmp_path / "run", network, modality="voc", folder=voc, settings={"crop": 40})
    with pytest.raises(ConfigError, match="plain cannot label these images: x must have H and W divisible by 16"):
        outcome(run, out=tmp_path / "out")


def test_files_of_networks_of_one_s_own_need_their_factory(
    labellers: str, cifar10: Path, mass_run: Path, tmp_path: Path
) -> None:
    factory = f"{labellers}:small"
    network = Converted(factory, nn.Sequential(*_small()), example=(3, 8, 8))
    about = {"data": {"folder": str(cifar10), "modality": "cifar10", "settings": {}}, "conversion": {"from": "plain"}}
    save(network, tmp_path / "own.safetensors", about=about)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=rf"{factory} builds, and no code .* pass --factory module:function"):
        outcome(tmp_path / "own.safetensors", out=tmp_path / "out")
    found = outcome(
        tmp_path / "own.safetensors", out=tmp_path / "out", factory=factory, protocols=("consistency", "adversary")
    )
    subject = found.records[0].subject
    assert (subject.name, subject.kind, subject.period) == ("mass-transferred", "Converted", 2)
    assert subject.details["conversion"] == {"from": "plain"}
    assert [record.measures["bitwise"] for record in found.records] == [50, 10]
    assert found.records[1].settings["tried"] == 4
    with pytest.raises(ConfigError, match=r"a factory is for files of networks of your own, got .* and no such file"):
        outcome(mass_run, out=tmp_path / "out", factory=factory)
    with pytest.raises(ConfigError, match=r"three must give a network \(torch.nn.Module\), got int"):
        outcome(tmp_path / "own.safetensors", out=tmp_path / "out", factory=f"{labellers}:three")


def _small() -> list[nn.Module]:
    torch.manual_seed(0)
    return [nn.Conv2d(3, 10, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]


def test_every_shift_is_tried_if_asked(mass_run: Path, tmp_path: Path) -> None:
    found = outcome(mass_run, out=tmp_path, protocols=("adversary",), limit=1, every_shift=True)
    assert found.records[0].settings["tried"] == 1024
