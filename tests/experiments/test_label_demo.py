"""The demo of labels: what it trains, takes over and measures; and all of it in small, from nothing to the report."""

from dataclasses import replace
from pathlib import Path

import pytest

from recon.checkpoints import read_about
from recon.experiments.done import is_finished
from recon.experiments.experiment import Experiment, Measurement, Pictures, Transfer
from recon.experiments.label_demo import label_demo
from recon.experiments.means import Means
from recon.experiments.running import run
from recon.records import Record

OPTIONS = (
    *("--network.architecture", "resnet20", "--network.width", "4"),
    *("--trainer.max_epochs", "1", "--data.init_args.batch_size", "25"),
)


def small(out: Path) -> Experiment:
    """Give the demo's classifiers in small: two networks and three that take over weights."""
    whole = label_demo(out, quick=True)
    branch = replace(
        whole.branches[0],
        variants=("plain", "mass"),
        made=Pictures(60, 32),
        options=OPTIONS,
        measurements=[Measurement(("accuracy", "consistency")), Measurement(("adversary",), limit=2)],
        transfers=[Transfer("plain", "aps"), Transfer("plain", "mass"), Transfer("plain", "mass", tuned=True)],
    )
    return replace(whole, branches=[branch])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Experiment, list[Record]]:
    experiment = small(tmp_path_factory.mktemp("labels"))
    return experiment, run(experiment, Means(workers=2), command=["recon", "demo", "--labels"])


def test_all_peers_are_compared_and_weights_are_taken_over(tmp_path: Path) -> None:
    cifar, imagenet, voc = label_demo(tmp_path).branches
    assert {"plain", "lpf3", "ddac3", "aps", "lps", "mass"} <= set(cifar.variants)
    assert {"plain", "aps", "lps", "mass"} <= set(voc.variants)
    taken = {transfer.variant for transfer in imagenet.transfers}
    assert taken == {"aps-keep-transferred", "aps-transferred", "mass-transferred", "mass-tuned"}


def test_what_takes_over_weights_waits_for_them_and_depends_on_them(tmp_path: Path) -> None:
    experiment = label_demo(tmp_path)
    runs = {run.name: run for run in experiment.all_trainings}
    plain, tuned = runs["plain (CIFAR10)"], runs["mass-tuned (CIFAR10)"]
    assert tuned.after == plain
    assert str(plain.weights) in tuned.place
    assert tuned.key["after"] == plain.key
    assert label_demo(tmp_path / "moved").all_trainings[-1].key == experiment.all_trainings[-1].key


def test_segmenters_begin_with_the_weights_of_the_plain_classifier(tmp_path: Path) -> None:
    experiment = label_demo(tmp_path)
    runs = {run.name: run for run in experiment.all_trainings}
    plain = runs["plain (IMAGENET)"]
    for name in ("plain (VOC)", "aps (VOC)", "lps (VOC)", "mass (VOC)"):
        assert (runs[name].after, runs[name].method) == (plain, None)
    assert runs["mass-transferred (VOC)"].after == runs["plain (VOC)"]
    assert plain.after is None


@pytest.mark.slow
def test_every_network_is_measured_under_its_own_name(finished: tuple[Experiment, list[Record]]) -> None:
    _, records = finished
    names = {record.subject.name for record in records}
    assert names == {"plain", "mass", "aps-transferred", "mass-transferred", "mass-tuned"}
    assert all(record.source.synthetic for record in records)
    assert {record.protocol for record in records} == {"accuracy", "consistency", "adversary"}


@pytest.mark.slow
def test_adaptive_networks_keep_every_label_and_every_bit(finished: tuple[Experiment, list[Record]]) -> None:
    _, records = finished
    for record in records:
        if record.subject.name != "plain" and record.protocol == "consistency":
            assert record.measures["agreeing"] == record.measures["bitwise"] == record.measures["pairs"]
    plain = [one.measures for one in records if one.subject.name == "plain" and one.protocol == "consistency"]
    assert sum(one["bitwise"] for one in plain) < sum(one["pairs"] for one in plain)


@pytest.mark.slow
def test_transferred_weights_are_plains_and_tuned_ones_are_not(finished: tuple[Experiment, list[Record]]) -> None:
    experiment, _ = finished
    hashes = {run.variant: read_about(run.weights).sha256 for run in experiment.all_trainings}
    assert hashes["mass-transferred"] == hashes["aps-transferred"] == hashes["plain"]
    assert hashes["mass-tuned"] != hashes["plain"]


@pytest.mark.slow
def test_report_is_there_and_nothing_is_left_to_do(finished: tuple[Experiment, list[Record]]) -> None:
    experiment, _ = finished
    assert "mass-transferred" in experiment.report.read_text(encoding="utf-8")
    assert is_finished(experiment)
