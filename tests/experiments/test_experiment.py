"""Experiments say what is trained where, and what that depends on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import recon.report.labels.published
from recon.errors import ConfigError
from recon.experiments.demo import VARIANTS, demo
from recon.experiments.experiment import Training
from recon.experiments.paper import OURS, PUBLISHED, TABLES, Choices, Scale, reproduction
from recon.recipes import variants

BLURRED = {  # as networks are called in tables, which name the filter
    **{f"{name}3": f"{name}-tri-3" for name in ("lpf", "aps", "mass")},
    "ddac3": "lpf-adaptive-3",
    "aps-ddac3": "aps-adaptive-3",
    "mass-ddac3": "mass-adaptive-3",
}


def test_demo_trains_every_kind_of_sampling_on_both_modalities(tmp_path: Path) -> None:
    runs = demo(tmp_path).all_trainings
    assert len(runs) == 16
    assert [run.modality for run in runs[:4]] == ["mri", "ct", "mri", "ct"]
    assert (
        {run.variant for run in runs}
        == set(VARIANTS)
        == {*("plain", "plain-shifts", "lpf3", "aps", "aps3", "mass", "mass-unpool", "lps")}
    )
    assert len({run.folder for run in runs}) == 16
    assert all(run.folder.is_relative_to(tmp_path / "runs") for run in runs)


def test_demo_measures_every_protocol_once(tmp_path: Path) -> None:
    from recon.evaluation.protocols import PROTOCOLS

    for quick in (False, True):
        for branch in demo(tmp_path, quick=quick).branches:
            named = [name for measurement in branch.measurements for name in measurement.protocols]
            assert sorted(named) == sorted(PROTOCOLS)


def test_time_is_measured_alone(tmp_path: Path) -> None:
    for branch in demo(tmp_path).branches:
        assert [one.protocols for one in branch.measurements if one.alone] == [("cost",)]


def test_training_lays_the_variant_over_the_recipe(tmp_path: Path) -> None:
    run = demo(tmp_path).trainings(demo(tmp_path).branches[1])[4]
    configs = [Path(word).stem for word in run.arguments if word.endswith(".yaml")]
    assert configs == ["ct", "ct", "aps3"]
    assert run.place == ("--data.init_args.data_dir", str(tmp_path / "data" / "ct"))


def test_moved_demo_is_the_same(tmp_path: Path) -> None:
    keys = [[run.key for run in demo(tmp_path / name).all_trainings] for name in ("here", "there")]
    assert keys[0] == keys[1]
    assert len({str(key) for key in keys[0]}) == 16


def test_key_of_a_training_follows_from_the_contents_of_its_configurations(tmp_path: Path) -> None:
    config = tmp_path / "one.yaml"
    config.write_text("a: 1\n")
    run = Training("mri", "plain", tmp_path / "run", ("--config", str(config), "--seed_everything", "0"))
    before = run.key
    moved = tmp_path / "two.yaml"
    moved.write_text("a: 1\n")
    assert replace(run, arguments=("--config", str(moved), "--seed_everything", "0")).key == before
    config.write_text("a: 2\n")
    assert run.key != before


def test_networks_trained_on_other_data_are_others() -> None:
    choices = [Choices(data=Path("one")), Choices(data=Path("two")), Choices()]
    keys = [str(reproduction("aps-table1", each).all_trainings[0].key) for each in choices]
    assert len(set(keys)) == 3


def test_paper_has_nine_variants_and_ours_are_recipes_too() -> None:
    assert len(PUBLISHED) == 9
    assert {*PUBLISHED, *OURS} <= set(variants())


APS = [name for name in sorted(TABLES) if name.startswith("aps")]


@pytest.mark.parametrize("name", APS)
def test_table_is_trained_by_the_papers_recipe(name: str) -> None:
    experiment = reproduction(name, Choices(data=Path("data/somewhere")))
    (branch,) = experiment.branches
    assert tuple(branch.variants) == (*PUBLISHED, *OURS)
    assert [path.stem for path in branch.recipes] == [branch.modality]
    assert branch.modality == ("ct" if name.endswith("4") else "mri")
    assert branch.measurements[0].ten_shifts is name.endswith("2")


def test_tables_of_one_modality_share_their_networks() -> None:
    given = Choices(data=Path("data"))
    folders = {name: {run.folder for run in reproduction(name, given).all_trainings} for name in APS}
    assert folders["aps-table1"] == folders["aps-table2"] == folders["aps-table3"]
    assert not folders["aps-table1"] & folders["aps-table4"]
    small = {run.folder for run in reproduction("aps-table1", Choices(scale="small")).all_trainings}
    assert not small & folders["aps-table1"]


@pytest.mark.parametrize("scale", ["paper", "small"])
@pytest.mark.parametrize(
    ("name", "recipes", "published"),
    [
        ("mass-table2", ["cifar10"], ("mass-2", "resnet18")),
        ("mass-table2-resnet20", ["cifar10", "resnet20"], ("mass-2", "resnet20")),
        ("mass-table3", ["imagenet"], ("mass-3", "resnet18-imagenet")),
        ("mass-table4", ["imagenet"], ("mass-4", "resnet18-imagenet")),
        ("mass-table5", ["voc"], ("mass-5", "deeplabv3plus-resnet18")),
    ],
)
def test_table_of_mass_has_all_rows_that_were_published(
    name: str, recipes: list[str], published: tuple[str, str], scale: Scale
) -> None:
    experiment = reproduction(name, Choices(data=Path("data"), scale=scale))
    (branch,) = experiment.branches
    small = scale == "small"
    assert [path.stem for path in branch.recipes] == [*recipes, *[branch.modality] * small]
    assert [path.parent.name for path in branch.recipes][len(recipes) :] == ["demo"] * small
    table, network = published
    rows = set(published_figures()[table]["networks"][network])
    trained = {BLURRED.get(run.variant, run.variant) for run in experiment.all_trainings}
    assert trained - rows == ({"plain"} if name == "mass-table4" else set())  # whose weights are taken over
    assert rows <= trained


def published_figures() -> dict[str, Any]:
    path = Path(recon.report.labels.published.__file__).parents[1] / "published_labels.yaml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def test_tables_of_one_data_set_share_their_networks_but_not_those_of_another_architecture() -> None:
    given = Choices(data=Path("data"))
    runs = {name: {run.folder: run.key for run in reproduction(name, given).all_trainings} for name in TABLES}
    shared = runs["mass-table3"].keys() & runs["mass-table4"].keys()
    assert {folder.name for folder in shared} == {"plain", "mass-transferred"}
    assert all(runs["mass-table3"][folder] == runs["mass-table4"][folder] for folder in shared)
    assert not runs["mass-table2"].keys() & runs["mass-table2-resnet20"].keys()


@pytest.mark.parametrize(
    ("name", "choices", "said"),
    [
        ("mass-table2", Choices(), "mass-table2 at the paper's scale needs the pictures of the paper"),
        ("mass-table3", Choices(variants=["aps"], scale="small"), "--variants is for tables all of whose networks"),
        ("mass-table5", Choices(ood=Path("images")), "--ood is for aps-table3 alone, got it with mass-table5"),
        ("aps-table5", Choices(), "the table must be one of aps-table1, .*'aps-table5'; did you mean"),
        ("aps-table1", Choices(variants=["mas"]), "variant must be one of .*, got 'mas'; did you mean 'mass'"),
        ("aps-table1", Choices(ood=Path("images")), "--ood is for aps-table3 alone, got it with aps-table1"),
        ("aps-table1", Choices(configs=[Path("none.yaml")]), "--config must name a file, got none.yaml"),
    ],
)
def test_wrong_choice_is_refused(name: str, choices: Choices, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        reproduction(name, choices)
