"""The plan of an experiment: counts, passes, bytes and seconds, by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from recon.experiments.experiment import Measurement
from recon.experiments.paper import Choices, reproduction
from recon.experiments.plan import Counts, Speed, counts_of, estimate_of, measured_images, speed_of, whole_trainings
from tests.data.files import write_fastmri_folder
from tests.data.labels.files import write_voc

COUNTS = Counts(
    train=100,
    validation=10,
    test=20,
    size=(32, 16),
    natural=7,
    epochs=3,
    batch_size=4,
    parameters=1000,
    network={"channels": (4, 6, 8)},
)
SPEED = Speed(forward=1.0, step=3.0, memory=500)


@pytest.mark.parametrize(
    ("table", "images"),
    [("aps-table1", 20 + 2 * 20), ("aps-table2", 11 * 20), ("aps-table3", 2 * (7 + 48)), ("aps-table4", 20 + 2 * 20)],
)
def test_images_of_each_table_are_counted(table: str, images: int) -> None:
    (branch,) = reproduction(table, Choices(data=Path("data"))).branches
    assert measured_images(branch, COUNTS) == images


def test_limit_is_heeded() -> None:
    (branch,) = reproduction("aps-table1", Choices(limit=5)).branches
    assert measured_images(branch, COUNTS) == 15


@pytest.mark.parametrize(("protocol", "passes"), [("quality", 1), ("equivariance", 2)])
def test_passes_are_those_that_the_protocols_foretell(protocol: str, passes: int, tmp_path: Path) -> None:
    from recon.evaluation.protocols import PROTOCOLS
    from tests.evaluation.small import mri_study, network_model, unet

    study = mri_study(write_fastmri_folder(tmp_path / "knees", val=2))
    model, one = network_model(unet()), PROTOCOLS[protocol]()
    foretold = sum(one.passes(model, unit, study) for unit in one.units(model, study))
    (branch,) = reproduction("aps-table1", Choices()).branches
    alone = replace(branch, measurements=[Measurement((protocol,))])
    assert foretold == measured_images(alone, replace(COUNTS, test=6)) == 6 * passes


def test_worst_takes_eleven_passes_a_slice(tmp_path: Path) -> None:
    from recon.evaluation.worst import WorstProtocol
    from tests.evaluation.small import mri_study, network_model, unet

    study = mri_study(write_fastmri_folder(tmp_path / "knees", val=2))
    model, one = network_model(unet()), WorstProtocol(ten=True)
    assert sum(one.passes(model, unit, study) for unit in one.units(model, study)) == 66
    (branch,) = reproduction("aps-table2", Choices()).branches
    assert measured_images(branch, replace(COUNTS, test=6)) == 66


def test_estimate_adds_up() -> None:
    experiment = reproduction("aps-table1", Choices(variants=["plain", "aps"]))
    estimate = estimate_of(experiment, COUNTS, SPEED, left=2, gpus=0)
    assert estimate.training == 2 * (3 * 100 * 3.0 + 3 * 10 * 1.0)
    assert estimate.measuring == 2 * 60 * 1.0
    assert estimate.memory == 4 * 4 * 1000 + 4 * 500
    assert estimate.disk == 2 * 1000 * 4 * (4 + 4)
    halved = estimate_of(experiment, COUNTS, SPEED, left=2, gpus=2)
    assert (halved.training, halved.measuring) == (estimate.training / 2, estimate.measuring / 2)


def test_ct_keeps_its_back_projections() -> None:
    experiment = reproduction("aps-table4", Choices(data=Path("data"), variants=["plain"]))
    prepared = 130 * 32 * 16 * 4
    assert estimate_of(experiment, COUNTS, SPEED, left=0, gpus=0).disk == 1000 * 4 * (4 + 4) + prepared
    assert estimate_of(experiment, COUNTS, SPEED, left=0, gpus=0).training == 0


def test_counts_are_of_the_data_and_of_the_recipe(tmp_path: Path) -> None:
    config = tmp_path / "narrow.yaml"
    config.write_text("network: {channels: [4, 6, 8]}\ntrainer: {max_epochs: 2}\n")
    data = write_fastmri_folder(tmp_path / "knees", train=2, val=3)
    counts = counts_of(reproduction("aps-table1", Choices(data=data, configs=[config])))
    assert (counts.train, counts.validation, counts.test) == (6, 9, 9)
    assert (counts.size, counts.epochs, counts.batch_size, counts.words) == ((24, 24), 2, 16, "channels 4, 6, 8")
    speed = speed_of(replace(counts, parameters=0), "cpu")
    assert min(speed.forward, speed.step) > 0
    assert max(speed.forward, speed.step) < 10
    assert speed.memory > 24 * 24 * 4 * 4  # at least one map of features


def test_what_is_converted_takes_no_training_and_what_is_trained_on_three_epochs() -> None:
    three, four = (reproduction(f"mass-table{n}", Choices(data=Path("data"))).all_trainings for n in (3, 4))
    assert whole_trainings(three, replace(COUNTS, epochs=90)) == 1
    assert whole_trainings(four, replace(COUNTS, epochs=90)) == pytest.approx(1 + 3 / 90)
    assert whole_trainings(four[:0], COUNTS) == 0


@pytest.mark.parametrize(("table", "networks"), [("mass-table3", 3), ("mass-table5", 4)])
def test_networks_that_were_converted_are_measured_and_kept_too(table: str, networks: int) -> None:
    experiment = reproduction(table, Choices(data=Path("data"), limit=5))
    estimate = estimate_of(experiment, COUNTS, SPEED, left=1, gpus=0)
    assert estimate.measuring == networks * (1 + 2 * 5) * 5 * 1.0
    assert estimate.disk == networks * 1000 * 4 * (4 + 4)


def test_labelled_images_are_counted_and_their_networks_timed(tmp_path: Path) -> None:
    config = tmp_path / "narrow.yaml"
    config.write_text("network: {width: 4}\ntrainer: {max_epochs: 2}\ndata: {init_args: {crop: 64}}\n")
    data = write_voc(tmp_path / "voc")
    counts = counts_of(reproduction("mass-table5", Choices(data=data, configs=[config])))
    assert (counts.train, counts.validation, counts.test) == (4, 3, 3)
    assert (counts.size, counts.in_channels, counts.epochs) == ((64, 64), 3, 2)
    assert counts.words == "deeplabv3plus-resnet18, width 4"
    speed = speed_of(counts, "cpu")
    assert 0 < speed.forward < speed.step < 10
