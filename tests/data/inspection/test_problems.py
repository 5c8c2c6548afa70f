"""What a check finds: each kind of damage by its own words, and nothing where nothing is wrong."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from recon.data.inspection.problems import find_problems
from tests.data.files import (
    cut,
    replace_key,
    write_fastmri_folder,
    write_fastmri_volume,
    write_lodopab_folder,
    write_lodopab_pair,
)

Damage = Callable[[Path], object]


def found(folder: Path, *, notes: bool = False) -> list[str]:
    """Give what is wrong with a folder (or the notes on it), each as one string."""
    return [
        " ".join([Path(problem.file).name, str(list(problem.slices)), problem.key, problem.what])
        for problem in find_problems(folder)
        if problem.note == notes
    ]


def set_slice(key: str, index: int, value: complex) -> Damage:
    """Say how to put a value into the middle of a slice."""

    def damage(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            file[key][index, 3, 4] = value

    return damage


def attribute(name: str, value: object) -> Damage:
    """Say how to change an attribute, or with None to take it away."""

    def damage(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            del file.attrs[name]
            if value is not None:
                file.attrs[name] = value

    return damage


def key(name: str, value: object) -> Damage:
    """Say how to put something else under a key, or to take it away."""
    return lambda path: replace_key(path, name, value)


def doubled(path: Path) -> None:
    """Make all the values of a file of LoDoPaB's twice as large."""
    with h5py.File(path, "r+") as file:
        file["data"][...] = 2 * file["data"][:]


def cut_inside(path: Path) -> None:
    """Break the bytes of a compressed slice; the rest of the file stays."""
    with h5py.File(path, "r+") as file:
        values = file["kspace"][:]
        del file["kspace"]
        chunked = file.create_dataset("kspace", data=values, chunks=(1, *values.shape[1:]), compression="gzip")
        place = chunked.id.get_chunk_info(1)
    with path.open("r+b") as raw:
        raw.seek(place.byte_offset)
        raw.write(b"\xff" * place.size)


def test_folders_in_order_are_clean(tmp_path: Path) -> None:
    write_fastmri_folder(tmp_path / "m" / "größe 1", columns=41)
    write_lodopab_folder(tmp_path / "c" / "größe 1")
    Image.new("L", (3, 4)).save(tmp_path / "a.png")
    for folder in (tmp_path / "m" / "größe 1", tmp_path / "c" / "größe 1"):
        assert find_problems(folder) == []


def test_narrow_volume_is_clean(tmp_path: Path) -> None:
    """Some of fastMRI's volumes have fewer columns than their targets."""
    path = write_fastmri_volume(tmp_path / "file1.h5", columns=20, target=(24, 20))
    with h5py.File(path) as file:
        padded = np.pad(file["reconstruction_esc"][:], ((0, 0), (0, 0), (2, 2)))
    replace_key(path, "reconstruction_esc", padded)
    assert find_problems(tmp_path) == []


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_text("text"), "[]  cannot be read: it is not an HDF5 file"),
        (lambda path: path.write_bytes(b""), "[]  cannot be read"),
        (cut, "[]  cannot be read: it is truncated"),
        (cut_inside, "[1] kspace cannot be read: it may be corrupt"),
        (key("kspace", None), "[]  kspace must be there, got a file with ismrmrd_header, reconstruction_esc"),
        (key("kspace", np.zeros((48, 40), np.complex64)), "kspace must have the shape (slices, rows, columns), got"),
        (key("kspace", np.zeros((3, 4, 48, 40), np.complex64)), "kspace must be of a single coil"),
        (key("kspace", np.zeros((3, 48, 40), np.float32)), "kspace must be of a complex type, got float32"),
        (key("kspace", np.zeros((2, 48, 40), np.complex64)), "must have as many slices, got 2 and 3"),
        (key("reconstruction_esc", None), "[] reconstruction_esc must be there"),
        (key("ismrmrd_header", None), "[] ismrmrd_header must be there"),
        (key("ismrmrd_header", b"<a"), "[] ismrmrd_header must be XML"),
        (key("mask", np.ones(39, bool)), "mask must have one value for each of the 40 columns"),
        (set_slice("kspace", 1, np.nan), "[1] kspace must be finite, got NaN or infinity"),
        (set_slice("reconstruction_esc", 2, np.inf), "[2] reconstruction_esc must be finite"),
        (set_slice("reconstruction_esc", 2, -1), "[2] reconstruction_esc must be a magnitude"),
        (set_slice("kspace", 0, 1), "[0] reconstruction_esc must be the magnitude of its k-space's image"),
        (attribute("max", None), "the attribute max must be there"),
        (attribute("max", 1.0), "the attribute max must be that of reconstruction_esc"),
        (attribute("norm", 1.0), "the attribute norm must be that of reconstruction_esc"),
        (attribute("acquisition", None), "acquisition must be one of CORPD_FBK, CORPDFS_FBK, got none"),
        (attribute("acquisition", "AXT2"), "acquisition must be one of CORPD_FBK, CORPDFS_FBK, got 'AXT2'"),
    ],
)
def test_damaged_volume_is_named_and_the_others_are_clean(damage: Damage, words: str, tmp_path: Path) -> None:
    for number in range(3):
        write_fastmri_volume(tmp_path / "singlecoil_train" / f"file{number}.h5", seed=number)
    damage(tmp_path / "singlecoil_train" / "file1.h5")
    problems = found(tmp_path)
    assert any(words in problem for problem in problems), problems
    assert all(problem.startswith("file1.h5 ") for problem in problems)


@pytest.mark.parametrize(
    ("file", "damage", "words"),
    [
        (0, lambda path: path.write_text("text"), "ground_truth_train_000.hdf5 []  cannot be read: it is not an HDF5"),
        (1, lambda path: path.write_text("text"), "observation_train_000.hdf5 []  cannot be read: it is not an HDF5"),
        (1, cut, "observation_train_000.hdf5 []  cannot be read: it is truncated"),
        (0, Path.unlink, "observation_train_000.hdf5 []  must have its partner ground_truth_train_000.hdf5"),
        (1, Path.unlink, "ground_truth_train_000.hdf5 []  must have its partner observation_train_000.hdf5"),
        (1, key("data", None), "observation_train_000.hdf5 []  data must be there, got a file with nothing"),
        (0, key("data", np.zeros((3, 16), np.float32)), "must have the shape (slices, rows, columns), got (3, 16)"),
        (0, key("data", np.zeros((2, 16, 16), np.float32)), "must have as many slices, got 2 and 3"),
        (0, key("data", np.zeros((3, 16, 16), int)), "data must be of a floating-point type, got int64"),
        (0, set_slice("data", 1, np.nan), "ground_truth_train_000.hdf5 [1] data must be finite"),
        (1, set_slice("data", 2, -np.inf), "observation_train_000.hdf5 [2] data must be finite"),
        (0, set_slice("data", 2, 1.1), "ground_truth_train_000.hdf5 [2] data must lie in [0, 1]"),
        (1, set_slice("data", 0, 5), "observation_train_000.hdf5 [0] data must be at most 0.131"),
        (1, attribute("image_extent", None), "observation_train_000.hdf5 []  slices must be of 1000 angles x 513"),
        (1, doubled, "[0, 1, 2] data must be the projections of its"),
    ],
)
def test_damaged_pair_is_named_and_the_others_are_clean(file: int, damage: Damage, words: str, tmp_path: Path) -> None:
    write_lodopab_folder(tmp_path)
    damage(tmp_path / f"{('ground_truth', 'observation')[file]}_train_000.hdf5")
    problems = found(tmp_path)
    assert any(words in problem for problem in problems), problems
    assert all("_train_000" in problem for problem in problems)


def test_only_the_last_file_of_a_part_may_be_short(tmp_path: Path) -> None:
    for number in (0, 1):
        write_lodopab_pair(tmp_path, "train", number)
    assert found(tmp_path) == [
        "ground_truth_train_000.hdf5 [] data must have 128 slices (the last file of a part may have fewer), got 3"
    ]


def test_wrong_name_and_wrong_list_of_patients_are_named(tmp_path: Path) -> None:
    write_lodopab_folder(tmp_path)
    shutil.copy(tmp_path / "observation_test_000.hdf5", tmp_path / "observation_test_000 (1).hdf5")
    (tmp_path / "patient_ids_rand_test.csv").write_text("1\ntwo\n")
    first, second = found(tmp_path)
    assert "observation_test_000 (1).hdf5 []  the name must end in three digits" in first
    assert "must hold one whole number a line" in second


def test_gaps_blank_slices_and_leftovers_are_notes(tmp_path: Path) -> None:
    write_lodopab_pair(tmp_path / "c", "test", 2)
    write_fastmri_volume(tmp_path / "m" / "file1.h5", attributes={"patient_id": None})
    with h5py.File(tmp_path / "m" / "file1.h5", "r+") as file:
        file["kspace"][0] = file["reconstruction_esc"][0] = 0
        file.attrs["norm"] = np.linalg.norm(file["reconstruction_esc"][:].astype(float))
        file.attrs["max"] = file["reconstruction_esc"][:].max()
    (tmp_path / "m" / "file2.h5.123.partial").touch()
    assert found(tmp_path / "c") == found(tmp_path / "m") == []
    assert found(tmp_path / "c", notes=True) == [
        "c []  2 numbers of the part test are not there (000, 001); a partial download is fine"
    ]
    assert found(tmp_path / "m", notes=True) == [
        "file1.h5 []  the attribute patient_id is missing",
        "file1.h5 [0] kspace is zero everywhere",
        "file1.h5 [0] reconstruction_esc is zero everywhere",
        "file2.h5.123.partial []  is left over from an interruption; remove it unless it is being written",
    ]


def test_the_same_volume_twice_is_a_duplicate_or_leakage(tmp_path: Path) -> None:
    write_fastmri_folder(tmp_path)
    first = tmp_path / "singlecoil_train" / "file1000000.h5"
    shutil.copy(first, tmp_path / "singlecoil_train" / "file7.h5")
    shutil.copy(first, tmp_path / "singlecoil_val" / "file8.h5")
    with h5py.File(tmp_path / "singlecoil_val" / "file8.h5", "r+") as file:
        file.attrs["patient_id"] = "another"
    twice, leaked = found(tmp_path)
    assert twice == f"file7.h5 []  has the same content as {first}; take one of them away"
    assert leaked == f"file8.h5 []  is leakage: val has the same content as {first} in train; take one of them away"


def test_a_masked_copy_in_the_test_split_is_leakage(tmp_path: Path) -> None:
    write_fastmri_volume(tmp_path / "singlecoil_train" / "file1.h5", seed=3)
    mask = np.arange(40) % 4 == 0
    write_fastmri_volume(tmp_path / "singlecoil_test" / "file2.h5", seed=3, target=None, mask=mask)
    assert "file2.h5 []  is leakage: test has the same content" in found(tmp_path)[0]


def test_the_same_pair_in_two_parts_is_leakage(tmp_path: Path) -> None:
    write_lodopab_folder(tmp_path)
    for name in ("ground_truth", "observation"):
        shutil.copy(tmp_path / f"{name}_train_000.hdf5", tmp_path / f"{name}_test_000.hdf5")
    assert "ground_truth_test_000.hdf5 []  is leakage: test has the same content" in found(tmp_path)[0]


def test_images_that_do_not_decode_are_named_and_equal_ones_noted(tmp_path: Path) -> None:
    for name, grey in (("a.png", 1), ("b.png", 2), ("c.png", 1)):
        Image.new("L", (5, 5), grey).save(tmp_path / name)
    (tmp_path / "d.png").write_bytes(b"")
    (tmp_path / "e.jpg").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    empty, broken = found(tmp_path)
    assert empty.startswith("d.png []  cannot be read: the file is empty")
    assert broken.startswith("e.jpg []  cannot be read")
    assert found(tmp_path, notes=True) == [
        f"c.png []  has the same content as {tmp_path / 'a.png'}; take one of them away"
    ]


def test_file_without_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_fastmri_volume(tmp_path / "file1.h5")
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything

        def refused(*arguments: object, **options: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(h5py, "File", refused)
    assert "cannot be read: you lack the permission" in found(tmp_path)[0]
