"""Every configuration composes with every other and builds; the values are the papers'."""

from pathlib import Path
from typing import NamedTuple

import pytest

from recon.data.datamodules import CTData, MRIData
from recon.recipes import CONFIGS
from recon.training.command import TrainingCLI, built
from tests.data.files import write_lodopab_folder
from tests.training.runs import QUIET

SAMPLINGS = sorted(path.stem for path in (CONFIGS / "sampling").glob("*.yaml"))
OPTIONS = sorted(path.stem for path in (CONFIGS / "options").glob("*.yaml"))
MODALITIES = ("mri", "ct")
LABELLED = ("cifar10", "imagenet", "voc")


class Variant(NamedTuple):
    """What one row of the APS paper's tables is."""

    sampling: str
    blur: str | None
    shifts: int = 0


PAPER_VARIANTS = {
    "plain": Variant("plain", None),
    "plain-shifts": Variant("plain", None, shifts=16),
    "lpf2": Variant("lpf", "rect-2"),
    "lpf3": Variant("lpf", "tri-3"),
    "lpf5": Variant("lpf", "bin-5"),
    "aps": Variant("aps", None),
    "aps2": Variant("aps", "rect-2"),
    "aps3": Variant("aps", "tri-3"),
    "aps5": Variant("aps", "bin-5"),
}


@pytest.fixture(scope="module")
def folders(knees: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Give a tiny data folder for each modality."""
    return {"mri": knees, "ct": write_lodopab_folder(tmp_path_factory.mktemp("chests") / "chests", size=16)}


def build(*names: str, more: tuple[str, ...] = ()) -> TrainingCLI:
    """Build what the configurations say."""
    return built([*(word for name in names for word in ("--config", str(CONFIGS / f"{name}.yaml"))), *QUIET, *more])


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("modality", MODALITIES)
def test_every_composition_builds(modality: str, sampling: str, small: bool, folders: dict[str, Path]) -> None:
    names = [modality, *(["small"] if small else []), f"sampling/{sampling}"]
    cli = build(*names, more=("--network.channels", "[4,6]", "--data.init_args.data_dir", str(folders[modality])))
    network = cli.model.network
    assert cli.model.channels_last == small
    assert network.channels == (4, 6)
    assert sampling.startswith(network.sampling.name.partition("-")[0]) or "ddac" in sampling
    assert cli.datamodule.modality == modality
    assert cli.trainer.max_epochs == (12 if small else {"mri": 50, "ct": 20}[modality])


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("modality", MODALITIES)
def test_every_option_builds_with_every_modality(modality: str, option: str) -> None:
    build(modality, "small", "sampling/lps3", f"options/{option}")


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize(("modality", "epochs", "lr"), [("mri", 16, 1e-3), ("ct", 10, 1e-2)])
def test_the_demo_trains_by_the_papers_learning_rates(modality: str, epochs: int, lr: float, quick: bool) -> None:
    cli = build(modality, f"demo/{modality}", *(["demo/quick"] if quick else []), "sampling/lps")
    assert list(cli.config.network.channels) == [8, 16, 32, 64, 128][: 4 if quick else 5]
    assert cli.trainer.max_epochs == (2 if quick else epochs)
    assert cli.trainer.max_epochs % (cli.trainer.check_val_every_n_epoch or 1) == 0  # so that there is a best network
    assert (cli.config.model.lr, cli.config.model.schedule) == (lr, "cosine")
    assert cli.datamodule.batch_size == 4


def test_options_add_up() -> None:
    trainer = build("mri", "small", "options/ema", "options/early-stopping", "options/cosine").trainer
    found = {type(callback).__name__ for callback in trainer.callbacks}  # type: ignore[attr-defined]
    assert {"EMAWeightAveraging", "EarlyStopping", "Checkpoints"} <= found


def test_no_configuration_is_left_out() -> None:
    known = {
        *MODALITIES,
        *LABELLED,
        *(f"networks/{name}" for name in ("resnet20", "vgg13")),
        *(f"demo/{name}" for name in LABELLED),
        "small",
        *(f"demo/{name}" for name in ("mri", "ct", "quick", "quick-labels", "tuning")),
        *(f"sampling/{name}" for name in SAMPLINGS),
        *(f"options/{name}" for name in OPTIONS),
    }
    assert {str(path.relative_to(CONFIGS).with_suffix("")) for path in CONFIGS.rglob("*.yaml")} == known


@pytest.mark.parametrize("name", PAPER_VARIANTS)
def test_the_papers_nine_variants_are_there(name: str) -> None:
    cli = build("mri", f"sampling/{name}", more=("--network.channels", "[4,6]"))
    network = cli.model.network
    assert Variant(network.sampling.name, network.blur, cli.datamodule.shift_augmentation) == PAPER_VARIANTS[name]


def test_the_other_methods_are_there() -> None:
    others = {"mass", "mass3", "mass-unpool", "lps", "lps3", "ddac3", "aps-ddac3", "plain-penalty"}
    assert others <= set(SAMPLINGS)


def test_mri_is_trained_as_in_the_paper() -> None:
    """Chaman and Dokmanic (2021), section 5: fastMRI."""
    config = build("mri").config
    data = build("mri").datamodule
    assert isinstance(data, MRIData)
    assert list(config.network.channels) == [64, 128, 256, 512, 1024]
    assert (config.network.padding, config.network.stride) == ("circular", 2)
    model = config.model
    assert (model.loss, model.optimizer, model.lr, model.weight_decay) == ("mse", "adam", 1e-3, 0.0)
    assert (model.schedule, model.step_epochs, model.gamma) == ("step", 5, 0.5)
    assert (config.trainer.max_epochs, config.trainer.gradient_clip_val) == (50, 1.0)
    assert (data.batch_size, data.mask.kind, data.clamp, data.crop) == (16, "random", 6.0, None)
    assert (data.mask.accelerations, data.mask.center_fractions) == ((4,), (0.08,))


def test_ct_is_trained_as_in_the_paper() -> None:
    """Chaman and Dokmanic (2021), section 5: LoDoPaB-CT."""
    cli = build("ct")
    config, data, model = cli.config, cli.datamodule, cli.config.model
    assert isinstance(data, CTData)
    assert list(config.network.channels) == [64, 128, 256, 512, 1024]
    assert (model.loss, model.optimizer, model.lr, model.weight_decay) == ("mse", "adam", 1e-2, 0.0)
    assert (model.schedule, model.step_epochs, model.gamma) == ("step", 5, 0.1)
    assert (config.trainer.max_epochs, config.trainer.gradient_clip_val) == (20, 1.0)
    assert (data.batch_size, data.crop, data.filter) == (8, (352, 352), "hann")


@pytest.mark.parametrize("sampling", [name for name in SAMPLINGS if name not in ("mass-unpool", "plain-penalty")])
@pytest.mark.parametrize("data", LABELLED)
def test_every_sampling_composes_with_labelled_data(data: str, sampling: str) -> None:
    network = build(data, f"sampling/{sampling}", more=("--network.width", "4")).model.network
    assert sampling.startswith(network.sampling.name.partition("-")[0]) or "ddac" in sampling


def test_cifar10_is_trained_as_in_the_mass_paper() -> None:
    """MASS, section 5.1.1."""
    cli = build("cifar10", more=("--network.width", "4"))
    model = cli.config.model
    assert (cli.config.network.architecture, cli.config.network.padding) == ("resnet18", "circular")
    assert (model.optimizer, model.lr, model.weight_decay, model.schedule) == ("sgd", 0.2, 5e-4, "cosine")
    assert (cli.trainer.max_epochs, cli.datamodule.batch_size) == (250, 256)
    assert (cli.datamodule.flip, cli.datamodule.shift_augmentation) == (True, 0)


def test_vgg13_is_trained_as_by_zhang() -> None:
    """Zhang (2019), section 4.1."""
    cli = build("cifar10", "networks/vgg13", more=("--network.width", "4"))
    model = cli.config.model
    assert cli.config.network.architecture == "vgg13"
    assert (model.lr, model.schedule, list(model.milestones)) == (0.1, "milestones", [100, 150])
    assert (cli.trainer.max_epochs, cli.datamodule.batch_size) == (200, 128)


def test_voc_is_trained_as_in_the_mass_paper() -> None:
    """MASS, section 5.2.1: 30 000 steps of 16 of the 10 582 pictures, by SGD with a polynomial schedule."""
    cli = build("voc", more=("--network.width", "4"))
    assert cli.config.network.architecture == "deeplabv3plus-resnet18"
    assert (cli.config.model.optimizer, cli.config.model.schedule) == ("sgd", "poly")
    steps = (cli.trainer.max_epochs or 0) * 10582 / cli.datamodule.batch_size
    assert steps == pytest.approx(30_000, rel=0.02)


def test_fine_tuning_is_that_of_the_mass_paper() -> None:
    """MASS, table 4."""
    cli = build("imagenet", "options/fine-tuning", more=("--network.width", "4"))
    assert (cli.config.model.lr, cli.trainer.max_epochs) == (1e-3, 3)
