"""`recon data`: what it prints, its exit statuses, and what bad inputs give."""

import json
import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import pytest
from PIL import Image

from recon import cli
from recon.cli import data
from recon.cli.data_text import _slices
from recon.data import embedded
from recon.data.inspection import problems
from recon.data.synthetic import labels, make, volumes
from recon.data.synthetic.make import LabelledSet, SyntheticSet
from tests.data.files import cut, write_fastmri_folder, write_fastmri_volume, write_lodopab_folder

PRINT_LOADED = "import sys\nfrom recon.cli import main\ntry: main({arguments})\nfinally: print(*sys.modules)"
HEAVY = {"torch", "numpy", "h5py", "rich", "PIL", "matplotlib"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's cache out of it."""
    monkeypatch.setenv("RECON_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def knees(tmp_path: Path) -> Path:
    return write_fastmri_folder(tmp_path / "knee with spaces, é")


@pytest.fixture
def chests(tmp_path: Path) -> Path:
    return write_lodopab_folder(tmp_path / "chest")


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """Give what a command says that is refused."""
    assert cli.main(["data", *map(str, arguments)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("recon: error: ")
    return printed.err


@pytest.mark.parametrize("arguments", [["data", "--help"], ["data", "make", "--help"], ["data", "check", "--help"]])
def test_help_loads_no_heavy_library(arguments: list[str]) -> None:
    code = PRINT_LOADED.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert {name.partition(".")[0] for name in done.stdout.split()} & HEAVY == set()
    assert "usage: recon data" in done.stdout


def test_no_command_of_data_gives_help_and_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data"]) == 2
    assert "usage: recon data" in capsys.readouterr().err


def test_help_of_make_tells_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["data", "make", "--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert "({mri} for mri, {ct} for ct, ".format(**volumes.SIZES) in words
    assert "{imagenet} for imagenet, {voc} for voc; {cifar10} for cifar10 always)".format(**labels.SIDES) in words
    assert "({mri} for mri, {ct} for ct)".format(**volumes.SLICES) in words
    assert "({cifar10} for cifar10, {imagenet} for imagenet, {voc} for voc)".format(**labels.IMAGES) in words


# info


def test_info_describes_volumes(knees: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "info", str(knees)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [str(knees), "MRI: fastMRI single-coil volumes"]
    assert [line.split()[:4] for line in lines[3:8]] == [
        ["part", "files", "volumes", "slices"],
        *(["train", "2", "2", "6"], ["val", "1", "1", "3"], ["test", "1", "1", "3"], ["all", "4", "4", "12"]),
    ]
    assert "targets       24 x 24 (4 volumes)" in lines
    assert "k-space       48 x 40 (4 volumes)" in lines
    assert "acquisitions  PD (3 volumes), PDFS (1 volume)" in lines


def test_info_as_json_is_the_description(chests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "info", str(chests), "--json", "--full"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["folder"], found["modality"], found["synthetic"]) == (str(chests), "CT", 0)
    assert [part["slices"] for part in found["parts"]] == [3, 2, 2]


def test_info_writes_a_contact_sheet(knees: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "new folder" / "sheet.png"
    assert cli.main(["data", "info", str(knees), "--sheet", str(sheet), "--json"]) == 0
    printed = capsys.readouterr()
    assert sheet.is_file()
    assert json.loads(printed.out)["kind"] == "fastmri"
    assert f"slices: {sheet}" in printed.err
    (tmp_path / "file").touch()
    assert cli.main(["data", "info", str(knees), "--sheet", str(tmp_path / "file" / "sheet.png")]) == 2
    assert "file/sheet.png cannot be written" in capsys.readouterr().err


def test_info_says_which_files_cannot_be_read(knees: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut(knees / "singlecoil_val" / "file1000002.h5")
    assert cli.main(["data", "info", str(knees)]) == 0
    assert "1 file cannot be read; see recon data check:" in capsys.readouterr().out


def test_without_folder_the_embedded_data_are_made_and_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(embedded.EMBEDDED, "mri", SyntheticSet("mri", volumes=3, size=32, slices=2))
    monkeypatch.setitem(embedded.EMBEDDED, "ct", SyntheticSet("ct", volumes=3, size=32, slices=2))
    monkeypatch.setitem(embedded.EMBEDDED, "cifar10", LabelledSet("cifar10", images=60, size=32))
    monkeypatch.setitem(embedded.EMBEDDED, "imagenet", LabelledSet("imagenet", images=50, size=32))
    monkeypatch.setitem(embedded.EMBEDDED, "voc", LabelledSet("voc", images=4, size=64))
    assert cli.main(["data", "info"]) == 0
    printed = capsys.readouterr()
    for name in embedded.EMBEDDED:
        assert str(embedded.embedded_folder(name)) in printed.out
    assert "no data folder is given: using the embedded synthetic data" in printed.err
    assert cli.main(["data", "prepare", "--dry-run"]) == 0
    assert "3 files to make" in capsys.readouterr().out


def test_sheet_is_written_even_if_nobody_reads_the_text(
    knees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(description: object) -> str:
        raise BrokenPipeError

    monkeypatch.setattr(data, "description_text", closed)
    options = Namespace(folder=knees, sheet=tmp_path / "sheet.png", json=False, full=False)
    with pytest.raises(BrokenPipeError):
        data.print_info(options)
    assert options.sheet.stat().st_size > 1000


# check


def test_check_of_clean_data_is_a_success(knees: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "check", str(knees)]) == 0
    assert capsys.readouterr().out == f"{knees}: 4 files checked, no problems\n"


def test_check_names_every_problem_and_fails(knees: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut(knees / "singlecoil_val" / "file1000002.h5")
    (knees / "singlecoil_train" / "text.h5").write_text("text")
    (knees / "singlecoil_train" / "file.h5.1.partial").touch()
    assert cli.main(["data", "check", str(knees)]) == 1
    text, truncated, note, total = capsys.readouterr().out.splitlines()
    assert text.startswith("singlecoil_train/text.h5: cannot be read: it is not an HDF5 file")
    assert truncated.startswith("singlecoil_val/file1000002.h5: cannot be read: it is truncated")
    assert note.startswith("note: singlecoil_train/file.h5.1.partial: is left over")
    assert total == f"{knees}: 5 files checked, 2 problems in 2 files"


def test_check_as_json_has_the_same(knees: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_fastmri_volume(knees / "singlecoil_val" / "file9.h5", attributes={"max": 1.0, "patient_id": None})
    assert cli.main(["data", "check", str(knees), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["files"] == 5
    assert [(one["file"], one["note"]) for one in found["problems"]][:2] == [(str(path), True), (str(path), False)]


def test_notes_are_no_failure(knees: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (knees / "singlecoil_train" / "file.h5.1.partial").touch()
    assert cli.main(["data", "check", str(knees)]) == 0
    assert "note: " in capsys.readouterr().out


def test_whatever_fails_in_one_file_does_not_stop_the_check(
    knees: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(path: Path, part: str) -> None:
        raise RuntimeError("Unable to synchronously open object")

    monkeypatch.setattr(problems, "check_volume", broken)
    assert cli.main(["data", "check", str(knees)]) == 1
    printed = capsys.readouterr().out
    assert printed.count("cannot be checked: it may be corrupt (RuntimeError: Unable to synchronously open") == 4


@pytest.mark.parametrize(
    ("slices", "words"), [([3], "slice 3"), ([0, 1, 2, 7], "slices 0-2, 7"), ([1, 3, 4], "slices 1, 3-4")]
)
def test_slices_that_follow_each_other_are_a_range(slices: list[int], words: str) -> None:
    assert _slices(slices) == words


@pytest.mark.parametrize("command", ["info", "check", "prepare"])
def test_folder_that_is_no_data_set_is_answered_with_the_tree(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    printed = refusal(capsys, command, tmp_path / "empty")
    assert "empty must be a folder of fastMRI, LoDoPaB-CT, CIFAR-10, ImageNet, PASCAL VOC or images" in printed
    assert "got an empty folder\n\n" in printed
    assert "\n    singlecoil_val/file1000000.h5 ..\n" in printed
    printed = refusal(capsys, command, tmp_path / "emtpy")
    assert printed.endswith(f"did you mean {tmp_path / 'empty'}?\n")


# prepare


def test_prepare_makes_files_once(chests: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "prepare", str(chests), "--dry-run"]) == 0
    assert capsys.readouterr().out == f"{chests}: 3 files to make, 7.2 kB in {cache}; 0 fresh\n"
    assert not cache.exists()
    assert cli.main(["data", "prepare", str(chests)]) == 0
    assert capsys.readouterr().out.startswith(f"{chests}: made 3 files, 0 fresh before; ")
    assert cli.main(["data", "prepare", str(chests)]) == 0
    assert capsys.readouterr().out.startswith(f"{chests}: made 0 files, 3 fresh before; ")
    assert cli.main(["data", "prepare", str(chests), "--filter", "ramp", "--cache", str(cache / "other")]) == 0
    assert len(list((cache / "other").rglob("*.h5"))) == 3


def test_prepare_stops_at_a_bad_file_or_skips_it(knees: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (knees / "singlecoil_val" / "file1000002.h5").write_text("text")
    assert "file1000002.h5 cannot be read: it is not an HDF5 file" in refusal(capsys, "prepare", knees)
    assert cli.main(["data", "prepare", str(knees), "--on-bad-file", "skip"]) == 0
    printed = capsys.readouterr()
    assert "made 3 files" in printed.out
    assert printed.err.count("skipped: ") == 1


def test_cache_that_cannot_be_written_is_refused(
    chests: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    printed = refusal(capsys, "prepare", chests, "--cache", tmp_path / "file")
    assert "must be writable" in printed
    assert "--cache" in printed


def test_ctrl_c_leaves_whole_files_and_the_next_run_goes_on(
    knees: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replace = Path.replace
    moved = []

    def interrupted(self: Path, target: Path) -> Path:
        moved.append(target)
        if len(moved) == 3:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    assert cli.main(["data", "prepare", str(knees)]) == 130
    assert len(list(cache.rglob("*.h5"))) == 2
    assert list(cache.rglob("*.partial")) == []
    monkeypatch.setattr(Path, "replace", replace)
    capsys.readouterr()
    assert cli.main(["data", "prepare", str(knees)]) == 0
    assert "made 2 files, 2 fresh before" in capsys.readouterr().out


# make


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[SyntheticSet, Path, int]]:
    """Note what would be made, and make none of it."""
    calls: list[tuple[SyntheticSet, Path, int]] = []

    def make_nothing(chosen: SyntheticSet, folder: Path, *, workers: int) -> int:
        folder.mkdir(exist_ok=True)
        calls.append((chosen, folder, workers))
        return 0 if len(calls) > 1 else 20

    monkeypatch.setattr(make, "make", make_nothing)
    return calls


def test_make_has_the_real_data_s_sizes(
    made: list[tuple[SyntheticSet, Path, int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["data", "make", "mri", "--out", str(tmp_path / "a")]) == 0
    assert cli.main(["data", "make", "ct", "--out", str(tmp_path / "b"), "--workers", "3"]) == 0
    assert made[0][0] == SyntheticSet("mri", volumes=20, size=320, slices=32, seed=0, scene="knee")
    assert made[0][2] >= 1
    assert made[1] == (SyntheticSet("ct", volumes=20, size=362, slices=24, seed=0, scene="chest"), tmp_path / "b", 3)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith(f"synthetic MRI data in {tmp_path / 'a'}: 20 knee volumes of 32 slices of 320 x 320")
    assert printed[0].endswith("made 20 files")
    assert printed[1] == f"look at them: recon data info {tmp_path / 'a'} --sheet sheet.png"
    assert printed[2].endswith("all files were there already")


def test_make_passes_its_options_on(made: list[tuple[SyntheticSet, Path, int]], tmp_path: Path) -> None:
    options = ["--volumes", "3", "--size", "64", "--slices", "2", "--seed", "5", "--scene", "ellipses"]
    assert cli.main(["data", "make", "ct", "--out", str(tmp_path / "b"), *options]) == 0
    assert made[0][0] == SyntheticSet("ct", volumes=3, size=64, slices=2, seed=5, scene="ellipses")


def test_make_of_labelled_sets_has_options_of_its_own(
    made: list[tuple[SyntheticSet | LabelledSet, Path, int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["data", "make", "imagenet", "--out", str(tmp_path / "a")]) == 0
    assert cli.main(["data", "make", "voc", "--out", str(tmp_path / "b"), "--images", "9", "--size", "96"]) == 0
    assert [call[0] for call in made] == [LabelledSet("imagenet", 1500, 112), LabelledSet("voc", 9, 96)]
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith(f"synthetic ImageNet data in {tmp_path / 'a'}: 1 500 images of 112 x 112, seed 0, ")
    for options in (["voc", "--volumes", "3"], ["cifar10", "--scene", "chest"], ["ct", "--images", "3"]):
        words = refusal(capsys, "make", *options, "--out", tmp_path / "c")
        assert f"got {options[1]} {options[2]} for {options[0]}; leave it out" in words


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--volumes", "0"], "volumes must be a whole number of at least 1, got 0"),
        (["--size", "3"], "size must be a whole number of at least 32, got 3"),
        (["--scene", "chest"], "scene must be one of knee, got 'chest'"),
        (["--workers", "0"], "workers must be a whole number of at least 1, got 0"),
    ],
)
def test_make_refuses_what_cannot_be_made(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refusal(capsys, "make", "mri", "--out", tmp_path / "a", *options)
    assert not (tmp_path / "a").exists()


def test_make_refuses_a_folder_with_other_contents(knees: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "must be a new or an empty folder" in refusal(capsys, "make", "mri", "--out", knees)


def test_make_makes_what_the_others_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "synthetic knees"
    options = ["--volumes", "3", "--size", "32", "--slices", "2", "--workers", "1"]
    assert cli.main(["data", "make", "mri", "--out", str(folder), *options]) == 0
    assert cli.main(["data", "check", str(folder)]) == 0
    capsys.readouterr()
    assert cli.main(["data", "info", str(folder)]) == 0
    assert "MRI: fastMRI single-coil volumes, synthetic" in capsys.readouterr().out


# labelled sets


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    make.make(LabelledSet("voc", images=5, size=64), tmp_path / "scenes")
    return tmp_path / "scenes"


def test_info_tells_how_many_images_show_each_class(scenes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "info", str(scenes), "--sheet", str(scenes.parent / "sheet.png")]) == 0
    printed = capsys.readouterr()
    lines = [" ".join(line.split()) for line in printed.out.splitlines()]
    assert lines[1] == "labelled images: PASCAL VOC's pictures and masks, synthetic"
    assert lines[3] == "part files images on disk"
    assert "sizes 64 x 64 (5 images)" in lines
    assert "shows train val" in lines
    assert "background 4 1" in lines
    assert printed.err.startswith("contact sheet of 5 images: ")


def test_info_names_the_first_of_many_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(30):
        (tmp_path / "train" / f"n{number:08d}").mkdir(parents=True)
        Image.new("RGB", (8, 6)).save(tmp_path / "train" / f"n{number:08d}" / "a.JPEG")
    Image.new("RGB", (8, 6)).save(tmp_path / "train" / "n00000003" / "b.JPEG")
    assert cli.main(["data", "info", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "n00000023" in printed
    assert "n00000024" not in printed
    assert printed.endswith("and 6 classes more; all have from 1 to 2\n")


def test_labelled_sets_need_no_preparation(scenes: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "prepare", str(scenes)]) == 0
    words = "nothing to prepare: PASCAL VOC's pictures and masks are read as they are"
    assert capsys.readouterr().out == f"{scenes}: {words}\n"
    assert not cache.exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_while_making_is_quiet_and_leaves_whole_files(tmp_path: Path) -> None:
    options = ["--volumes", "9", "--size", "96", "--slices", "6", "--workers", "2"]
    command = [sys.executable, "-m", "recon", "data", "make", "mri", "--out", str(tmp_path / "a"), *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=_listen
    )
    for _ in range(600):
        if list(tmp_path.rglob("*.h5")):
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    printed = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in printed[1]
    assert 0 < len(list(tmp_path.rglob("*.h5"))) < 9
    assert list(tmp_path.rglob("*.partial")) == []


def test_data_s_workers_are_the_cpus_unless_chosen() -> None:
    assert data._workers(7) == 7
    assert data._workers(None) >= 1


def _listen() -> None:
    """Let a child hear Ctrl-C, even where the tests run in the background and ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
