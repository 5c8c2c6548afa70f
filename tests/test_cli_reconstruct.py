"""`recon reconstruct` as a person uses it: every format, with mistakes, and stopped by Ctrl-C."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pydicom
import pytest

from recon.cli import main
from recon.clinical.formats import FORMATS
from recon.clinical.words import RESEARCH_ONLY
from tests.clinical.conftest import write_network
from tests.clinical.dicom.phantoms import TELLTALES, write_series
from tests.clinical.mrd.scans import acquisitions, header, kspace_of, write_file
from tests.data.files import cut, write_fastmri_folder, write_fastmri_volume, write_lodopab_folder

ROOT = Path(__file__).parents[1]

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def mri(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a network for MRI."""
    return write_network(tmp_path_factory.mktemp("models") / "mri.safetensors", "mri")


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a network for CT."""
    return write_network(tmp_path_factory.mktemp("models") / "ct.safetensors", "ct")


def reconstructed(*arguments: str | Path) -> int:
    return main(["reconstruct", *map(str, arguments), "--device", "cpu"])


def save(path: Path, *shape: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.random.default_rng(0).uniform(0, 100, shape or (2, 16, 16)))
    return path


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_help_loads_no_torch_and_names_every_format() -> None:
    code = "import sys; from recon.cli import main\ntry: main(['reconstruct', '--help'])\nexcept SystemExit: pass\n"
    code += "print('torch' in sys.modules, 'numpy' in sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.split() == ["False", "False"]
    assert "{" + ",".join(FORMATS) + "}" in done.stdout
    assert "research use only" in done.stdout


def test_every_format_of_mri_in_one_nested_folder(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    data = tmp_path / "data"
    write_fastmri_folder(data / "knees", val=0)
    (data / "raw").mkdir()
    write_file(data / "raw" / "scan.h5", header(), acquisitions(kspace_of()))
    write_series(data / "series" / "one", "MR")
    (data / "volumes").mkdir()
    nibabel.save(nibabel.Nifti1Image(np.random.default_rng(0).uniform(size=(16, 20, 3)), np.eye(4)), data / "x.nii.gz")
    save(data / "volumes" / "y.npy")
    (data / "notes.txt").write_text("-")
    assert reconstructed(mri, data, "-o", tmp_path / "out") == 0
    said = capsys.readouterr()
    assert files(tmp_path / "out") == [
        *(f"knees/singlecoil_{name}.h5" for name in ("test/file1000002", "train/file1000000", "train/file1000001")),
        "raw/scan.h5",
        *(f"series/one/{number:05d}.dcm" for number in range(1, 6)),
        "volumes/y.npy",
        "volumes/y.npy.json",
        "x.nii.gz",
    ]
    assert f"7 volumes, 22 slices in {tmp_path / 'out'}" in said.out
    assert "by aps (weights " in said.out
    assert RESEARCH_ONLY in said.out
    assert "left out: 1 file (notes.txt): of no format that is read" in said.err
    assert "2 volumes: no mask in the file" in said.err
    assert "reconstructing: 22 of 22 slices" in said.err


def test_every_format_of_ct(ct: Path, tmp_path: Path, capsys: Capture) -> None:
    data = write_lodopab_folder(tmp_path / "data")
    write_series(data / "head", "CT")
    save(data / "x.npy")
    assert reconstructed(ct, data, "-o", tmp_path / "out") == 0
    said = capsys.readouterr()
    found = files(tmp_path / "out")
    assert [name for name in found if not name.endswith(".dcm")] == [
        *(f"observation_{part}_000.hdf5" for part in ("test", "train", "validation")),
        "x.npy",
        "x.npy.json",
    ]
    assert "left out: 3 files (ground_truth_test_000.hdf5, " in said.err
    first = pydicom.dcmread(tmp_path / "out" / "head" / "00001.dcm")
    assert first.Modality == "CT"


def test_file_to_file(mri: Path, tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "in.h5")
    assert reconstructed(mri, path, "-o", tmp_path / "out.h5") == 0
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["reconstruction"].shape == (3, 24, 24)
    assert files(tmp_path) == ["in.h5", "out.h5"]


def test_several_inputs(mri: Path, tmp_path: Path) -> None:
    paths = [save(tmp_path / "a" / "1.npy").parent, save(tmp_path / "2.npy")]
    assert reconstructed(mri, *paths, "-o", tmp_path / "out") == 0
    assert files(tmp_path / "out") == ["1.npy", "1.npy.json", "2.npy", "2.npy.json"]


def test_undersampling_changes_what_is_reconstructed(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    path = write_fastmri_volume(tmp_path / "in.h5")
    assert reconstructed(mri, path, "-o", tmp_path / "full") == 0
    assert reconstructed(mri, path, "-o", tmp_path / "fewer", "--undersample") == 0
    with h5py.File(tmp_path / "full" / "in.h5") as full, h5py.File(tmp_path / "fewer" / "in.h5") as fewer:
        assert not np.allclose(full["reconstruction"], fewer["reconstruction"])
    assert capsys.readouterr().err.count("no mask in the file") == 1


def test_slices_along_another_axis(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    nibabel.save(nibabel.Nifti1Image(np.random.default_rng(0).uniform(size=(3, 16, 20)), np.eye(4)), tmp_path / "x.nii")
    assert reconstructed(mri, tmp_path / "x.nii", "-o", tmp_path / "y.nii", "--slice-axis", "0") == 0
    assert "1 volume, 3 slices" in capsys.readouterr().out
    assert nibabel.Nifti1Image.from_filename(tmp_path / "y.nii").shape == (3, 16, 20)


def test_padding_takes_any_size(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    path = save(tmp_path / "x.npy", 2, 17, 19)
    assert reconstructed(mri, path, "-o", tmp_path / "y.npy") == 2
    assert "multiples of 4, got 17 x 19; pass --pad circular" in capsys.readouterr().err
    assert not (tmp_path / "y.npy").exists()
    assert reconstructed(mri, path, "-o", tmp_path / "y.npy", "--pad", "reflect") == 0
    assert np.load(tmp_path / "y.npy").shape == (2, 17, 19)


def test_nothing_is_overwritten_without_force(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    save(tmp_path / "in" / "1.npy")
    assert reconstructed(mri, tmp_path / "in", "-o", tmp_path / "out") == 0
    save(tmp_path / "in" / "0.npy")
    (tmp_path / "out" / "1.npy").write_bytes(b"mine")
    capsys.readouterr()
    assert reconstructed(mri, tmp_path / "in", "-o", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert "1.npy must not be there yet, got 1 of 2 results that are; pass --force to overwrite, or --resume" in said
    assert "slices" not in said
    assert not (tmp_path / "out" / "0.npy").exists()
    assert (tmp_path / "out" / "1.npy").read_bytes() == b"mine"
    assert reconstructed(mri, tmp_path / "in", "-o", tmp_path / "out", "--force") == 0
    assert np.load(tmp_path / "out" / "1.npy").shape == (2, 16, 16)


def test_file_beside_a_result_is_not_overwritten_either(mri: Path, tmp_path: Path) -> None:
    path = save(tmp_path / "in" / "1.npy")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "1.npy.json").write_text("mine")
    assert reconstructed(mri, path, "-o", tmp_path / "out") == 2
    assert files(tmp_path / "out") == ["1.npy.json"]


def test_resuming_does_not_take_one_series_for_another(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    data = tmp_path / "in"
    for series in ("2", "3", "1"):  # they are numbered by the names of their files
        if series == "1":
            assert reconstructed(mri, data, "-o", tmp_path / "out") == 0
            assert reconstructed(mri, data, "-o", tmp_path / "out", "--resume") == 0
        for file in write_series(tmp_path / series, "MR", series=series):
            data.mkdir(exist_ok=True)
            file.rename(data / f"{series}-{file.name}")
    assert reconstructed(mri, data, "-o", tmp_path / "out", "--resume") == 2
    assert "must be of the same images to go on, got a result of others" in capsys.readouterr().err


def test_names_that_are_too_long_are_told(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    long = "a" * 300
    save(tmp_path / "x.npy")
    assert reconstructed(mri, tmp_path / "x.npy", "-o", tmp_path / long) == 2
    assert "below which a name is too long" in capsys.readouterr().err
    assert reconstructed("nomodel", long, "-o", tmp_path / "out") == 2
    assert reconstructed(mri, long, "-o", tmp_path / "out") == 2


def test_results_are_no_inputs(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    data = tmp_path / "in"
    write_fastmri_volume(data / "knee.h5")
    write_series(data / "series", "MR")
    for name in ("x.nii", "y.nii.gz"):
        nibabel.save(nibabel.Nifti1Image(np.ones((16, 16, 4), np.float32), np.eye(4)), data / name)
    save(data / "z.npy")
    assert reconstructed(mri, data, "-o", data / "out") == 0
    capsys.readouterr()
    for result in sorted(path for path in (data / "out").iterdir() if path.suffix != ".json"):
        assert reconstructed(mri, result, "-o", tmp_path / "again") == 2
        assert "holds images that recon reconstructed; give the measured data" in capsys.readouterr().err, result.name
    assert reconstructed(mri, data, "-o", tmp_path / "again") == 0
    told = capsys.readouterr()
    assert "5 volumes" in told.out
    assert "left out: 5 files" in told.err


def test_results_inside_the_input_are_not_read(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    save(tmp_path / "1.npy")
    out = tmp_path / "results"
    assert reconstructed(mri, tmp_path, "-o", out) == 0
    assert reconstructed(mri, tmp_path, "-o", out, "--force") == 0
    assert capsys.readouterr().out.count("1 volume, 2 slices") == 2
    assert files(out) == ["1.npy", "1.npy.json"]


def test_input_as_output_is_refused(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    save(tmp_path / "1.npy")
    assert reconstructed(mri, tmp_path, "-o", tmp_path, "--force") == 2
    assert "another folder than INPUT" in capsys.readouterr().err
    assert reconstructed(mri, tmp_path / "1.npy", "-o", tmp_path / "1.npy", "--force") == 2
    assert "must not replace an input" in capsys.readouterr().err


def test_volume_that_fails_is_listed_and_the_others_are_done(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    save(tmp_path / "in" / "1.npy")
    cut(write_fastmri_volume(tmp_path / "in" / "2.h5"))
    np.save(tmp_path / "in" / "3.npy", np.full((16, 16), np.nan))
    save(tmp_path / "in" / "4.npy", 2, 15, 16)
    save(tmp_path / "in" / "5.npy")
    assert reconstructed(mri, tmp_path / "in", "-o", tmp_path / "out") == 1
    said = capsys.readouterr()
    assert f"2 of 5 volumes, 4 of 5 slices in {tmp_path / 'out'}" in said.out
    assert "5 of 5 slices" in said.err  # those of what failed have been dealt with, too
    failed = [line for line in said.err.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 3
    for name, reason in (("2.h5", "truncated"), ("3.npy", "slice 0 must be finite"), ("4.npy", "multiples of 4")):
        assert any(name in line and reason in line for line in failed)
    assert files(tmp_path / "out") == ["1.npy", "1.npy.json", "5.npy", "5.npy.json"]


def test_files_of_one_name_are_told_apart_by_their_folders(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    for name in ("a", "b", "good"):
        save(tmp_path / "in" / name / "IM 1.npy", 2, *((16, 16) if name == "good" else (15, 16)))
    np.save(tmp_path / "in" / "c.npy", np.full((16, 16), np.inf))
    assert reconstructed(mri, tmp_path / "in", "-o", tmp_path / "out") == 1
    said = capsys.readouterr().err
    for name in ("a/IM 1.npy: images must have", "b/IM 1.npy: images must have", f"{tmp_path / 'in' / 'c.npy'}: slice"):
        assert f"failed: {name}" in said


@pytest.mark.parametrize("place", ["file", "file/out", "file/out.npy"])
def test_place_where_nothing_can_be_written_is_told_before_the_model_is_opened(
    place: str, tmp_path: Path, capsys: Capture
) -> None:
    save(tmp_path / "in" / "x.npy")
    save(tmp_path / "in" / "y.npy")
    (tmp_path / "file").write_text("-")
    assert reconstructed("none.safetensors", tmp_path / "in", "-o", tmp_path / place) == 2
    said = capsys.readouterr().err
    assert ("none.safetensors" in said) == (place == "file")  # a file is looked at when it is known what is written
    assert (f"got {tmp_path / 'file'}, which is no folder; choose another" in said) == (place != "file")
    assert len(said.splitlines()) == 1


def test_nothing_done_is_status_2(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    for number in range(2):
        path = save(tmp_path / "in" / f"{number}.npy")
        np.save(path, np.full((16, 16), np.nan))
    assert reconstructed(mri, tmp_path / "in", "-o", tmp_path / "out") == 2
    assert capsys.readouterr().err.count("failed: ") == 2
    assert not (tmp_path / "out").exists()


def test_other_modality_is_refused(ct: Path, mri: Path, tmp_path: Path, capsys: Capture) -> None:
    path = write_fastmri_volume(tmp_path / "in.h5")
    assert reconstructed(ct, path, "-o", tmp_path / "out.h5") == 2
    assert "must be CT, on which aps was trained, got MRI" in capsys.readouterr().err
    assert reconstructed(ct, save(tmp_path / "x.npy"), "-o", tmp_path / "y.npy", "--modality", "mri") == 2
    assert "trained on ct" in capsys.readouterr().err
    assert files(tmp_path) == ["in.h5", "x.npy"]


def test_resuming_does_the_rest(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    save(tmp_path / "in" / "1.npy")
    assert reconstructed(mri, tmp_path / "in", "-o", tmp_path / "out") == 0
    before = (tmp_path / "out" / "1.npy").stat().st_mtime_ns
    save(tmp_path / "in" / "2.npy")
    capsys.readouterr()
    assert reconstructed(mri, tmp_path / "in", "-o", tmp_path / "out", "--resume") == 0
    said = capsys.readouterr().out
    assert "kept: 1 volume that was there" in said
    assert "1 volume, 2 slices" in said
    assert (tmp_path / "out" / "1.npy").stat().st_mtime_ns == before
    assert reconstructed(mri, tmp_path / "in", "-o", tmp_path / "out", "--resume") == 0
    assert "kept: 2 volumes that were there" in capsys.readouterr().out


def test_results_of_another_network_are_not_gone_on_with(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    write_fastmri_volume(tmp_path / "in" / "1.h5")
    assert reconstructed(mri, tmp_path / "in", "-o", tmp_path / "out") == 0
    other = write_network(tmp_path / "other.safetensors", "mri", seed=1)
    write_fastmri_volume(tmp_path / "in" / "2.h5")
    assert reconstructed(other, tmp_path / "in", "-o", tmp_path / "out", "--resume") == 2
    assert "from the same weights to go on" in capsys.readouterr().err


def test_results_made_otherwise_are_not_gone_on_with(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    write_fastmri_volume(data / "knee.h5")
    write_file(data / "raw.h5", header(), acquisitions(kspace_of()))
    write_series(data / "series", "MR")
    nibabel.save(nibabel.Nifti1Image(np.random.default_rng(0).uniform(size=(16, 16, 4)), np.eye(4)), data / "x.nii")
    save(data / "y.npy")
    assert reconstructed(mri, data, "-o", out) == 0
    for padding in ([], ["--pad", "reflect"]):  # every size fits
        assert reconstructed(mri, data, "-o", out, "--resume", *padding) == 0
    assert capsys.readouterr().out.count("kept: 5 volumes") == 2
    for name in ("knee.h5", "raw.h5", "series", "x.nii", "y.npy"):
        words: list[str | Path] = [mri, data / name, "-o", out / name, "--resume", "--precision", "bfloat16"]
        assert reconstructed(*words) == 2
        said = capsys.readouterr().err
        assert f"{out / name} must be made in the same way to go on, got model" in said, name
        assert ", float32" in said.partition(", not model")[0]
        assert ", bfloat16" in said.partition(", not model")[2]
    assert reconstructed(mri, data, "-o", out, "--resume", "--undersample") == 2
    assert ", undersampled; choose another --out, or pass --force" in capsys.readouterr().err
    assert reconstructed(mri, data / "x.nii", "-o", out / "x.nii", "--resume", "--slice-axis", "0") == 2
    assert "slices along 2, not" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["none.safetensors", "x.npy", "-o", "y.npy"], "none.safetensors"),
        (["{mri}", "y.npy", "-o", "out"], "did you mean"),
        (["x.npy", "{mri}", "-o", "out"], "MODEL must come before INPUT, got x.npy before"),
        (["{mri}", "empty", "-o", "out"], "got no files"),
        (["{mri}", "x.npy", "-o", "y.nii"], "name a folder"),
        (["{mri}", "x.npy", "-o", "y.npy", "--batch-size", "0"], "--batch-size must be"),
        (["{mri}", "x.npy", "-o", "y.npy", "--undersample"], "is for fastMRI files"),
        (["{mri}", "x.npy", "-o", "y.npy", "--device", "gpu"], "device must be"),
        (["{mri}", "x.npy", "-o", "y.npy", "--format", "nifti"], "nifti, which was asked for"),
        (["{mri}", "notes.txt", "-o", "out"], "ends in .txt"),
    ],
)
def test_mistake_is_told_in_a_line(
    arguments: list[str], reason: str, mri: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(Path("x.npy"))
    Path("empty").mkdir()
    Path("notes.txt").write_text("-")
    assert main(["reconstruct", *(word.format(mri=mri) for word in arguments)]) == 2
    said = capsys.readouterr()
    assert reason in said.err
    assert said.err.startswith("recon: error: ")
    assert len(said.err.splitlines()) == 1
    assert said.out == ""
    assert files(tmp_path) == ["notes.txt", "x.npy"]


def test_messages_name_no_patient(ct: Path, tmp_path: Path, capsys: Capture) -> None:
    for file in write_series(tmp_path / "in" / "broken")[2:3]:
        file.write_bytes(file.read_bytes()[:-100])
    write_series(tmp_path / "in" / "good")
    write_series(tmp_path / "in" / "mr", "MR", series="2")
    assert reconstructed(ct, tmp_path / "in", "-o", tmp_path / "out") == 1
    said = "".join(capsys.readouterr())
    assert said.count("failed: ") == 2
    assert [word for word in TELLTALES.values() if word in said] == []


def test_full_disk_is_told_and_nothing_is_left(
    mri: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        save(tmp_path / "in" / f"{number}.npy")
    write = Path.write_bytes

    def filling(path: Path, content: bytes) -> int:
        if (tmp_path / "out" / "0.npy").exists():
            write(path, content[:100])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", filling)
    assert reconstructed(mri, tmp_path / "in", "-o", tmp_path / "out") == 1
    said = capsys.readouterr().err
    assert "make room" in said
    assert "not tried: 1 volume; --resume goes on" in said
    assert files(tmp_path / "out") == ["0.npy", "0.npy.json"]


def test_stop_keeps_what_was_finished_and_resuming_goes_on(mri: Path, tmp_path: Path, capsys: Capture) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    first = save(folder / "000.npy", 8, 64, 64)
    for number in range(1, 300):
        (folder / f"{number:03d}.npy").hardlink_to(first)
    command = [sys.executable, "-m", "recon", "reconstruct", str(mri), str(folder), "-o", str(out), "--device", "cpu"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    end = time.monotonic() + 120
    while not (out / "001.npy").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said, told = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "stopped; what was finished is kept" in told
    assert "--resume goes on with them" in told
    assert "Traceback" not in told
    assert RESEARCH_ONLY in said
    finished = files(out)
    count = len(finished) // 2
    assert 2 <= count < 298
    assert finished == [f"{number:03d}.npy{ending}" for number in range(count) for ending in ("", ".json")]
    assert all(np.load(out / name).shape == (8, 64, 64) for name in finished[::2])
    for number in range(count + 2, 300):
        (folder / f"{number:03d}.npy").unlink()
    assert reconstructed(mri, folder, "-o", out, "--resume") == 0
    assert f"kept: {count} volumes that were there\n2 volumes, 16 slices" in capsys.readouterr().out
