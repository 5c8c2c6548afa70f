"""The transcribed figures fit each other, and what differs from the papers is said."""

import pytest

from recon.report.labels.published import NAMES, differences, figure_cell, published
from recon.samplings import SAMPLINGS
from tests.report.labels.made import network, source

ALL = [
    (name, architecture, variant)
    for name in NAMES
    for architecture, rows in published(name).networks.items()
    for variant in rows
]


@pytest.mark.parametrize(("name", "architecture", "variant"), ALL)
def test_figures_are_percentages_of_known_variants(name: str, architecture: str, variant: str) -> None:
    figures = published(next(one for one in NAMES if one == name)).networks[architecture][variant]
    assert all(0 < value <= 100 for key, value in figures.items() if key != "difference")
    assert any(f"{variant}-".startswith(f"{sampling}-") for sampling in SAMPLINGS)


def test_differences_of_weight_transfer_are_those_of_the_accuracies() -> None:
    checked = 0
    for rows in published("mass-3").networks.values():
        for variant, figures in rows.items():
            if variant != "plain":
                assert figures["difference"] == pytest.approx(
                    figures["accuracy"] - rows["plain"]["accuracy"], abs=0.011
                )
                checked += 1
    assert checked == 9


def test_tables_that_repeat_figures_agree() -> None:
    three, four = (published(name).networks["resnet18-imagenet"]["mass-transferred"] for name in ("mass-3", "mass-4"))
    assert four["accuracy"] == three["accuracy"] == 64.83
    mass, lps = (published(name).networks["deeplabv3plus-resnet18"] for name in ("mass-5", "lps-5"))
    assert mass["plain"] == lps["plain"]
    assert mass["lps"] == lps["lps-adaptive-3"]
    assert mass["aps"] == lps["aps-adaptive-3"]


def test_exact_networks_were_published_as_exact() -> None:
    for name in ("mass-2", "lps-1", "lps-2"):
        for rows in published(name).networks.values():
            for variant, figures in rows.items():
                exact = variant.split("-")[0] in ("aps", "mass", "lps")
                assert (figures["consistency"] == 100) == exact


def test_augmentation_makes_every_filter_more_consistent() -> None:
    rows = published("zhang-1").networks["vgg13"]
    pairs = [
        (figures, rows[f"{variant}-shifts"]) for variant, figures in rows.items() if not variant.endswith("shifts")
    ]
    assert len(pairs) == 19
    assert all(without["consistency"] < augmented["consistency"] for without, augmented in pairs)


def test_figures_have_the_digits_of_their_table() -> None:
    zhang, mass = published("zhang-1"), published("mass-3")
    assert figure_cell(zhang, "accuracy", network("lpf-bin-5", architecture="vgg13")).text == "93.2 %"
    assert figure_cell(zhang, "consistency", network("lpf-rect-7-shifts", architecture="vgg13")).text == "99.0 %"
    transferred = network("aps-keep-transferred", architecture="resnet18-imagenet")
    assert figure_cell(mass, "difference", transferred).text == "\N{MINUS SIGN}18.53"
    assert figure_cell(mass, "accuracy", network("lps-transferred")).kind == "none"


def test_predicted_filters_have_one_name_among_the_figures() -> None:
    table = published("lps-1")
    assert table.of(network("plain-adaptive-3")) == table.of(network("lpf-adaptive-3")) != {}


def test_same_data_and_networks_differ_in_nothing() -> None:
    subject = network("mass", width=64, details={"training": {"epochs": 250}})
    assert differences(published("mass-2"), source(synthetic=False), 10_000, [subject]) == [
        "Published: MASS (anonymous authors), measured on CIFAR-10's test set, means of five runs."
    ]
    assert differences(published("mass-2"), source(synthetic=False), 10_000, [network("identity")]) == []


@pytest.mark.parametrize(("synthetic", "images"), [(True, 10_000), (False, 500)])
def test_other_data_are_said_to_differ(synthetic: bool, images: int) -> None:
    said = " ".join(differences(published("mass-2"), source(synthetic=synthetic), images, [network("mass")]))
    assert "cannot be compared one by one" in said
    assert ("synthetic data" in said) == synthetic
    assert "width 16 instead of 64" in said
    assert "trained for 12 epochs instead of 250" in said


def test_another_architecture_of_the_family_is_named() -> None:
    said = " ".join(differences(published("mass-3"), source(), 100, [network("mass-transferred")]))
    assert "resnet18 stands beside resnet18-imagenet" in said
    assert not published("mass-3").of(network("mass-transferred", architecture="vgg13"))
