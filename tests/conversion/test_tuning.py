"""The configuration that trains on: the run's own or the data's recipe, with the converted network, for a while."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.torch import load_file

from recon.checkpoints import read_about, save
from recon.conversion.convert import Conversion, converted
from recon.conversion.measuring import Data, chosen_data
from recon.conversion.originals import find_original
from recon.conversion.tuning import is_whole, recipes_for, tuning
from recon.conversion.writing import write_config, write_network
from recon.evaluation.loading import Place, find_models
from recon.recipes import CONFIGS
from recon.training.command import train
from tests.evaluation.small import unet
from tests.training.runs import QUIET

HERE = "tests.conversion.networks"
SMALL = ("--data.init_args.batch_size", "3", "--data.init_args.workers", "0", "--trainer.max_epochs", "1", *QUIET)


def config_of(conversion: Conversion, folder: Path, data: Data) -> Mapping[str, Any]:
    return tuning(conversion, folder / "network.safetensors", chosen_data(conversion.original, data))


def test_runs_configuration_is_taken_with_another_network_a_tenth_of_the_rate_and_three_epochs(
    plain: Path, knees: Path, tmp_path: Path
) -> None:
    own: dict[str, Any] = {
        "model": {"lr": 0.2, "schedule": "step", "loss": "l1"},
        "trainer": {"max_epochs": 50, "max_steps": 7, "gradient_clip_val": 1.0},
        "data": {"class_path": "recon.data.datamodules.MRIData", "init_args": {"data_dir": "knees", "batch_size": 3}},
        "run": "runs/plain",
    }
    conversion = converted(replace(find_original(str(plain)), config=own), "aps")
    words = config_of(conversion, tmp_path, Data())
    assert words["network"] == conversion.network.arguments
    assert words["model"] == {"lr": 0.02, "schedule": "constant", "loss": "l1"}
    assert words["trainer"] == {
        "max_epochs": 3,
        "max_steps": -1,
        "gradient_clip_val": 1.0,
        "check_val_every_n_epoch": 1,
    }
    assert words["data"]["init_args"]["data_dir"] == str(knees)
    assert words["data"]["init_args"]["batch_size"] == 3
    assert words["weights"] == str(tmp_path / "network.safetensors")
    assert words["run"] == str(tmp_path / "tuned")
    assert own["run"] == "runs/plain"


def test_recipe_of_the_data_makes_it_whole(knees: Path, pictures: Path, tmp_path: Path) -> None:
    images = converted(find_original(f"{HERE}:small"), "mass")
    labels = converted(find_original(f"{HERE}:classifier"), "mass")
    words = config_of(images, tmp_path, Data(knees))
    assert words["network"] == images.network.arguments
    assert (words["model"]["lr"], words["model"]["loss"]) == (1e-4, "mse")
    words = config_of(labels, tmp_path, Data(pictures))
    assert (words["task"], words["data"]["class_path"].rpartition(".")[2]) == ("classification", "CIFAR10Data")


def test_foreign_network_has_no_backbone_rate(tmp_path: Path) -> None:
    conversion = converted(find_original(f"{HERE}:classifier"), "mass")
    assert "backbone_lr" not in config_of(conversion, tmp_path, Data(modality="voc"))["model"]


def test_without_data_it_is_to_be_laid_over_a_recipe(tmp_path: Path) -> None:
    conversion = converted(find_original(f"{HERE}:small"), "mass")
    words = config_of(conversion, tmp_path, Data())
    assert (words["model"], "data" in words, "task" in words) == ({"schedule": "constant"}, False, False)
    assert not is_whole(conversion, None)
    assert recipes_for(conversion) == ["mri", "ct", "cifar10", "imagenet", "voc"]
    save(unet(), tmp_path / "bare.safetensors")
    own = converted(find_original(str(tmp_path / "bare.safetensors")), "mass")
    assert recipes_for(own) == ["mri", "ct"]


@pytest.mark.parametrize("kind", ["own", "run"])
def test_written_configuration_trains_the_converted_weights_on(
    kind: str, plain: Path, knees: Path, tmp_path: Path
) -> None:
    spec = f"{HERE}:small" if kind == "own" else str(plain)
    conversion = converted(find_original(spec), "mass")
    file = write_network(conversion, tmp_path)
    write_config(config_of(conversion, tmp_path, Data(knees)), tmp_path, spec, "recon train")
    run = train(["--config", str(tmp_path / "config.yaml"), *SMALL])
    assert run == tmp_path / "tuned"
    about = read_about(run / "checkpoints" / "last.safetensors")
    training = about.about["training"]
    assert isinstance(training, dict)
    start = training["start"]
    assert isinstance(start, dict)
    assert (start["variant"], start["weights"]) == ("mass", read_about(file).sha256)
    assert start["conversion"] == read_about(file).about["conversion"]  # so that the plain origin is not forgotten
    before, after = load_file(file), load_file(run / "checkpoints" / "last.safetensors")
    learned = [name for name in before if name.endswith(("weight", "bias"))]
    moved = [float((after[name] - before[name]).abs().max()) for name in learned]
    assert 0 < max(moved) < 0.01  # four steps at a low rate, from these weights and not from new ones
    factory = f"{HERE}:small" if kind == "own" else None
    (found,) = find_models([str(run)], Place(checkpoint="last"), factory=factory)
    assert found.model.subject.variant == "mass-tuned"


def test_it_is_laid_over_a_recipe_by_the_training_command(knees: Path, tmp_path: Path) -> None:
    conversion = converted(find_original(f"{HERE}:small"), "mass")
    write_network(conversion, tmp_path)
    words = config_of(conversion, tmp_path, Data())
    write_config(words, tmp_path, "small", "recon train")
    assert yaml.safe_load((tmp_path / "config.yaml").read_text(encoding="utf-8")) == words
    recipe = ("--config", str(CONFIGS / "mri.yaml"), "--data.init_args.data_dir", str(knees))
    run = train([*recipe, "--config", str(tmp_path / "config.yaml"), *SMALL])
    assert read_about(run / "checkpoints" / "last.safetensors").network == "Converted"
