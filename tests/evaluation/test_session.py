"""One evaluation from words: the data of the training are found, and what does not fit together is refused."""

from pathlib import Path
from shutil import copytree, rmtree

import pytest

from recon.errors import ConfigError, DataError
from recon.evaluation import cost
from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured
from recon.evaluation.session import Outcome, Wishes, chosen_device, run
from recon.evaluation.studies import Unit
from recon.evaluation.study import Study
from recon.records import read_records
from recon.report.selection import grouped
from tests.data.files import write_fastmri_folder
from tests.evaluation.small import write_run


def outcome(*specs: str | Path, out: Path, **more: object) -> Outcome:
    wishes = {"protocols": ("quality",), **more}
    return run(Wishes([str(spec) for spec in specs], out, **wishes))  # type: ignore[arg-type]


def test_the_data_of_the_training_are_found(plain_run: Path, aps_run: Path, tmp_path: Path) -> None:
    found = outcome(plain_run, aps_run, "zero-filling", out=tmp_path)
    assert [record.subject.name for record in found.records] == ["plain"] * 2 + ["aps"] * 2 + ["zero-filling"] * 2
    assert {record.source.name for record in found.records} == {"fastMRI MRI"}
    assert read_records(tmp_path) == found.records
    assert not found.left_out


def test_settings_of_the_training_are_used(knees: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", data=knees, settings={"accelerations": [8], "center_fractions": [0.04]})
    cropped = write_run(tmp_path / "cropped", data=knees, settings={"crop": [16, 16]})
    for spec, name, value in ((other, "accelerations", [8]), (cropped, "crop", [16, 16])):
        found = outcome(spec, out=tmp_path / "out" / name)
        assert found.records[0].source.settings[name] == value


def test_networks_of_both_modalities_get_their_own_data(plain_run: Path, chests: Path, tmp_path: Path) -> None:
    ct_run = write_run(tmp_path / "ct", "mass", data=chests, modality="ct")
    found = outcome(plain_run, ct_run, "identity", out=tmp_path / "out")
    pairs = {(record.subject.name, record.source.modality) for record in found.records}
    assert pairs == {("plain", "mri"), ("mass", "ct"), ("identity", "mri"), ("identity", "ct")}
    assert read_records(tmp_path / "out") == found.records


def test_the_test_part_alone_is_enough(plain_run: Path, tmp_path: Path) -> None:
    folder = write_fastmri_folder(tmp_path / "other", val=1)
    rmtree(folder / "singlecoil_train", ignore_errors=True)
    found = outcome(plain_run, out=tmp_path / "out", data=folder, protocols=("quality", "equivariance"))
    assert {record.item for record in found.records} == {"file1000002"}


def test_one_name_may_stand_for_a_network_of_each_modality(plain_run: Path, chests: Path, tmp_path: Path) -> None:
    ct_run = write_run(tmp_path / "ct", "plain", data=chests, modality="ct")
    found = outcome(plain_run, ct_run, out=tmp_path / "out")
    assert {(record.subject.name, record.source.modality) for record in found.records} == {
        ("plain", "mri"),
        ("plain", "ct"),
    }
    assert read_records(tmp_path / "out") == found.records
    again = outcome(plain_run, out=tmp_path / "out").records
    assert len(read_records(tmp_path / "out")) == len(found.records) > len(again)
    assert [group.key for group in grouped(read_records(tmp_path / "out"))] == ["mri", "ct"]


def test_other_data_may_be_given(plain_run: Path, knees: Path, tmp_path: Path) -> None:
    folder = write_fastmri_folder(tmp_path / "other", val=1)
    found = outcome(plain_run, out=tmp_path / "out", data=folder)
    assert [record.item for record in found.records] == ["file1000002"]


def test_a_network_that_slices_do_not_fit_is_left_out(knees: Path, tmp_path: Path) -> None:
    odd = write_run(tmp_path / "odd", data=knees, settings={"crop": [18, 18]})
    found = outcome(odd, "zero-filling", out=tmp_path / "out")
    assert {record.subject.name for record in found.records} == {"zero-filling"}
    assert [(protocol, "18 x 18" in reason) for (_, protocol), reason in found.left_out.items()] == [
        ("everything", True)
    ]
    with pytest.raises(ConfigError, match="4 divides, got 18 x 18"):
        outcome(odd, out=tmp_path / "alone")


def test_moved_data_are_told(knees: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    copytree(knees, moved)
    spec = write_run(tmp_path / "run", data=moved)
    first = outcome(spec, out=tmp_path / "first").records
    moved.rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=f"trained on are not at {moved}; say where with --data"):
        outcome(spec, out=tmp_path / "out")
    assert outcome(spec, out=tmp_path / "out", data=tmp_path / "elsewhere").records == first


def test_data_of_the_other_modality_are_refused(plain_run: Path, chests: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="plain must be for CT data, got a network for another modality"):
        outcome(plain_run, out=tmp_path, data=chests)
    with pytest.raises(ConfigError, match="plain must be for CT data"):
        outcome(plain_run, out=tmp_path, modality="ct")
    with pytest.raises(ConfigError, match="holds CT data, but --modality mri was asked for"):
        outcome("identity", out=tmp_path, data=chests, modality="mri")
    assert not list(tmp_path.iterdir())


def test_networks_for_other_data_are_left_out_and_told(plain_run: Path, knees: Path, tmp_path: Path) -> None:
    found = outcome(plain_run, "fbp", out=tmp_path, data=knees)
    assert {record.subject.name for record in found.records} == {"plain"}
    assert found.left_out == {("fbp", "everything"): "it is for CT data"}


@pytest.mark.parametrize("key", ["settings", "folder"])
def test_networks_trained_on_different_data_are_refused(key: str, plain_run: Path, knees: Path, tmp_path: Path) -> None:
    copytree(knees, tmp_path / "copy")
    folder = knees if key == "settings" else tmp_path / "copy"
    settings = {"accelerations": [8]} if key == "settings" else None
    other = write_run(tmp_path / "other", "mass", data=folder, settings=settings)
    with pytest.raises(ConfigError, match=f"must share their data, got plain with {key} .* and mass with .*one by one"):
        outcome(plain_run, other, out=tmp_path / "out")
    if key == "folder":
        assert outcome(plain_run, other, out=tmp_path / "out", data=knees).records


def test_settings_that_are_not_known_are_refused(knees: Path, tmp_path: Path) -> None:
    spec = write_run(tmp_path / "run", data=knees, settings={"magic": 1})
    with pytest.raises(DataError, match=r"the settings of plain's data cannot be understood.*magic"):
        outcome(spec, out=tmp_path / "out")


def test_functions_need_data_or_a_modality(knees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="give --data FOLDER, or --modality mri, ct, cifar10, imagenet or voc"):
        outcome("torch:relu", out=tmp_path)
    assert outcome("torch:relu", out=tmp_path, data=knees).records
    asked: list[str] = []

    def embedded(modality: str, **_: object) -> Path:
        asked.append(modality)
        return knees

    monkeypatch.setattr("recon.data.datamodule.ensure_embedded", embedded)
    found = outcome("torch:relu", out=tmp_path / "embedded", modality="mri")
    assert set(asked) == {"mri"}
    assert found.records[0].source.name == "embedded MRI"


def test_folders_that_hold_no_test_data_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(DataError, match="must be a folder of"):
            outcome("identity", out=tmp_path / "out", data=folder)


def test_a_protocol_that_is_not_there_is_refused_with_the_nearest(plain_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"protocol must be one of .*got 'qualty'; did you mean 'quality'"):
        outcome(plain_run, out=tmp_path, protocols=("qualty",))


def test_every_shift_is_tried_if_asked(plain_run: Path, tmp_path: Path) -> None:
    found = outcome(plain_run, out=tmp_path, protocols=("worst",), every_shift=True, limit=1)
    assert found.records[0].settings["tried"] == 24 * 24


@pytest.mark.parametrize("word", ["gpu", "", "cuda:x", "meta", "mps", "cuda:-1"])
def test_wrong_devices_are_refused(word: str) -> None:
    with pytest.raises(ConfigError, match="device must be cpu, cuda, cuda:N or auto, got"):
        chosen_device(word)


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen_device("cpu") == "cpu"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert chosen_device("auto") == "cpu"
    with pytest.raises(ConfigError, match="torch sees no GPU; pass --device cpu"):
        chosen_device("cuda")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setenv("SLURM_LOCALID", "3")
    assert (chosen_device("auto"), chosen_device("cuda"), chosen_device("cuda:1")) == ("cuda:1", "cuda", "cuda:1")
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert chosen_device("auto") == "cuda:0"
    with pytest.raises(ConfigError, match="device cuda:2 must be there, got 2 GPUs"):
        chosen_device("cuda:2")


def test_other_data_must_be_of_the_other_modality(plain_run: Path, knees: Path, chests: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"knees must hold CT data, got mri"):
        outcome(plain_run, out=tmp_path, protocols=("ood",), other=knees)
    found = outcome(plain_run, out=tmp_path, protocols=("ood",), other=chests, limit=1)
    assert {record.group for record in found.records} >= {"other modality"}


def test_what_is_timed_is_timed_in_turns(
    plain_run: Path, aps_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def measure(_: object, model: Model, unit: Unit, study: Study) -> list[Measured]:
        order.append(f"{model.name} {unit.indices[0]}")
        return []

    monkeypatch.setattr(cost.CostProtocol, "measure", measure)
    outcome(plain_run, aps_run, out=tmp_path, protocols=("cost",))
    assert order[:4] == ["plain 0", "aps 0", "plain 1", "aps 1"]
    assert len(order) == 2 * cost.ROUNDS
