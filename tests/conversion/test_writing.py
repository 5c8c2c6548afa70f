"""A folder holds one conversion: it is gone on with, anything else is refused, and mistakes leave nothing behind."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from recon.conversion.convert import Conversion, converted
from recon.conversion.measuring import RECORDS
from recon.conversion.originals import find_original
from recon.conversion.writing import (
    CONFIG,
    FOUND,
    NETWORK,
    begun,
    read_network,
    taken_back,
    training_command,
    write_config,
    write_found,
    write_network,
    write_original,
)
from recon.errors import DataError
from tests.evaluation.small import write_run

HERE = "tests.conversion.networks"


def test_new_or_empty_folder_is_begun_and_the_same_conversion_gone_on_with(plain: Path, tmp_path: Path) -> None:
    conversion = converted(find_original(str(plain)), "lps")
    out = tmp_path / "out"
    assert not begun(out, conversion)
    out.mkdir()
    assert not begun(out, conversion)
    (out / "network.safetensors.1.partial").touch()  # of a process that was killed
    assert not begun(out, conversion)
    write_network(conversion, out)
    again = converted(find_original(str(plain)), "lps", seed=1)
    assert begun(out, again)
    read_network(again, out)
    found = again.network.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in load_file(out / NETWORK).items())


def test_folder_with_anything_else_is_refused(plain: Path, tmp_path: Path) -> None:
    conversion = converted(find_original(str(plain)), "mass")
    with pytest.raises(DataError, match="got one with checkpoints in it; choose another --out"):
        begun(plain, conversion)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="must be a folder, got a file"):
        begun(tmp_path / "file", conversion)


def test_another_conversion_is_refused(plain: Path, knees: Path, tmp_path: Path) -> None:
    write_network(converted(find_original(str(plain)), "mass"), tmp_path / "out")
    for other in (
        converted(find_original(str(plain)), "aps"),
        converted(find_original(str(plain)), "mass", blur="tri-3"),
    ):
        with pytest.raises(DataError, match="got one with another conversion"):
            begun(tmp_path / "out", other)
    run = write_run(tmp_path / "run", data=knees, seed=1)
    with pytest.raises(DataError, match=r"of other weights than those of .*run now; choose"):
        begun(tmp_path / "out", converted(find_original(str(run)), "mass"))


def test_function_that_draws_weights_anew_is_told_of(tmp_path: Path) -> None:
    first, second = (converted(find_original(f"{HERE}:anew"), "mass") for _ in range(2))
    write_network(first, tmp_path)
    assert begun(tmp_path, first)
    with pytest.raises(DataError, match="each call of a function that draws weights gives others"):
        begun(tmp_path, second)


def test_original_that_is_just_made_is_kept(plain: Path, tmp_path: Path) -> None:
    conversion = converted(find_original(f"{HERE}:anew"), "mass")
    path = write_original(conversion, tmp_path)
    assert find_original(path, factory=f"{HERE}:anew").weights == conversion.original.weights
    assert write_original(converted(find_original(str(plain)), "mass"), tmp_path / "none") == str(plain)
    assert not (tmp_path / "none").exists()


def stopped(folder: Path, conversion: Conversion, stop: BaseException, *, measured: bool = False) -> None:
    """Write a network into a folder, and fail then."""
    with taken_back(folder):
        write_network(conversion, folder)
        if measured:
            (folder / RECORDS).mkdir()
        raise stop


def test_mistakes_before_anything_was_measured_leave_nothing(plain: Path, tmp_path: Path) -> None:
    conversion = converted(find_original(str(plain)), "mass")
    with pytest.raises(DataError, match="no data"):
        stopped(tmp_path / "out", conversion, DataError("no data"))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no data"):
        stopped(tmp_path / "empty", conversion, DataError("no data"))
    assert list((tmp_path / "empty").iterdir()) == []


def test_mistakes_after_something_was_measured_leave_it(plain: Path, tmp_path: Path) -> None:
    conversion = converted(find_original(str(plain)), "mass")
    with pytest.raises(DataError, match="a bad file"):
        stopped(tmp_path / "out", conversion, DataError("a bad file"), measured=True)
    assert begun(tmp_path / "out", conversion)


def test_interruption_leaves_what_is_there(plain: Path, tmp_path: Path) -> None:
    conversion = converted(find_original(str(plain)), "mass")
    with pytest.raises(KeyboardInterrupt):
        stopped(tmp_path / "out", conversion, KeyboardInterrupt())
    assert begun(tmp_path / "out", conversion)


def test_found_says_what_became_of_what_under_which_circumstances(plain: Path, tmp_path: Path) -> None:
    conversion = converted(find_original(str(plain)), "lps", seed=3)
    write_network(conversion, tmp_path)
    write_found(conversion, tmp_path, {"measured": {"a": float("inf"), "b": [0.5]}}, seed=3, device="cpu")
    found = json.loads((tmp_path / FOUND).read_text(encoding="utf-8"))
    assert found["original"] == {"spec": str(plain), "variant": "plain", "weights": conversion.original.weights}
    assert found["converted"]["variant"] == "lps-transferred"
    assert len({found["original"]["weights"], found["converted"]["weights"]}) == 2  # lps has weights of its own
    assert (found["converted"]["period"], found["seed"], found["method"]) == (4, 3, "lps")
    assert found["converted"]["untrained"] == list(conversion.new)
    assert set(found["versions"]) == {"recon", "torch", "python"}
    assert found["measured"] == {"a": "inf", "b": [0.5]}


def test_training_command_is_quoted_and_names_a_recipe_where_one_is_needed() -> None:
    assert training_command(Path("a b"), whole=True) == "recon train --config 'a b/config.yaml'"
    assert training_command(Path("out"), whole=False) == "recon train --config RECIPE --config out/config.yaml"


def test_configuration_stays_one_where_a_name_has_lines(tmp_path: Path) -> None:
    write_config({"task": "classification"}, tmp_path, "a\nb: c", "recon train")
    head, body = (tmp_path / CONFIG).read_text(encoding="utf-8").splitlines()
    assert (head, body) == ("# Trains a b: c, converted, on: recon train", "task: classification")
