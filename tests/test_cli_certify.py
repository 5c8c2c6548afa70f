"""`recon certify` as it is typed."""

from pathlib import Path

import pytest

from recon.cli import main
from recon.clinical.certificate import certify
from recon.evaluation import cost
from tests.clinical.certificate.conftest import OURS
from tests.clinical.conftest import write_network
from tests.data.files import write_fastmri_folder, write_fastmri_volume

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
    write_network(place / "aps.safetensors", "mri", seed=1)
    assert run("aps.safetensors --verify certificate/certificate.json --data knees --device cpu") == 1
    assert "Drifted: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("tolerances", "status", "last"),
    [
        ("--tolerances ours.yaml", 0, "Nothing drifted."),
        ("", 1, "Nothing drifted. The certificate itself says FAIL: a required tolerance was not met."),
    ],
)
def test_pipeline_does_not_let_a_failed_certificate_through(
    place: Path, tolerances: str, status: int, last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = "aps.safetensors --data knees --device cpu"
    assert run(f"{asked} --out certificate --limit 1 {tolerances}") == status
    assert run(f"--verify certificate {asked}") == status
    assert capsys.readouterr().out.splitlines()[-1] == last


def test_interruption_leaves_no_certificate(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(certify, "measured", interrupted)
    assert run("aps.safetensors --data knees --out certificate") == 130
    assert not list(place.rglob("certificate.*"))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("", "got no MODEL"),
        ("--out x", "got no MODEL"),
        ("aps.safetensors", "got no --out"),
        ("none.safetensors --out x", "none.safetensors"),
        ("aps.safetensors --out x --embed", "ONNX file or a bundle"),
        ("aps.safetensors --out aps.safetensors", "must be a folder"),
        ("aps.safetensors --out x --limit 0", "limit"),
        ("aps.safetensors --out x --tolerances none.yaml", "cannot be read"),
        ("aps.safetensors --out x --data ours.yaml", "ours.yaml"),
        ("aps.safetensors --out aps.safetensors/x", "must be a folder"),
        ("aps.safetensors --verify none.json", "none.json"),
        ("--verify ours.yaml aps.safetensors", "must be a certificate"),
        ("--verify ours.yaml aps.safetensors --out x", "leave it out"),
        ("--verify ours.yaml --seed 3", "leave it out"),
    ],
)
def test_mistake_is_told_and_nothing_written(
    place: Path, words: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    assert reason in capsys.readouterr().err
    assert not (place / "x").exists()


def test_certificate_alone_asks_for_its_model(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("aps.safetensors --data knees --out certificate --limit 1 --device cpu --tolerances ours.yaml") == 0
    assert run("--verify certificate/certificate.json") == 2
    assert "recon certify MODEL --verify certificate/certificate.json" in capsys.readouterr().err


def test_folder_that_cannot_be_written_to_is_found_at_the_start(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    assert run("aps.safetensors --data knees --out x/y") == 2
    told = capsys.readouterr().err
    assert "x/y must be a folder that can be written to" in told
    assert "evaluating" not in told


def test_sizes_that_would_need_padding_say_why_it_cannot_be_certified(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("train", "val"):
        write_fastmri_volume(place / "odd" / f"singlecoil_{part}" / "file1000000.h5", target=(22, 24))
    assert run("aps.safetensors --data odd --out x --device cpu") == 2
    assert "Padding cannot be certified: it cuts what is periodic" in capsys.readouterr().err


def test_numbers_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--list") == 0
    assert "worst-psnr-change" in capsys.readouterr().out
