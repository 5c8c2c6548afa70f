"""Classifiers and segmenters train by the same command: from configurations, resumed, from other weights."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models import resnet18  # type: ignore[import-untyped]

from recon.checkpoints import load, read_about, save
from recon.data.labels.samples import IGNORED, LabelledBatch
from recon.data.synthetic.make import LabelledSet, make
from recon.errors import ConfigError, DataError
from recon.factories import factory
from recon.nn.converted import Converted
from recon.nn.labels import Classifier, Segmenter
from recon.nn.selectors import LearnedSelector
from recon.recipes import CONFIGS, recipe
from recon.training.checkpointing import Checkpoints
from recon.training.command import TrainingCLI, built, train
from recon.training.labelling import LabelTask
from recon.training.start import start_from
from recon.training.tracks import chosen_track
from tests.training.runs import QUIET, column, require_same_weights

FACTORY = """
from torch import nn

def small():
    return nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.ConvTranspose2d(4, 1, 2, 2))

def number():
    return 1
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make 60 labelled pictures in CIFAR-10's files."""
    folder = tmp_path_factory.mktemp("pictures") / "cifar10"
    make(LabelledSet("cifar10", images=60, size=32), folder)
    return folder


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make 10 labelled scenes in VOC's files."""
    folder = tmp_path_factory.mktemp("scenes") / "voc"
    make(LabelledSet("voc", images=10, size=64), folder)
    return folder


def options(data: Path, run: Path, *more: str, sampling: str = "plain") -> list[str]:
    """Give the options of a tiny run of a classifier: 2 epochs of 3 steps."""
    return [
        *("--config", str(recipe("cifar10"))),
        *("--network.architecture", "resnet20", "--network.width", "4", "--network.sampling", sampling),
        *("--model.lr", "0.05"),
        *("--data.init_args.data_dir", str(data)),
        *("--data.init_args.batch_size", "15", "--data.init_args.workers", "0"),
        *("--trainer.max_epochs", "2", "--trainer.log_every_n_steps", "1"),
        *("--run", str(run)),
        *QUIET,
        *more,
    ]


def build(*names: str, more: tuple[str, ...] = ()) -> TrainingCLI:
    """Build what the configurations say."""
    return built([*(word for name in names for word in ("--config", str(CONFIGS / f"{name}.yaml"))), *QUIET, *more])


@pytest.fixture(scope="module")
def finished(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a tiny plain classifier; tests must not change its folder."""
    return train(options(pictures, tmp_path_factory.mktemp("runs") / "plain"))


def test_run_leaves_a_classifier_its_figures_and_what_it_was_trained_on(finished: Path) -> None:
    about = read_about(finished / "checkpoints" / "best.safetensors")
    assert (about.network, about.arguments["architecture"]) == ("Classifier", "resnet20")
    data, training = about.about["data"], about.about["training"]
    assert isinstance(data, dict)
    assert isinstance(training, dict)
    assert (data["modality"], data["synthetic"]) == ("cifar10", True)
    assert (training["loss"], training["optimizer"]) == ("cross-entropy", "sgd")
    assert len(column(finished, "val/accuracy")) == 2
    assert all(0 <= value <= 1 for value in column(finished, "watch/consistency"))
    errors = zip(column(finished, "val/error"), column(finished, "val/accuracy"), strict=True)
    assert all(error == pytest.approx(1 - accuracy) for error, accuracy in errors)
    assert isinstance(load(finished / "checkpoints" / "last.safetensors"), Classifier)


def test_resumed_run_ends_with_the_same_weights(pictures: Path, tmp_path: Path, finished: Path) -> None:
    first = train(options(pictures, tmp_path / "run", "--trainer.max_epochs", "1", "--model.schedule", "constant"))
    train(["--resume", str(first), "--trainer.max_epochs", "2"])
    whole = train(options(pictures, tmp_path / "whole", "--model.schedule", "constant"))
    require_same_weights(first, whole)


def test_the_network_with_the_lowest_error_is_the_best(pictures: Path, tmp_path: Path) -> None:
    cli = built(options(pictures, tmp_path / "run"))
    kept = next(one for one in cli.trainer.callbacks if isinstance(one, Checkpoints))  # type: ignore[attr-defined]
    assert kept.monitor == "val/error"


def test_segmenter_trains_and_logs_miou(scenes: Path, tmp_path: Path) -> None:
    run = train(
        [
            *("--config", str(recipe("voc")), "--network.width", "8", "--network.sampling", "mass"),
            *("--data.init_args.data_dir", str(scenes), "--data.init_args.crop", "64"),
            *("--data.init_args.batch_size", "4", "--data.init_args.workers", "0"),
            *("--trainer.max_epochs", "1", "--run", str(tmp_path / "run")),
            *QUIET,
        ]
    )
    assert 0 <= column(run, "val/miou")[0] <= 1
    assert column(run, "val/error")[0] == pytest.approx(1 - column(run, "val/miou")[0])
    assert isinstance(load(run / "checkpoints" / "best.safetensors"), Segmenter)


def test_a_backbone_has_a_rate_of_its_own() -> None:
    task = LabelTask(Segmenter(width=8), lr=0.1, backbone_lr=0.1)
    rest, backbone = task.parameter_groups()
    assert (backbone["lr"], rest["lr"]) == (pytest.approx(0.01), 0.1)
    assert len(rest["params"]) + len(backbone["params"]) == len(list(task.network.parameters()))
    with pytest.raises(ConfigError, match="backbone_lr is for networks with a backbone"):
        LabelTask(Classifier("resnet20", width=4), backbone_lr=0.1).parameter_groups()


def test_learned_selections_have_a_rate_of_their_own() -> None:
    task = LabelTask(Segmenter(width=8, sampling="lps"), lr=0.1, backbone_lr=0.5, selection_lr=0.01)
    selections = [module for module in task.network.modules() if isinstance(module, LearnedSelector)]
    wanted = {id(weight) for module in selections for weight in module.parameters()}
    rates = {id(weight): group["lr"] for group in task.parameter_groups() for weight in group["params"]}
    assert len(rates) == len(list(task.network.parameters()))
    assert wanted
    assert wanted < set(rates)
    assert all(rates[weight] == pytest.approx(0.001) for weight in wanted)
    assert {rate for weight, rate in rates.items() if weight not in wanted} == {0.1, 0.05}


def test_networks_without_learned_selections_take_their_rate_for_nothing() -> None:
    (group,) = LabelTask(Classifier("resnet20", width=4), lr=0.1, selection_lr=0.01).parameter_groups()
    assert group["lr"] == 0.1
    with pytest.raises(ConfigError, match="selection_lr must not be negative, got -1"):
        LabelTask(Classifier("resnet20", width=4), selection_lr=-1)


def test_pixels_that_are_not_judged_count_for_nothing() -> None:
    task = LabelTask(Segmenter(width=8, classes=2))
    logits = torch.tensor([[[[2.0, 0.0]], [[0.0, 0.0]]]])  # (1, 2, 1, 2)
    target = torch.tensor([[[0, IGNORED]]])
    loss = task.loss_of(LabelledBatch(torch.zeros(1, 3, 1, 2), target, ()), logits)
    assert loss.item() == pytest.approx(float(torch.log1p(torch.exp(torch.tensor(-2.0)))))  # of the first pixel alone


def test_class_255_of_images_counts_like_any_other() -> None:
    task = LabelTask(Classifier("resnet20", width=4, classes=256))
    loss = task.loss_of(LabelledBatch(torch.zeros(1, 3, 8, 8), torch.tensor([255]), ()), torch.zeros(1, 256))
    assert loss.item() == pytest.approx(float(torch.log(torch.tensor(256.0))))


@pytest.mark.parametrize(("sampling", "new"), [("mass", 0), ("lps", 1)])
def test_training_begins_with_the_weights_of_another_sampling(
    sampling: str, new: int, finished: Path, pictures: Path, tmp_path: Path
) -> None:
    source = finished / "checkpoints" / "best.safetensors"
    more = ("--weights", str(source), "--model.lr", "1e-30", "--trainer.max_epochs", "1")
    run = train(options(pictures, tmp_path / "tuned", *more, sampling=sampling))
    before, after = load(source).state_dict(), load(run / "checkpoints" / "last.safetensors").state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before if name.endswith("conv1.weight"))
    assert (len(after) > len(before)) == bool(new)
    about = read_about(run / "checkpoints" / "last.safetensors").about
    training = about["training"]
    assert isinstance(training, dict)
    assert training["start"] == {"variant": "plain", "weights": read_about(source).sha256}


def test_run_that_began_with_weights_is_resumed_without_them(pictures: Path, finished: Path, tmp_path: Path) -> None:
    source = tmp_path / "start.safetensors"
    source.write_bytes((finished / "checkpoints" / "best.safetensors").read_bytes())
    run = train(options(pictures, tmp_path / "tuned", "--weights", str(source), "--trainer.max_epochs", "1"))
    source.unlink()
    train(["--resume", str(run), "--trainer.max_epochs", "2"])
    assert len(column(run, "val/loss")) == 2


def test_weights_of_torchvision_are_taken_over(tmp_path: Path) -> None:
    torch.manual_seed(0)
    theirs = resnet18().eval()
    torch.save(theirs.state_dict(), tmp_path / "resnet18.pth")
    ours = Classifier("resnet18-imagenet", classes=1000, padding="zeros").eval()
    assert start_from(ours, tmp_path / "resnet18.pth")["variant"] == "resnet18"
    x = torch.randn(1, 3, 64, 64)
    torch.testing.assert_close(ours(x), theirs(x))


def test_backbone_of_a_segmenter_takes_a_classifiers_weights(tmp_path: Path) -> None:
    theirs = resnet18()
    torch.save(theirs.state_dict(), tmp_path / "resnet18.pth")
    segmenter = Segmenter()
    start_from(segmenter, tmp_path / "resnet18.pth")
    held = segmenter.state_dict()
    assert torch.equal(held["network.backbone.layer2.0.conv1.weight"], theirs.layer2[0].conv1.weight)


@pytest.mark.parametrize("sampling", ["plain", "lps"])
def test_backbone_of_a_segmenter_takes_the_weights_of_our_classifiers(sampling: str, tmp_path: Path) -> None:
    theirs = Classifier("resnet18-imagenet", width=8, sampling=sampling)
    save(theirs, tmp_path / "classifier.safetensors")
    segmenter = Segmenter(width=8, sampling="lps")
    selections = {name: weight.clone() for name, weight in segmenter.state_dict().items() if "selector" in name}
    about = start_from(segmenter, tmp_path / "classifier.safetensors")
    assert (about["variant"], about["part"]) == (sampling, "backbone")
    held, given = segmenter.state_dict(), theirs.state_dict()
    assert torch.equal(held["network.backbone.layer2.0.conv1.weight"], given["network.layer2.0.conv1.weight"])
    assert selections
    assert all(torch.equal(held[name], weight) for name, weight in selections.items())


def test_a_whole_segmenter_is_no_backbone(tmp_path: Path) -> None:
    save(Segmenter(width=8, sampling="lps"), tmp_path / "segmenter.safetensors")
    assert "part" not in start_from(Segmenter(width=8, sampling="mass"), tmp_path / "segmenter.safetensors")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "must be a file of weights, got nothing there"),
        (b"no weights", "must hold a state dict of tensors alone"),
        ({"conv.weight": torch.zeros(1)}, "cannot be taken over"),
        ([1, 2], "must hold a state dict of tensors, got list"),
    ],
)
def test_wrong_weights_are_refused(content: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises((ConfigError, DataError), match=message):
        start_from(Classifier("resnet20", width=4), path)


def test_pickled_code_is_not_run(tmp_path: Path) -> None:
    torch.save({"model": nn.Linear(1, 1)}, tmp_path / "model.pth")  # a module, which only unpickling would build
    with pytest.raises(DataError, match="must hold a state dict of tensors alone"):
        start_from(Classifier("resnet20", width=4), tmp_path / "model.pth")


def test_network_with_too_few_classes_is_refused(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a logit for each of the data's 10 classes, got 3"):
        train(options(pictures, tmp_path / "run", "--network.classes", "3"))


@pytest.fixture
def my_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a module with factories into the current folder, and give its name."""
    (tmp_path / "label_test_networks.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "label_test_networks", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return "label_test_networks"


def test_a_network_of_ones_own_is_made_equivariant_and_trained(my_networks: str, knees: Path, tmp_path: Path) -> None:
    run = train(
        [
            *("--config", str(recipe("mri")), "--config", str(_foreign(tmp_path, f"{my_networks}:small"))),
            *("--data.init_args.data_dir", str(knees), "--data.init_args.batch_size", "3"),
            *("--data.init_args.workers", "0", "--trainer.max_epochs", "1", "--run", str(tmp_path / "run")),
            *QUIET,
        ]
    )
    path = run / "checkpoints" / "best.safetensors"
    with pytest.raises(ConfigError, match="factory"):
        load(path)
    network = load(path, factory=factory(f"{my_networks}:small"))
    assert isinstance(network, Converted)
    x = torch.rand(1, 1, 16, 16)
    assert torch.equal(network(x.roll((1, 3), (2, 3))), network(x).roll((1, 3), (2, 3)))


def _foreign(folder: Path, factory: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(f"network: {{factory: '{factory}', sampling: mass, example: [1, 16, 16]}}\n")
    return path


def test_a_factory_that_gives_no_network_is_refused(my_networks: str) -> None:
    with pytest.raises(ConfigError, match="must give a network"):
        built(["--config", str(recipe("voc")), "--network.factory", f"{my_networks}:number", *QUIET])


@pytest.mark.parametrize(
    ("arguments", "track", "foreign"),
    [
        ([], "reconstruction", False),
        (["--config", str(CONFIGS / "cifar10.yaml")], "classification", False),
        (["--config", str(CONFIGS / "voc.yaml"), "--task=classification"], "classification", False),
        (["--config", str(CONFIGS / "mri.yaml"), "--network.factory", "a:b"], "reconstruction", True),
    ],
)
def test_the_task_is_found_in_configurations_and_options(arguments: list[str], track: str, foreign: bool) -> None:
    found, is_foreign = chosen_track(arguments)
    assert (found.name, is_foreign) == (track, foreign)


def test_unknown_task_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'classification'"):
        chosen_track(["--task", "clasification"])
