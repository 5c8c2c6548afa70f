"""What is no model is told with what is one, and with what may have been meant."""

from pathlib import Path

import pytest

from recon.clinical.models import open_model
from recon.clinical.nearby import require_model
from recon.errors import DataError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with a run, a bundle, files of networks and others."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "runs/one/checkpoints/best.safetensors",
        "exports/aps.onnx",
        "exports/aps.onnx.json",
        "exports/aps-bundle/configs/metadata.json",
        "exports/aps.ts",
        "unet.pt",
        "notes",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("-")
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize("spec", ["runs/one", "runs/one/checkpoints/best.safetensors", "exports/aps.onnx"])
def test_what_looks_like_a_model_is_left_to_what_opens_it(spec: str, folder: Path) -> None:
    require_model(folder / spec)
    require_model(Path("exports/aps-bundle"))


@pytest.mark.parametrize(
    ("spec", "got"),
    [
        ("exports/asp.onnx", "did you mean .*exports/aps.onnx"),
        ("rums/one", "did you mean .*/runs"),
        ("exports", "got a folder that holds 2 of them; name one, such as exports/aps-bundle, exports/aps.onnx"),
        ("runs", "such as runs/one"),
        ("empty", "got a folder without any; train a run"),
        ("unet.pt", "`recon convert` takes it"),
        ("exports/aps.ts", "TorchScript"),
        ("exports/aps.onnx.json", "got a file that ends in .json"),
        ("notes", "got a file without an ending"),
        ("zero-filling", "got nothing there"),
        ("os:getcwd", "got nothing there"),
        ("x" * 300, "got nothing there"),
        ("\0", "got nothing there"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_no_model_is_told_with_what_is_one(spec: str, got: str) -> None:
    with pytest.raises(DataError, match=f"{got}") as found:
        open_model(spec)
    for word in ("run's folder", ".safetensors", ".onnx", ".pt2", "bundle"):
        assert word in str(found.value)
    assert "zero-filling" not in str(found.value).replace(spec, "")


def test_bundle_of_other_software_is_told_from_one_of_recon(folder: Path) -> None:
    with pytest.raises(DataError, match=r"that `recon export` wrote.*`recon convert` takes"):
        open_model(str(folder / "exports" / "aps-bundle"))


@pytest.mark.usefixtures("folder")
def test_run_named_like_a_word_of_evaluation_is_a_run(mri_model_file: Path) -> None:
    Path("identity/checkpoints").mkdir(parents=True)
    Path("identity/checkpoints/best.safetensors").write_bytes(mri_model_file.read_bytes())
    assert open_model("identity").identity.network == "UNet"
