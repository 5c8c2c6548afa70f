"""`recon certify` as it is typed."""

from pathlib import Path

import pytest

from recon.cli import main
from recon.clinical.certificate import certify
from recon.evaluation import cost
from tests.clinical.certificate.conftest import OURS
from tests.clinical.conftest import write_network
from tests.data.files import write_fastmri_folder

FOLDER = Path("certificate")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder with a network, data and tolerances."""
    write_network(tmp_path / "aps.safetensors", "mri")
    write_fastmri_folder(tmp_path / "knees")
    (tmp_path / "ours.yaml").write_text(OURS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cost, "SHORTEST", 0.0)
    return tmp_path


def run(words: str) -> int:
    return main(["certify", *words.split()])


def test_model_is_certified_and_verified(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = "aps.safetensors --data knees --out certificate --limit 1 --device cpu"
    assert run(f"{asked} --tolerances ours.yaml") == 0
    assert "PASS. For research use only." in capsys.readouterr().out
    names = {path.name for path in (place / FOLDER).iterdir()}
    assert names == {"certificate.json", "certificate.html", "certificate.pdf"}
    before = (place / FOLDER / "certificate.json").read_bytes()
    assert run(asked) == 2
    assert "must not hold a certificate yet" in capsys.readouterr().err
    assert (place / FOLDER / "certificate.json").read_bytes() == before
    assert run(f"{asked} --force") == 1  # recon's own tolerances ask for quality
    assert "FAIL" in capsys.readouterr().out
    assert run("--verify certificate/certificate.json --model aps.safetensors --data knees --device cpu") == 0
    assert "Nothing drifted." in capsys.readouterr().out
    write_network(place / "aps.safetensors", "mri", seed=1)
    assert run("--verify certificate/certificate.json --model aps.safetensors --data knees --device cpu") == 1
    assert "Drifted: weights" in capsys.readouterr().out


def test_interruption_leaves_no_certificate(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(certify, "measured", interrupted)
    assert run("aps.safetensors --data knees --out certificate") == 130
    assert not list(place.rglob("certificate.*"))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("", "MODEL and --out"),
        ("aps.safetensors", "MODEL and --out"),
        ("none.safetensors --out x", "there is none"),
        ("aps.safetensors --out x --embed", "ONNX file or a bundle"),
        ("aps.safetensors --out aps.safetensors", "must be a folder"),
        ("aps.safetensors --out x --limit 0", "limit"),
        ("aps.safetensors --out x --tolerances none.yaml", "cannot be read"),
        ("aps.safetensors --out x --data ours.yaml", "ours.yaml"),
        ("aps.safetensors --out x --model y", "--verify"),
        ("--verify none.json --model aps.safetensors", "none.json"),
        ("--verify ours.yaml --model aps.safetensors", "must be a certificate"),
        ("--verify ours.yaml --seed 3", "leave it out"),
    ],
)
def test_mistake_is_told_and_nothing_written(
    place: Path, words: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    assert reason in capsys.readouterr().err
    assert not (place / "x").exists()


def test_numbers_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--list") == 0
    assert "worst-psnr-change" in capsys.readouterr().out
