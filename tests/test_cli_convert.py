"""`recon convert` as a person uses it: on tiny data, with mistakes, stopped, gone on with, and trained on."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.torch import load_file

from recon.checkpoints import save
from recon.cli import main
from recon.data.synthetic.make import LabelledSet, make
from recon.errors import DataError
from tests.data.files import write_fastmri_folder
from tests.evaluation.labels.small import classifier, segmenter, write_label_run
from tests.evaluation.small import unet, write_run

ROOT = Path(__file__).parents[1]
HERE = "tests.conversion.networks"
Told = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def knees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a data folder whose name has a space."""
    return write_fastmri_folder(tmp_path_factory.mktemp("data") / "the knees")


@pytest.fixture(scope="module")
def plain(knees: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a run whose name has a space."""
    return write_run(tmp_path_factory.mktemp("runs") / "the plain", data=knees)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make labelled pictures in CIFAR-10's files."""
    folder = tmp_path_factory.mktemp("data") / "cifar10"
    make(LabelledSet("cifar10", images=60, size=32), folder)
    return folder


def convert(*words: str | Path) -> int:
    return main(["convert", *map(str, words), "--device", "cpu"])


def found_in(out: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((out / "conversion.json").read_text(encoding="utf-8"))
    return found


def test_help_loads_no_torch() -> None:
    code = "import sys; from recon.cli import main\ntry: main(['convert', '--help'])\nexcept SystemExit: pass\n"
    code += "print('torch' in sys.modules, 'numpy' in sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.split() == ["False", "False"]
    assert "CHECKPOINT|module:factory" in done.stdout


def test_a_run_is_converted_measured_and_trained_on(plain: Path, tmp_path: Path, capsys: Told) -> None:
    out = tmp_path / "the result"
    assert convert(plain, "--method", "mass", "--limit", "2", "--out", out) == 0
    told = capsys.readouterr().out
    found, measured = found_in(out), found_in(out)["measured"]
    assert measured["bitwise, every shift"]["original"] < 1 == measured["bitwise, every shift"]["converted"]
    assert measured["largest NMSE, every shift"]["original"] > 0 == measured["largest NMSE, every shift"]["converted"]
    quality = measured["mean PSNR (dB)"]
    assert quality["change"] == quality["converted"] - quality["original"]
    assert (found["original"]["variant"], found["converted"]["variant"]) == ("plain", "mass-transferred")
    assert found["original"]["weights"] == found["converted"]["weights"]  # MASS has none of its own
    assert [one["which"] for one in found["tries"]] == ["all residues"] * 2
    assert (found["data"]["synthetic"], found["images"]) == (False, 3)
    assert re.search(r"mean PSNR \(dB\) +\d+\.\d\d +\d+\.\d\d +\S+\n", told)
    assert re.search(r"bitwise, every shift +\d+(\.\d)? % +100 % +\+\d+(\.\d\d)? points\n", told)
    assert f"train it on: recon train --config '{out}/config.yaml'" in told
    before, after = load_file(plain / "checkpoints" / "best.safetensors"), load_file(out / "network.safetensors")
    assert before.keys() == after.keys()
    assert all(before[name].numpy().tobytes() == after[name].numpy().tobytes() for name in before)
    more = ("--data.init_args.workers", "0", "--trainer.max_epochs", "1", "--trainer.accelerator", "cpu")
    assert main(["train", "--config", str(out / "config.yaml"), *more]) == 0
    assert (out / "tuned" / "checkpoints" / "last.safetensors").exists()


def test_a_classifier_has_accuracy_consistency_and_the_worst_shift(
    pictures: Path, tmp_path: Path, capsys: Told
) -> None:
    run = write_label_run(tmp_path / "run", classifier(classes=10), modality="cifar10", folder=pictures)
    assert convert(run, "--method", "aps", "--limit", "6", "--out", tmp_path / "out") == 0
    measured = found_in(tmp_path / "out")["measured"]
    for name in ("accuracy", "accuracy under the worst shift"):
        assert set(measured[name]) == {"original", "converted", "change"}
    assert measured["consistency under circular shifts"]["converted"] == 1
    exact = measured["equal bit for bit, every shift"]
    assert (exact["original"], exact["converted"], exact["change"]) == (0, 1, 1)
    told = capsys.readouterr().out
    assert "synthetic): 6 images" in told
    assert "every shift: 6 images under all 16 shifts below the period 4" in told
    assert "/recon/nn" not in told


def test_a_segmenter_has_the_share_of_labels_that_stay(tmp_path: Path) -> None:
    make(LabelledSet("voc", images=10, size=64), tmp_path / "voc")
    run = tmp_path / "run"
    write_label_run(run, segmenter(classes=21), modality="voc", folder=tmp_path / "voc", settings={"crop": 32})
    assert convert(run, "--limit", "1", "--out", tmp_path / "out") == 0
    stays = found_in(tmp_path / "out")["measured"]["same label under the worst shift"]
    assert stays["original"] < 1 == stays["converted"]
    config = yaml.safe_load((tmp_path / "out" / "config.yaml").read_text())
    assert (config["task"], config["data"]["init_args"]["crop"]) == ("segmentation", 32)


def test_zero_padded_network_is_tried_under_shifts_at_random(knees: Path, tmp_path: Path, capsys: Told) -> None:
    run = write_run(tmp_path / "zeros", data=knees, padding="zeros")
    assert convert(run, "--limit", "1", "--out", tmp_path / "out") == 0
    assert [one["which"] for one in found_in(tmp_path / "out")["tries"]] == ["random", "all residues"]
    told = capsys.readouterr().out
    assert "every shift, original: 1 image under 257 shifts at random, since it is not circular" in told
    assert "every shift, converted: 1 image under all 16 shifts below the period 4" in told


def test_factory_is_tried_without_data_and_quality_is_said_to_be_unknown(tmp_path: Path, capsys: Told) -> None:
    assert convert(f"{HERE}:small", "--example", "1,16,16", "--out", tmp_path / "out") == 0
    told = capsys.readouterr().out
    assert "every shift below the period 2" in told
    assert "the change of quality was not measured: say with --modality and --data" in told
    assert re.search(r"white noise +\S+ \(0 of (\d+)\) +\S+ \(\d+ of \1\) +0\.0 \(\1 of \1\)\n", told)
    assert "--config RECIPE --config" in told
    assert "where RECIPE is configs/mri.yaml, configs/ct.yaml" in told
    found = found_in(tmp_path / "out")
    assert (found["data"], found["original"]["variant"]) == (None, "none")
    assert all(one["bitwise"] == one["compared"] for one in found["shifts"]["converted"])
    assert all(one["bitwise"] == 0 for one in found["shifts"]["original"])


def test_factory_is_measured_on_data_and_its_configuration_is_whole(knees: Path, tmp_path: Path, capsys: Told) -> None:
    out = tmp_path / "out"
    words = ("--method", "aps", "--blur", "tri-3", "--modality", "mri", "--data", knees, "--limit", "1", "--out", out)
    assert convert(f"{HERE}:anew", *words) == 0
    told = capsys.readouterr().out
    found = found_in(out)
    assert (found["converted"]["variant"], found["blur"]) == ("aps-tri-3-transferred", "tri-3")
    assert found["measured"]["bitwise, every shift"]["converted"] == 1
    assert "RECIPE" not in told
    assert yaml.safe_load((out / "config.yaml").read_text())["data"]["init_args"]["data_dir"] == str(knees)
    command = [str(out / "original.safetensors"), str(out / "network.safetensors"), "--factory", f"{HERE}:anew"]
    command += ["--modality", "mri", "--data", str(knees)]
    asked = ["--protocol", "quality", "--limit", "1", "--device", "cpu", "--out", str(tmp_path / "evaluation")]
    assert main(["evaluate", *command, *asked]) == 0


def test_outputs_on_a_coarser_grid_are_told_of(tmp_path: Path, capsys: Told) -> None:
    assert convert(f"{HERE}:Pyramid", "--limit", "2", "--out", tmp_path / "one") == 0
    assert "1 other output on a coarser grid, not compared" in capsys.readouterr().out
    assert convert(f"{HERE}:Features", "--limit", "2", "--out", tmp_path / "two") == 0
    assert "not measured: no output is without pixels" in capsys.readouterr().out


def test_weights_that_are_not_trained_are_told_of(tmp_path: Path, capsys: Told) -> None:
    assert convert(f"{HERE}:small", "--method", "lps", "--limit", "1", "--out", tmp_path / "out") == 0
    untrained = found_in(tmp_path / "out")["converted"]["untrained"]
    assert f"not trained yet: {len(untrained)} weight tensors of the sampling lps" in capsys.readouterr().out


def test_interrupted_conversion_is_gone_on_with_and_another_refused(
    plain: Path, tmp_path: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("recon.evaluation.quality.QualityProtocol.measure", stop)
        assert convert(plain, "--limit", "1", "--out", out) == 130
    assert "go on with the same command" in capsys.readouterr().err
    assert not (out / "conversion.json").exists()
    assert convert(plain, "--method", "aps", "--limit", "1", "--out", out) == 2
    assert "got one with another conversion; choose another --out" in capsys.readouterr().err
    assert convert(plain, "--limit", "1", "--out", out) == 0
    first = found_in(out)
    assert convert(plain, "--limit", "1", "--out", out) == 0
    assert found_in(out) == first


def test_mistake_while_measuring_says_what_is_kept(
    plain: Path, tmp_path: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        (tmp_path / "out" / "evaluation").mkdir(exist_ok=True)
        raise DataError("slice 7 cannot be read")

    monkeypatch.setattr("recon.cli.converting.measured", fails)
    assert convert(plain, "--out", tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert "slice 7 cannot be read" in told
    assert "was not measured to the end: go on with the same command" in told
    assert (tmp_path / "out" / "network.safetensors").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "nowhere must be the folder of a run"),
        (("{plain}", "--method", "masss"), "did you mean 'mass'"),
        (("{plain}", "--blur", "box-9"), "got 'box-9'"),
        (("{plain}", "--limit", "0"), "limit must be a whole number of at least 1, got 0"),
        (("{plain}", "--batch-size", "0"), "batch size must be a whole number of at least 1"),
        (("{plain}", "--seed", "-1"), "seed must be a whole number of at least 0"),
        (("{plain}", "--data", "{pictures}"), "must be for CIFAR-10 data"),
        (("{plain}", "--data", "nowhere"), "got nothing there"),
        (("{plain}", "--modality", "cifar10"), "must be for CIFAR-10 data"),
        (("{plain}", "--example", "1,24,24"), "an example is for networks that are just made"),
        (("{plain}", "--factory", f"{HERE}:small"), "factory is for networks of your own"),
        (("{gone}",), "say where with --data"),
        (("{cut}",), "cut short or damaged"),
        ((f"{HERE}:small", "--example", "1,a"), "--example must be whole numbers such as 1,64,64"),
        ((f"{HERE}:small", "--example", "1,33,33"), "give --example 1,32,32"),
        ((f"{HERE}:small", "--example", "2x8x8"), "must take an image of 2 x 8 x 8 alone"),
        ((f"{HERE}:Looking",), "recon.Canonical"),
        ((f"{HERE}:classifier", "--modality", "mri", "--data", "{knees}"), "must take images of 1 x 24 x 24"),
    ],
)
def test_mistakes_are_told_in_words_and_leave_nothing(
    words: tuple[str, ...], said: str, plain: Path, pictures: Path, knees: Path, tmp_path: Path, capsys: Told
) -> None:
    gone = write_run(tmp_path / "gone", data=tmp_path / "no data")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes((plain / "checkpoints" / "best.safetensors").read_bytes()[:3000])
    places = {"plain": plain, "pictures": pictures, "knees": knees, "gone": gone, "cut": cut}
    assert convert(*(word.format(**places) for word in words), "--out", tmp_path / "out") == 2
    told = capsys.readouterr()
    assert said in told.err
    assert "Traceback" not in told.err
    assert not (tmp_path / "out").exists()


def test_run_is_not_written_into_itself(plain: Path, capsys: Told) -> None:
    before = sorted(path.name for path in plain.iterdir())
    assert convert(plain, "--out", plain) == 2
    assert "must be a new folder" in capsys.readouterr().err
    assert sorted(path.name for path in plain.iterdir()) == before


def test_gone_data_can_be_named(plain: Path, knees: Path, tmp_path: Path) -> None:
    gone = write_run(tmp_path / "gone", data=tmp_path / "no data")
    assert convert(gone, "--data", knees, "--limit", "1", "--out", tmp_path / "out") == 0
    config = yaml.safe_load((tmp_path / "out" / "config.yaml").read_text())
    assert config["data"]["init_args"]["data_dir"] == str(knees)


def test_network_without_data_is_tried_like_one_of_ones_own(tmp_path: Path, capsys: Told) -> None:
    save(unet(padding="zeros"), tmp_path / "bare.safetensors")
    assert convert(tmp_path / "bare.safetensors", "--limit", "3", "--out", tmp_path / "out") == 0
    told = capsys.readouterr().out
    assert "2 pairs of down and up layers with the sampling mass" in told
    assert "3 shifts below the period 4, at random" in told
    assert "where RECIPE is configs/mri.yaml or configs/ct.yaml" in told
