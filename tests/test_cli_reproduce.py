"""`recon reproduce` and `recon demo` at the command line: the plan, the whole way on tiny data, and refusals."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recon.cli import main
from recon.experiments.paper import OURS, PUBLISHED
from recon.records import read_records
from tests.data.files import write_fastmri_folder, write_lodopab_folder
from tests.data.labels.files import write_cifar, write_imagenet, write_voc

TINY = "network: {channels: [4, 6, 8]}\ndata: {init_args: {batch_size: 3, workers: 0}}\ntrainer: {max_epochs: 1}\n"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("configs") / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("configs") / "narrow.yaml"
    # torch 2.14's channels-last convolutions of few channels crash where two threads share an odd batch
    path.write_text(
        "network: {width: 4}\nmodel: {channels_last: false}\ndata: {init_args: {batch_size: 10}}\n"
        "trainer: {max_epochs: 1}\n"
    )
    return path


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECON_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def test_table_1_from_training_to_the_published_figures(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_fastmri_folder(tmp_path / "knees", val=2)
    command = ["reproduce", "aps-table1", "--data", str(data), "--scale", "small", "--config", str(tiny)]
    assert main([*command, "--device", "cpu", "--workers", "2"]) == 0
    out = tmp_path / "runs" / "aps-mri-small"
    assert sorted(path.name for path in (out / "runs" / "mri").iterdir()) == sorted([*PUBLISHED, *OURS])
    records = read_records(out / "evaluation")
    assert {record.protocol for record in records} == {"quality", "equivariance"}
    page = (out / "aps-table1.html").read_text(encoding="utf-8")
    assert "plain-shifts, published" in page
    assert "33.58" in page  # of Table 1: the PSNR of Baseline + DA on PD
    shown = capsys.readouterr().out
    assert "networks  13: plain, plain-shifts, lpf2" in shown
    assert "13 of them still to be trained" in shown
    assert f"the report is in {Path('runs/aps-mri-small/aps-table1.html')}" in shown

    assert main([*command, "--dry-run"]) == 0
    assert "0 of them still to be trained" in capsys.readouterr().out
    assert main(command) == 0  # nothing is left
    assert "training: done already" in capsys.readouterr().err


def test_table_4_is_of_ct(tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_lodopab_folder(tmp_path / "chests")
    command = ["reproduce", "aps-table4", "--data", str(data), "--variants", "plain,aps3", "--scale", "small"]
    assert main([*command, "--config", str(tiny), "--device", "cpu", "--workers", "1", "--out", "ct"]) == 0
    page = (tmp_path / "ct" / "aps-table4.html").read_text(encoding="utf-8")
    assert "34.76" in page  # of Table 4: the baseline's PSNR
    assert "34.95" in page  # and that of APS-3


def test_tables_of_one_modality_use_the_networks_that_are_there(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    knees = write_fastmri_folder(tmp_path / "knees", val=2)
    chests = write_lodopab_folder(tmp_path / "chests")
    options = ["--data", str(knees), "--variants", "plain", "--scale", "small", "--config", str(tiny), "--limit", "2"]
    places = ["--device", "cpu", "--workers", "1"]
    assert main(["reproduce", "aps-table2", *options, *places]) == 0
    capsys.readouterr()
    assert main(["reproduce", "aps-table3", *options, *places, "--other", str(chests)]) == 0
    assert "training: done already" in capsys.readouterr().err
    records = read_records(tmp_path / "runs" / "aps-mri-small" / "evaluation")
    assert {record.protocol for record in records} == {"worst", "ood"}
    tried = {
        record.settings["tried"] for record in records if record.subject.kind == "UNet" and record.protocol == "worst"
    }
    assert tried == {11}
    page = (tmp_path / "runs" / "aps-mri-small" / "aps-table3.html").read_text(encoding="utf-8")
    assert "4.03" in page  # of Table 2: the baseline's worst change
    assert "8.67·10⁻³" in page  # of Table 3: its error on natural images


def test_plan_says_what_it_takes_and_writes_nothing(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_fastmri_folder(tmp_path / "knees", val=2)
    before = sorted(tmp_path.rglob("*"))
    command = ["reproduce", "aps-table2", "--data", str(data), "--config", str(tiny), "--device", "cpu", "--dry-run"]
    assert main(command) == 0
    assert sorted(tmp_path.rglob("*")) == before
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:] if not line.startswith("   ")] == [
        *("networks", "data", "time", "memory", "disk")
    ]
    assert "6 training slices, 6 for validation, 6 for testing, of 24 x 24" in "\n".join(lines)


@pytest.mark.parametrize(
    ("table", "write", "said"),
    [
        ("mass-table2", write_cifar, "networks  9: plain, aps, mass, lpf3, aps3, mass3, ddac3, aps-ddac3, mass-ddac3;"),
        ("mass-table3", write_imagenet, "networks  3: plain, aps-keep-transferred, mass-transferred; 3 of them still"),
        ("mass-table4", write_imagenet, "networks  3: plain, mass-transferred, mass-tuned; 3 of them still"),
        ("mass-table5", write_voc, "networks  4: plain, aps, lps, mass; 4 of them still"),
    ],
)
def test_plan_of_a_table_of_labels_is_of_its_images_and_networks(
    table: str,
    write: Callable[[Path], Path],
    said: str,
    tmp_path: Path,
    narrow: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["reproduce", table, "--data", str(write(tmp_path / "data")), "--scale", "small", "--config", str(narrow)]
    assert main([*command, "--device", "cpu", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert said in shown
    assert ", width 4), 1 epoch in batches of 10" in shown
    assert " training images, " in shown
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_table_2_of_mass_from_training_to_the_published_figures(tmp_path: Path, narrow: Path) -> None:
    data = write_cifar(tmp_path / "cifar10")
    command = ["reproduce", "mass-table2-resnet20", "--data", str(data), "--scale", "small", "--limit", "5"]
    command += ["--config", str(narrow), "--variants", "mass", "--device", "cpu", "--workers", "1"]
    assert main(command) == 0
    out = tmp_path / "runs" / "mass-cifar10-resnet20-small"
    records = read_records(out / "evaluation")
    assert {(one.protocol, one.subject.name) for one in records} == {
        (protocol, "mass") for protocol in ("accuracy", "consistency")
    }
    page = (out / "mass-table2-resnet20.html").read_text(encoding="utf-8")
    assert "92.03" in page  # of Table 2: the accuracy of ResNet-20 with MASS
    assert "94.94" not in page  # of ResNet-18


@pytest.mark.slow
def test_table_4_of_mass_takes_weights_over_and_trains_them_on(tmp_path: Path, narrow: Path) -> None:
    data = write_imagenet(tmp_path / "imagenet")
    command = ["reproduce", "mass-table4", "--data", str(data), "--scale", "small", "--limit", "4"]
    command += ["--config", str(narrow), "--device", "cpu", "--workers", "1", "--out", "four"]
    assert main(command) == 0
    names = {record.subject.name for record in read_records(tmp_path / "four" / "evaluation")}
    assert names == {"plain", "mass-transferred", "mass-tuned"}
    assert "69.20" in (tmp_path / "four" / "mass-table4.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["aps-table9"], "the table must be one of aps-table1, aps-table2, aps-table3, aps-table4, mass-table2, "),
        (["mass-table5"], "needs the pictures of the paper, which the embedded ones are not; give --data, or --scale"),
        (["mass-table3", "--scale", "small", "--variants", "mass"], "--variants is for tables all of whose networks"),
        (["aps-table1", "--data", "nowhere"], "nowhere"),
        (["aps-table1", "--variants", "masss"], "did you mean 'mass'"),
        (["aps-table1", "--ood", "images"], "--ood is for aps-table3 alone"),
        (["aps-table4"], "needs images of 352 x 352"),
        (["aps-table3", "--scale", "small", "--other", "nowhere"], "nowhere"),
        (["aps-table1", "--limit", "0"], "limit must be a whole number of at least 1, got 0"),
        (["aps-table1", "--workers", "0"], "workers must be a whole number of at least 1, got 0"),
        (["aps-table1", "--device", "tpu"], "device must be auto, cpu, cuda or cuda:N, got 'tpu'"),
        (["aps-table1", "--config", "missing.yaml"], "--config must name a file, got missing.yaml"),
    ],
)
def test_mistake_is_told_in_a_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", *arguments]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.startswith("recon: error: ")
    assert not Path("runs").exists()


def test_demo_refuses_what_it_cannot_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("a file")
    assert main(["demo", "--workers", "0"]) == 2
    assert main(["demo", "--quick", "--out", "taken"]) == 2
    assert capsys.readouterr().err.count("recon: error: ") == 2
    assert (tmp_path / "taken").read_text() == "a file"
