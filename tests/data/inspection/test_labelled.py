"""Folders of labelled images: what they are taken for, what is counted, shown, and found wrong."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recon.data.inspection.description import describe
from recon.data.inspection.kinds import Kind, data_folder, require_kind
from recon.data.inspection.problems import find_problems
from recon.data.inspection.records import ClassCount
from recon.data.inspection.sheet import write_sheet
from recon.data.inspection.tiles import tiles_of
from recon.data.scenes.objects.classes import CLASSES
from recon.data.synthetic.make import LabelledSet, make
from recon.data.synthetic.python2 import pickled
from recon.errors import DataError
from tests.data.files import cut

Damage = Callable[[Path], object]

BATCHES = Path("cifar-10-batches-py")
VOC = Path("VOCdevkit", "VOC2012")
LISTS = VOC / "ImageSets" / "Segmentation"
NAMES = [one.name for one in CLASSES]
SETS = {
    "cifar10": LabelledSet("cifar10", images=60, size=32),
    "imagenet": LabelledSet("imagenet", images=50, size=32),
    "voc": LabelledSet("voc", images=8, size=64),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Make a small set of each kind."""
    folders = {name: tmp_path_factory.mktemp(name) / "größe 1" for name in SETS}
    for name, folder in folders.items():
        make(SETS[name], folder)
    return folders


@pytest.fixture
def copies(made: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """Give copies that may be damaged."""
    return {name: Path(shutil.copytree(folder, tmp_path / name)) for name, folder in made.items()}


def found(folder: Path, *, notes: bool = False) -> list[str]:
    """Give what is wrong with a folder (or the notes on it), each as one string."""
    return [
        f"{Path(problem.file).relative_to(folder).as_posix()} {problem.what}"
        for problem in find_problems(folder)
        if problem.note == notes
    ]


# kinds


@pytest.mark.parametrize(
    ("name", "inside", "parts"),
    [
        ("cifar10", ".", {"train": 5, "test": 1}),
        ("cifar10", "cifar-10-batches-py", {"train": 5, "test": 1}),
        ("imagenet", ".", {"train": 40, "val": 10}),
        ("voc", ".", {"train": 12, "val": 4}),
        ("voc", "VOCdevkit", {"train": 12, "val": 4}),
        ("voc", "VOCdevkit/VOC2012", {"train": 12, "val": 4}),
    ],
)
def test_labelled_sets_are_known_by_their_trees(
    name: Kind, inside: str, parts: dict[str, int], made: dict[str, Path]
) -> None:
    folder = data_folder(made[name] / inside)
    assert folder.kind == name
    assert {part: len(files) for part, files in folder.parts.items()} == parts
    assert all(path.is_file() for path in folder.files)
    with pytest.raises(DataError, match=r"must be a folder of fastMRI single-coil volumes, got .*fits labelled images"):
        require_kind(made[name] / inside, "fastmri")


def test_pictures_of_voc_have_their_masks_after_them(made: dict[str, Path]) -> None:
    files = data_folder(made["voc"]).parts["val"]
    assert [path.name for path in files] == ["2012_000003.jpg", "2012_000003.png", "2012_000007.jpg", "2012_000007.png"]


def test_the_augmented_training_set_is_a_part(copies: dict[str, Path]) -> None:
    tree = copies["voc"] / VOC
    (copies["voc"] / LISTS / "train_aug.txt").write_text(
        "/JPEGImages/2012_000001.jpg /SegmentationClassAug/2012_000001.png\n"
    )
    assert "train_aug" not in data_folder(copies["voc"]).parts
    shutil.copytree(tree / "SegmentationClass", tree / "SegmentationClassAug")
    part = data_folder(copies["voc"]).parts["train_aug"]
    assert [path.relative_to(tree).as_posix() for path in part] == [
        *("JPEGImages/2012_000001.jpg", "SegmentationClassAug/2012_000001.png")
    ]


def test_folders_of_images_stay_images(made: dict[str, Path]) -> None:
    """Class folders alone, and folders named train and val without any."""
    assert data_folder(made["imagenet"] / "train").kind == "images"
    assert data_folder(made["voc"] / VOC / "JPEGImages").kind == "images"


def test_flat_images_of_parts_stay_images(tmp_path: Path) -> None:
    for part in ("train", "val"):
        (tmp_path / part).mkdir()
        Image.new("L", (3, 4)).save(tmp_path / part / "a.png")
    assert data_folder(tmp_path).kind == "images"


def test_labelled_sets_further_below_are_found(made: dict[str, Path], tmp_path: Path) -> None:
    for name, folder in made.items():
        above = tmp_path / f"above {name}"
        shutil.copytree(folder, above / "there")
        with pytest.raises(DataError) as refused:
            data_folder(above)
        assert str(refused.value).endswith(f"got no data in it, but in {above / 'there'}; give that folder")


# info


def test_images_are_counted_by_part_and_class(made: dict[str, Path]) -> None:
    batches, folders = describe(made["cifar10"]), describe(made["imagenet"])
    assert [(part.name, part.files, part.volumes) for part in batches.parts] == [("train", 5, 50), ("test", 1, 10)]
    assert batches.classes == tuple(ClassCount(name, (5, 1)) for name in NAMES)
    assert [(part.name, part.files, part.volumes) for part in folders.parts] == [("train", 40, 40), ("val", 10, 10)]
    assert folders.classes[2] == ClassCount("n00000003 checked square", (4, 1))
    for description, total in ((batches, 60), (folders, 50)):
        assert [(size.size, size.count) for size in description.targets] == [((32, 32), total)]
        assert description.synthetic == total
        assert description.unreadable == ()


def test_pictures_are_counted_by_the_classes_they_show(made: dict[str, Path]) -> None:
    description = describe(made["voc"])
    masks = {
        part: [made["voc"] / VOC / "SegmentationClass" / f"{name}.png" for name in names.split()]
        for part in ("train", "val")
        if (names := (made["voc"] / LISTS / f"{part}.txt").read_text())
    }
    assert [one.name for one in description.classes] == ["background", *NAMES[:8]]
    for label, one in enumerate(description.classes):
        shown = (sum(label in np.asarray(Image.open(path)) for path in paths) for paths in masks.values())
        assert one.counts == tuple(shown)
    assert [(size.size, size.count) for size in description.targets] == [((64, 64), 8)]
    assert description.synthetic == 8


def test_images_of_others_are_not_called_synthetic(copies: dict[str, Path]) -> None:
    for folder in copies.values():
        (folder / "synthetic.json").unlink()
        assert describe(folder).synthetic == 0
    assert describe(copies["imagenet"]).classes[0].name == "n00000001"
    assert [one.name for one in describe(copies["voc"]).classes[:2]] == ["background", "aeroplane"]


def test_files_that_cannot_be_read_are_named(copies: dict[str, Path]) -> None:
    cut(copies["cifar10"] / BATCHES / "data_batch_2")
    cut(copies["imagenet"] / "val" / "n00000001" / "val_00000040.JPEG", share=0.01)
    cut(copies["voc"] / VOC / "SegmentationClass" / "2012_000003.png")
    names = {"cifar10": "data_batch_2", "imagenet": "val_00000040.JPEG", "voc": "2012_000003.png"}
    for name, folder in copies.items():
        (reason,) = describe(folder).unreadable
        assert names[name] in reason
    assert describe(copies["cifar10"]).parts[0].volumes == 40


# check


def test_sets_in_order_are_clean(made: dict[str, Path]) -> None:
    for folder in made.values():
        assert find_problems(folder) == []


def batch(**changes: object) -> Damage:
    """Say how to write a batch with other contents."""

    def damage(folder: Path) -> None:
        random = np.random.default_rng(0)
        content = {"labels": [0] * 4, "data": random.integers(0, 256, (4, 3072), dtype=np.uint8)} | changes
        (folder / BATCHES / "data_batch_2").write_bytes(pickled(content))  # type: ignore[arg-type]  # wrong ones too

    return damage


def code_in_a_pickle(folder: Path) -> None:
    """Write a pickle that would run a command if it were loaded."""
    (folder / BATCHES / "test_batch").write_bytes(b"cos\nsystem\n(S'touch " + str(folder / "ran").encode() + b"'\ntR.")


def removed(*names: str) -> Damage:
    """Say which files or folders to take away."""

    def damage(folder: Path) -> None:
        for name in names:
            shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()

    return damage


def shortened(name: str) -> Damage:
    """Say which file to cut off."""
    return lambda folder: cut(folder / name)


def mask(size: tuple[int, int] = (64, 64), value: int = 1, mode: str = "P") -> Damage:
    """Say how to write another mask of the first picture."""
    return lambda folder: Image.new(mode, size, value).save(folder / VOC / "SegmentationClass" / "2012_000000.png")


def text(name: str, content: str) -> Damage:
    """Say how to write another list."""
    return lambda folder: (folder / name).write_text(content)


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("cifar10", shortened("cifar-10-batches-py/data_batch_4"), "/data_batch_4 must be a pickle .* broken or cut"),
        ("cifar10", removed("cifar-10-batches-py/test_batch"), "/test_batch must be there"),
        ("cifar10", batch(labels=[0, 1, 10, 2]), "/data_batch_2 must have classes from 0 to 9.*, got 10"),
        ("cifar10", batch(labels=[0, 1]), "/data_batch_2 must have as many labels as images, got 2 and 4"),
        ("cifar10", batch(data=np.zeros((4, 3), np.uint8)), "/data_batch_2 must have data of bytes .* shape .4, 3."),
        ("cifar10", code_in_a_pickle, "/test_batch must be a pickle .*'os.system'.* it was not loaded"),
        ("cifar10", shortened("cifar-10-batches-py/batches.meta"), "/batches.meta must be a pickle .* broken or cut"),
        ("imagenet", shortened("val/n00000001/val_00000040.JPEG"), "val/n00000001/val_00000040.JPEG cannot be read"),
        (
            "imagenet",
            removed("val/n00000004"),
            "must have the same classes in train and val, got 10 and 9; .*n00000004",
        ),
        ("imagenet", removed("val/n00000004/val_00000043.JPEG"), "val/n00000004 must hold images .*, got none"),
        ("voc", shortened("VOCdevkit/VOC2012/JPEGImages/2012_000002.jpg"), "/2012_000002.jpg cannot be read"),
        ("voc", shortened("VOCdevkit/VOC2012/SegmentationClass/2012_000002.png"), "/2012_000002.png cannot be read"),
        (
            "voc",
            removed("VOCdevkit/VOC2012/JPEGImages/2012_000002.jpg"),
            "/2012_000002.jpg must be there, since a list",
        ),
        ("voc", removed("VOCdevkit/VOC2012/SegmentationClass/2012_000003.png"), "/2012_000003.png must be there"),
        ("voc", mask(size=(64, 60)), "/2012_000000.png must be of its picture's size, 64 x 64, got 60 x 64"),
        ("voc", mask(value=9, mode="L"), "/2012_000000.png must have labels from 0 to 8, or 255 .*, got 9"),
        ("voc", mask(mode="RGB"), "/2012_000000.png must hold a class for each pixel, .* mode RGB"),
        ("voc", removed("VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt"), "Segmentation/val.txt cannot be read"),
        ("voc", text(f"{LISTS}/val.txt", "2012_000001\n"), "JPEGImages/2012_000001.jpg is leakage: .* list of train"),
        ("voc", text(f"{LISTS}/val.txt", "\n"), "Segmentation/val.txt must have the name of a picture in each line"),
    ],
)
def test_each_damage_is_found_and_named(name: str, damage: Damage, words: str, copies: dict[str, Path]) -> None:
    folder = copies[name]
    damage(folder)
    problems = found(folder)
    assert len(problems) == 1, problems
    assert re.search(words, problems[0]), problems
    assert not (folder / "ran").exists()


def test_what_may_be_missing_is_a_note(copies: dict[str, Path]) -> None:
    (copies["cifar10"] / BATCHES / "batches.meta").unlink()
    shutil.rmtree(copies["imagenet"] / "val")
    shutil.copy(copies["imagenet"] / "train" / "n00000001" / "n00000001_0.JPEG", copies["imagenet"] / "train/n00000002")
    (copies["voc"] / VOC / "SegmentationClass" / "2012_000000.png.1.partial").touch()
    assert [found(folder) for folder in copies.values()] == [[], [], []]
    assert "batches.meta is not there: the classes get CIFAR-10's names" in found(copies["cifar10"], notes=True)[0]
    missing, equal = found(copies["imagenet"], notes=True)
    assert missing == "val is not there: there is nothing of this part"
    assert "train/n00000002/n00000001_0.JPEG has the same content as" in equal
    assert "2012_000000.png.1.partial is left over" in found(copies["voc"], notes=True)[0]


# sheets


def test_sheets_name_classes_and_show_colours(made: dict[str, Path], tmp_path: Path) -> None:
    for name in ("cifar10", "imagenet"):
        tiles = tiles_of(data_folder(made[name]))
        assert len(tiles) == 32
        assert list(dict.fromkeys(tile.name for tile in tiles)) == NAMES
        assert all(tile.synthetic for tile in tiles)
        assert write_sheet(made[name], tmp_path / f"{name}.png") == 32
    image = tiles_of(data_folder(made["cifar10"]))[0].images[0]
    assert image is not None
    assert image.shape == (32, 32, 3)
    assert 0.1 < image.mean() < 0.9


def test_sheets_show_masks_beside_their_pictures(made: dict[str, Path], tmp_path: Path) -> None:
    tiles = tiles_of(data_folder(made["voc"]))
    assert [tile.name for tile in tiles][-2:] == ["val  2012_000003.jpg", "val  2012_000007.jpg"]
    picture, colours = tiles[-1].images
    assert picture is not None
    assert colours is not None
    with Image.open(made["voc"] / VOC / "SegmentationClass" / "2012_000007.png") as stored:
        assert np.array_equal(np.round(colours * 255), np.asarray(stored.convert("RGB")))
        shown = sorted(set(np.unique(np.asarray(stored)).tolist()) - {0, 255})
    assert tiles[-1].about == ", ".join(NAMES[label - 1] for label in shown)
    assert write_sheet(made["voc"], tmp_path / "voc.png") == 8


def test_sheets_pass_over_bad_files(copies: dict[str, Path]) -> None:
    cut(copies["cifar10"] / BATCHES / "test_batch")
    cut(copies["voc"] / VOC / "JPEGImages" / "2012_000007.jpg")
    assert not any("test" in tile.about for tile in tiles_of(data_folder(copies["cifar10"])))
    assert len(tiles_of(data_folder(copies["voc"]))) == 7
