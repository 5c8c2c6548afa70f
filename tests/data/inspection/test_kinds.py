"""What a folder is, and the words for one that is no data set."""

from pathlib import Path

import pytest

from recon.data.inspection.kinds import data_folder
from recon.data.inspection.tree import TREE
from recon.errors import DataError
from tests.data.files import write_fastmri_folder, write_fastmri_volume, write_lodopab_folder, write_lodopab_pair

README = Path(__file__).parents[3] / "data" / "README.md"


def touch(folder: Path, *names: str) -> Path:
    """Make empty files, and the folders they are in."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(DataError) as refused:
        data_folder(folder)
    return str(refused.value)


def test_fastmri_folder_has_its_parts(tmp_path: Path) -> None:
    found = data_folder(write_fastmri_folder(tmp_path / "knee with spaces, é"))
    assert found.kind == "fastmri"
    assert {part: [path.name for path in files] for part, files in found.parts.items()} == {
        "train": ["file1000000.h5", "file1000001.h5"],
        "val": ["file1000002.h5"],
        "test": ["file1000003.h5"],
    }
    assert len(found.files) == 4


@pytest.mark.parametrize(("name", "part"), [("singlecoil_val", "val"), ("elsewhere", "")])
def test_folder_of_volumes_is_one_part(name: str, part: str, tmp_path: Path) -> None:
    write_fastmri_volume(tmp_path / name / "file1.h5")
    touch(tmp_path / name, ".file2.h5", "notes.txt", "sheet.png")
    assert {key: len(files) for key, files in data_folder(tmp_path / name).parts.items()} == {part: 1}


def test_lodopab_folder_has_its_parts(tmp_path: Path) -> None:
    found = data_folder(write_lodopab_folder(tmp_path))
    assert found.kind == "lodopab"
    assert {part: len(files) for part, files in found.parts.items()} == {"train": 2, "validation": 2, "test": 2}


def test_partial_lodopab_folder_has_the_parts_that_are_there(tmp_path: Path) -> None:
    write_lodopab_pair(tmp_path, "validation", 7)
    assert list(data_folder(tmp_path).parts) == ["validation"]


@pytest.mark.parametrize("names", [["b.PNG", "a.jpeg"], ["n01/a.jpeg", "n02/b.PNG"]])
def test_images_are_flat_or_in_class_folders(names: list[str], tmp_path: Path) -> None:
    touch(tmp_path, *names, ".hidden.png", "ILSVRC2012_img_val.tar")
    found = data_folder(tmp_path)
    assert found.kind == "images"
    assert [path.name for path in found.files] == ["a.jpeg", "b.PNG"]


def test_refused_folder_shows_the_tree(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        data_folder(tmp_path)
    assert TREE in refused.value.__notes__[0]


def test_tree_is_the_one_in_the_readme() -> None:
    assert f"```\n{TREE}\n```" in README.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "got an empty folder"),
        (["notes.txt", "a/b.txt"], "got a/, notes.txt"),
        ([f"{n}.txt" for n in range(9)], "got 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 4 more"),
        (["multicoil_train/file1.h5"], "got multicoil_train; only fastMRI's single-coil data are read"),
        (["ground_truth_train.zip"], "got ground_truth_train.zip, which is still packed; unpack it first"),
        (["knee_singlecoil_val.tar.xz"], "got knee_singlecoil_val.tar.xz, which is still packed"),
        (["singlecoil_train/knee.tar.gz"], "got singlecoil_train/"),
        (["truth_train_000.hdf5"], "got truth_train_000.hdf5, whose name is none of theirs"),
        (["observation_train_000.hdf5"], "LoDoPaB-CT, got observations alone; unpack the ground_truth_*.hdf5 files"),
        (["ground_truth_test_000.hdf5"], "LoDoPaB-CT, got ground truths alone; unpack the observation_*.hdf5 files"),
        (["file1.h5", "ground_truth_test_000.hdf5", "observation_test_000.hdf5"], "got both fastMRI volumes and LoDo"),
    ],
)
def test_folder_without_data_says_what_it_suggests(names: list[str], words: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    assert f"{folder} must be a folder of" in refusal(touch(folder, *names))
    assert words in refusal(folder)


def test_data_further_below_are_found(tmp_path: Path) -> None:
    write_fastmri_volume(tmp_path / "a" / "b" / "singlecoil_train" / "file1.h5")
    assert refusal(tmp_path).endswith(f"got no data in it, but in {tmp_path / 'a' / 'b'}; give that folder")


def test_lodopab_unpacked_into_several_folders_is_to_be_moved(tmp_path: Path) -> None:
    touch(tmp_path, "truths/ground_truth_train_000.hdf5", "observations/observation_train_000.hdf5")
    assert "move them into one folder" in refusal(tmp_path)


def test_a_missing_folder_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "lodopab").mkdir()
    assert f"got nothing there: {tmp_path} has no folder 'LoDoPab-CT'; did you mean {tmp_path / 'lodopab'}?" in refusal(
        tmp_path / "LoDoPab-CT" / "x"
    )
    assert refusal(tmp_path / "zzz").endswith("has no folder 'zzz'")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    touch(tmp_path, "file1.h5", "train.zip")
    assert "got a file; give its folder" in refusal(tmp_path / "file1.h5")
    assert "got a packed file; unpack it" in refusal(tmp_path / "train.zip")


def test_a_dangling_link_is_named(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    assert "got a link to" in refusal(tmp_path / "link")
