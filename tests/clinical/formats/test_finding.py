"""Files and folders searched for volumes."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from pydicom.data import get_testdata_file

from recon.clinical.formats import FORMATS, Found, find_all, find_sources
from recon.errors import ConfigError, DataError
from tests.clinical.dicom.phantoms import write_series
from tests.clinical.mrd.scans import acquisitions, header, kspace_of, write_file
from tests.data.files import cut, write_fastmri_volume, write_lodopab_pair


def save(path: Path, *, value: float = 1.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.full((4, 4), value))
    return path


def names(found: Found, top: Path) -> list[str]:
    return [source.path.relative_to(top).as_posix() for source in found.sources]


def test_nested_folders_are_searched_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.npy", "a/2.npy", "a/1.npy", "a/deep/er/x.npy", "c/x.npy"):
        save(tmp_path / name)
    found = find_sources(tmp_path)
    assert names(found, tmp_path) == ["b.npy", "a/1.npy", "a/2.npy", "a/deep/er/x.npy", "c/x.npy"]


def test_unknown_files_are_told(tmp_path: Path) -> None:
    save(tmp_path / "a.npy")
    for name in ("notes.txt", "sub/more.txt", "x.npz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("-")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["other"] = [1.0]
    found = find_sources(tmp_path)
    assert names(found, tmp_path) == ["a.npy"]
    assert [path.name for path in found.unknown] == ["notes.txt", "x.h5", "x.npz", "more.txt"]


def test_broken_file_does_not_hide_the_others(tmp_path: Path) -> None:
    write_fastmri_volume(tmp_path / "1.h5")
    cut(write_fastmri_volume(tmp_path / "2.h5"))
    write_fastmri_volume(tmp_path / "3.h5")
    (tmp_path / "gone.npy").symlink_to(tmp_path / "nothing.npy")
    found = find_sources(tmp_path)
    assert names(found, tmp_path) == ["1.h5", "3.h5"]
    assert [(path.name, "truncated" in reason) for path, reason in found.broken] == [
        ("gone.npy", False),
        ("2.h5", True),
    ]
    assert "which is not there" in found.broken[0][1]


def test_ground_truths_beside_observations_are_left_out(tmp_path: Path) -> None:
    write_lodopab_pair(tmp_path)
    found = find_sources(tmp_path)
    assert names(found, tmp_path) == ["observation_train_000.hdf5"]
    assert [path.name for path, _ in found.left_out] == ["ground_truth_train_000.hdf5"]
    assert not found.broken
    assert not found.unknown


def test_series_is_one_volume_and_its_files_are_known(tmp_path: Path) -> None:
    write_series(tmp_path / "scan", values=None)
    (tmp_path / "scan" / "notes.txt").write_text("-")
    save(tmp_path / "scan" / "x.npy")
    found = find_sources(tmp_path)
    assert [(source.format, source.slices) for source in found.sources] == [("dicom", 5), ("npy", 1)]
    assert [path.name for path in found.unknown] == ["notes.txt"]


def test_broken_series_does_not_hide_other_files(tmp_path: Path) -> None:
    for file in write_series(tmp_path):
        file.write_bytes(file.read_bytes()[:300])
    save(tmp_path / "x.npy")
    found = find_sources(tmp_path)
    assert names(found, tmp_path) == ["x.npy"]
    assert len(found.broken) == 1


def test_folder_of_results_is_passed_over(tmp_path: Path) -> None:
    save(tmp_path / "a.npy")
    save(tmp_path / "out" / "a.npy")
    assert names(find_sources(tmp_path, leave_out=tmp_path / "x" / ".." / "out"), tmp_path) == ["a.npy"]


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    for name in ("a.npy", ".b.npy", ".hidden/c.npy"):
        save(tmp_path / name)
    found = find_sources(tmp_path)
    assert names(found, tmp_path) == ["a.npy"]
    assert found.unknown == []


def test_links_are_followed_once(tmp_path: Path) -> None:
    save(tmp_path / "data" / "a.npy")
    save(tmp_path / "elsewhere" / "b.npy")
    (tmp_path / "data" / "back").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "there").symlink_to(tmp_path / "elsewhere")
    assert names(find_sources(tmp_path / "data"), tmp_path / "data") == ["a.npy", "there/b.npy"]


def test_one_format_is_read_alone(tmp_path: Path) -> None:
    save(tmp_path / "a.npy")
    write_fastmri_volume(tmp_path / "1.h5")
    write_series(tmp_path)
    found = find_sources(tmp_path, "npy")
    assert names(found, tmp_path) == ["a.npy"]
    assert len(found.unknown) == 6


def test_format_that_was_asked_for_is_named_where_a_file_is_of_another(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"format that is read: npy, which was asked for; got an HDF5 file with"):
        find_all([write_fastmri_volume(tmp_path / "1.h5")], "npy")


def test_list_of_a_dicom_disk_is_told_from_its_files() -> None:
    path = get_testdata_file("DICOMDIR")
    assert path is not None
    with pytest.raises(DataError, match="list of a disk's DICOM files; give the folder"):
        find_all([Path(path)])


def test_endings_in_capitals_are_known(tmp_path: Path) -> None:
    raw = write_file(tmp_path / "raw.H5", header(), acquisitions(kspace_of()))
    (tmp_path / "other.MRD").write_bytes(raw.read_bytes())
    write_fastmri_volume(tmp_path / "knee.HDF5")
    save(tmp_path / "x.npy").rename(tmp_path / "x.NPY")
    found = find_sources(tmp_path)
    assert [source.format for source in found.sources] == ["fastmri", "mrd", "mrd", "npy"]
    assert not found.unknown
    assert not found.broken


def test_hidden_file_and_pipe_that_are_named_are_told_as_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="got a hidden file, whose name begins with a dot; rename it"):
        find_all([save(tmp_path / ".x.npy")])
    os.mkfifo(tmp_path / "pipe.npy")
    with pytest.raises(DataError, match="got what is neither, such as a pipe"):
        find_all([tmp_path / "pipe.npy"])


def test_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'fastmri'"):
        find_sources(tmp_path, "fastmr")


def test_missing_path_is_told_with_the_nearest(tmp_path: Path) -> None:
    save(tmp_path / "knees.npy")
    with pytest.raises(DataError, match=r"has no 'kness.npy'; did you mean .*knees\.npy\?"):
        find_sources(tmp_path / "kness.npy")
    with pytest.raises(DataError, match=r"has no 'other-folder'$"):
        find_sources(tmp_path / "other-folder" / "x.npy")


def test_empty_folder_is_told_with_the_formats(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"fastMRI .* LoDoPaB-CT .* MRD .* DICOM, NIfTI .* NumPy .* got no files"):
        find_all([tmp_path])


def test_folder_of_other_files_is_told_with_their_names(tmp_path: Path) -> None:
    for number in range(7):
        (tmp_path / f"{number}.txt").write_text("-")
    with pytest.raises(DataError, match=r"got 7 other files \(0\.txt, 1\.txt, 2\.txt, 3\.txt, 4\.txt\)"):
        find_all([tmp_path])


def test_single_file_of_no_format_is_told_with_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("-")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["other"] = [1.0]
    with pytest.raises(DataError, match=r"got a file that ends in \.txt"):
        find_all([tmp_path / "x.txt"])
    with pytest.raises(DataError, match="got an HDF5 file with other"):
        find_all([tmp_path / "x.h5"])


def test_single_ground_truth_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ground_truth_train_000\.hdf5 holds ground truths"):
        find_all([write_lodopab_pair(tmp_path).truth])


def test_folder_of_broken_files_is_an_error_that_counts_them(tmp_path: Path) -> None:
    for number in range(3):
        cut(write_fastmri_volume(tmp_path / f"{number}.h5"))
    with pytest.raises(DataError, match=r"0\.h5 cannot be read: it is truncated.*\(3 files cannot"):
        find_all([tmp_path])


def test_folder_that_cannot_be_listed_does_not_hide_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "a.npy")
    save(tmp_path / "locked" / "b.npy")
    listed = Path.iterdir

    def refusing(path: Path) -> object:
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refusing)
    found = find_sources(tmp_path)
    assert names(found, tmp_path) == ["a.npy"]
    assert found.broken == [
        (tmp_path / "locked", f"{tmp_path / 'locked'} cannot be listed (Permission denied); see its owner and mode")
    ]


def test_every_format_has_its_module_and_its_word() -> None:
    import importlib

    for format, module in FORMATS.items():
        found = importlib.import_module(f"recon.clinical.formats.{module}")
        assert callable(found.sources), format
