"""On which data a network and its conversion are measured, and what is refused before anything is written."""

from pathlib import Path

import pytest

from recon.checkpoints import save
from recon.conversion.convert import converted
from recon.conversion.measuring import AFTER, BEFORE, REPORT, Data, chosen_data, measured, require_taken
from recon.conversion.originals import find_original
from recon.conversion.writing import write_network
from recon.errors import ConfigError, DataError
from recon.evaluation.loading import Place
from recon.evaluation.session import Outcome, Wishes, run
from tests.evaluation.labels.small import classifier, write_label_run
from tests.evaluation.small import unet, write_run

HERE = "tests.conversion.networks"


def test_run_is_measured_on_the_data_of_its_training(plain: Path, labeller: Path, knees: Path, pictures: Path) -> None:
    for run_folder, modality, folder in ((plain, "mri", knees), (labeller, "cifar10", pictures)):
        data = chosen_data(find_original(str(run_folder)), Data())
        assert data is not None
        assert (data.modality, data.given_folder) == (modality, folder)


def test_data_are_read_as_in_the_training(knees: Path, tmp_path: Path) -> None:
    run_folder = write_run(tmp_path / "run", data=knees, settings={"accelerations": [8], "center_fractions": [0.04]})
    data = chosen_data(find_original(str(run_folder)), Data())
    assert data is not None
    assert data.settings["accelerations"] == [8]


def test_network_that_nothing_is_known_of_has_no_data(tmp_path: Path) -> None:
    save(unet(), tmp_path / "bare.safetensors")
    assert chosen_data(find_original(str(tmp_path / "bare.safetensors")), Data()) is None
    assert chosen_data(find_original(f"{HERE}:small"), Data()) is None


def test_modality_or_folder_says_which_data(knees: Path, pictures: Path) -> None:
    for data in (Data(knees), Data(knees, "mri")):
        chosen = chosen_data(find_original(f"{HERE}:small"), data)
        assert chosen is not None
        assert (chosen.modality, chosen.given_folder) == ("mri", knees)
    labelled = chosen_data(find_original(f"{HERE}:classifier"), Data(pictures))
    assert labelled is not None
    assert labelled.modality == "cifar10"


def test_data_of_another_modality_are_refused(plain: Path, pictures: Path) -> None:
    for data in (Data(pictures), Data(modality="cifar10")):
        with pytest.raises(ConfigError, match=rf"{plain} must be for CIFAR-10 data"):
            chosen_data(find_original(str(plain)), data)


def test_data_that_are_gone_are_refused_and_data_is_named(tmp_path: Path) -> None:
    run_folder = write_label_run(tmp_path / "run", classifier(classes=10), modality="cifar10", folder=tmp_path / "gone")
    with pytest.raises(DataError, match=r"not at .*gone; say where with --data"):
        chosen_data(find_original(str(run_folder)), Data())


def test_network_that_does_not_take_the_images_is_refused(knees: Path) -> None:
    for name, why in (("classifier", "3 channels"), ("double", "double")):
        conversion = converted(find_original(f"{HERE}:{name}"), "mass")
        data = chosen_data(conversion.original, Data(knees))
        assert data is not None
        with pytest.raises(ConfigError, match=rf"{name} must take images of 1 x 24 x 24, .*{why}"):
            require_taken(conversion, data)


def test_images_that_only_the_conversion_does_not_take_are_refused(
    knees: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversion = converted(find_original(f"{HERE}:small", example=(1, 8, 8)), "mass")
    data = chosen_data(conversion.original, Data(knees))
    assert data is not None
    require_taken(conversion, data)

    def refuses(_: object) -> None:
        raise DataError("sizes must be divisible by 32")

    monkeypatch.setattr(conversion.network, "forward", refuses)
    with pytest.raises(ConfigError, match=r"the conversion of .*:small must take images .*divisible by 32"):
        require_taken(conversion, data)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"limit": 0}, "limit must be"), ({"seed": -1}, "seed must be"), ({"place": Place(batch_size=0)}, "batch size")],
)
def test_numbers_that_make_no_sense_are_refused(options: dict[str, int], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Data(**options)  # type: ignore[arg-type]


def test_what_was_measured_is_not_measured_again(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conversion = converted(find_original(str(plain)), "mass")
    files = {BEFORE: str(plain), AFTER: write_network(conversion, tmp_path)}
    first = measured(conversion.original, files, tmp_path, Data(limit=1), "mri", ["recon", "convert", "a b"])  # type: ignore[arg-type]
    assert {record.protocol for record in first.records} == {"quality", "equivariance", "worst"}
    page = (tmp_path / REPORT).read_text(encoding="utf-8")
    assert "recon convert &#x27;a b&#x27;" in page

    def none(*_: object, **__: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr("recon.evaluation.running._measure", none)
    again = measured(conversion.original, files, tmp_path, Data(limit=1), "mri", ["recon"])  # type: ignore[arg-type]
    assert again.records == first.records


def test_few_images_are_tried_under_every_shift_unless_a_limit_is_given(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[tuple[str, ...], int | None]] = []

    def noted(wishes: Wishes) -> Outcome:
        asked.append((tuple(wishes.protocols), wishes.limit))
        return run(wishes)

    monkeypatch.setattr("recon.conversion.measuring.run", noted)
    conversion = converted(find_original(str(plain)), "mass")
    files = {BEFORE: str(plain), AFTER: write_network(conversion, tmp_path)}
    measured(conversion.original, files, tmp_path, Data(), "mri", ["recon"])  # type: ignore[arg-type]
    assert asked == [(("quality", "equivariance"), None), (("worst",), 2)]
