"""ImageNet's class folders: the same files and pixels as torchvision's, and what is wrong with the tree said."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision  # type: ignore[import-untyped]
from torchvision.transforms import v2  # type: ignore[import-untyped]

from recon.data.batches import Draw
from recon.data.labels.augmentation import Augmentation, random_part
from recon.data.labels.class_folders import class_names, read_class_folders
from recon.data.labels.imagenet import ImageNetImages
from recon.data.samples import Skipped
from recon.data.scanning import OnBadFile
from recon.errors import ConfigError, DataError
from tests.data.labels.files import SYNSETS, sample_of, save, smooth, write_imagenet, write_manifest

NORMALISE = v2.Compose(
    [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
)


def opened(
    folder: Path,
    part: str = "val",
    *,
    crop: int = 24,
    resize: int = 32,
    max_images: int | None = None,
    augmentation: Augmentation | None = None,
    on_bad_file: OnBadFile = "error",
) -> ImageNetImages:
    """Open a part in small crops."""
    return ImageNetImages(
        read_class_folders(folder, part),
        crop=crop,
        resize=resize,
        max_images=max_images,
        augmentation=augmentation,
        on_bad_file=on_bad_file,
    )


@pytest.mark.parametrize("part", ["train", "val"])
@pytest.mark.parametrize(("crop", "resize"), [(24, 32), (32, 32), (25, 50)])
def test_images_and_classes_are_torchvisions(part: str, crop: int, resize: int, tmp_path: Path) -> None:
    write_imagenet(tmp_path, size=(41, 66))
    transform = v2.Compose([v2.Resize(resize), v2.CenterCrop(crop), NORMALISE])
    reference = torchvision.datasets.ImageFolder(tmp_path / part, transform)
    data = opened(tmp_path, part, crop=crop, resize=resize)
    assert len(data) == len(reference) == (9 if part == "train" else 6)
    assert list(data.classes) == reference.classes == list(SYNSETS)
    assert [str(path) for path in data.files] == [path for path, _ in reference.samples]
    for index, (image, label) in enumerate(reference):
        sample = sample_of(data, index)
        assert sample.target.item() == label
        torch.testing.assert_close(sample.input, image, rtol=0, atol=1e-6)
        assert tmp_path / sample.origin.file == Path(reference.samples[index][0])


def test_the_wide_image_has_the_input_in_its_middle(tmp_path: Path) -> None:
    data = opened(write_imagenet(tmp_path), crop=24, resize=32)
    for index in range(len(data)):
        wide = data.wide(index)
        assert wide is not None
        assert wide.shape == (3, 32, 32)
        assert wide[:, 4:28, 4:28].equal(sample_of(data, index).input)
    assert opened(tmp_path, crop=32, resize=32).wide(0) is None


def test_training_parts_are_torchvisions_for_the_part_that_is_drawn(tmp_path: Path) -> None:
    augmentation = Augmentation(5, furthest=3)
    data = opened(write_imagenet(tmp_path), "train", augmentation=augmentation)
    reference = torchvision.datasets.ImageFolder(tmp_path / "train")
    for index, (image, _) in enumerate(reference):
        draw = Draw(index, 2)
        left, top, right, bottom = random_part(image.size, augmentation.random(draw))
        part = v2.functional.resized_crop(image, top, left, bottom - top, right - left, [24, 24])
        torch.testing.assert_close(
            sample_of(data, draw).input, augmentation.move(draw)(NORMALISE(part)), rtol=0, atol=1e-6
        )


def test_what_is_drawn_follows_from_seed_epoch_and_index(tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    first, again = (opened(tmp_path, "train", augmentation=Augmentation(1, furthest=2)) for _ in range(2))
    other = opened(tmp_path, "train", augmentation=Augmentation(2, furthest=2))
    for draw in (Draw(0, 0), Draw(0, 1), Draw(8, 0)):
        assert sample_of(first, draw).input.equal(sample_of(again, draw).input)
        assert not sample_of(first, draw).input.equal(sample_of(other, draw).input)
    assert not sample_of(first, Draw(0, 0)).input.equal(sample_of(first, Draw(0, 1)).input)


@pytest.mark.parametrize(("count", "expected"), [(4, [2, 1, 1]), (3, [1, 1, 1]), (2, [1, 1, 0]), (99, [3, 3, 3])])
def test_fewer_images_are_taken_evenly_over_the_classes(count: int, expected: list[int], tmp_path: Path) -> None:
    data = opened(write_imagenet(tmp_path), "train", max_images=count)
    assert np.bincount(data.labels, minlength=3).tolist() == expected
    assert [SYNSETS[int(sample_of(data, n).target)] for n in range(len(data))] == [p.parent.name for p in data.files]


def test_a_long_strip_is_read(tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    save(tmp_path / "val" / SYNSETS[0] / "a.png", smooth(2, 6000, seed=0))
    assert sample_of(opened(tmp_path), 0).input.shape == (3, 24, 24)


def test_an_image_that_cannot_be_read_is_an_error_or_left_out(tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    path = tmp_path / "val" / SYNSETS[1] / f"{SYNSETS[1]}_00.JPEG"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=f"cannot read the image .*{path.name}: .*[Tt]runcated"):
        opened(tmp_path)[2]
    skipped = opened(tmp_path, on_bad_file="skip")[2]
    assert isinstance(skipped, Skipped)
    assert path.name in skipped.reason


def test_a_flat_val_says_how_to_sort_it(tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    for path in list((tmp_path / "val").rglob("*.JPEG")):
        path.rename(tmp_path / "val" / path.name)
    for synset in SYNSETS:
        (tmp_path / "val" / synset).rmdir()
    with pytest.raises(DataError, match=r"6 images that lie flat; sort them: torchvision.datasets.ImageNet"):
        read_class_folders(tmp_path, "val")


def test_parts_with_other_classes_are_refused(tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    (tmp_path / "val" / SYNSETS[2]).rename(tmp_path / "val" / "n09999999")
    with pytest.raises(DataError, match=r"the same classes .*, got 3 and 3; only one of them has n02102040, n09999999"):
        read_class_folders(tmp_path, "train")


def test_val_alone_is_enough_to_test(tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    shutil.rmtree(tmp_path / "train")
    assert len(opened(tmp_path)) == 6
    with pytest.raises(DataError, match="train must be a folder with a folder for each class, got nothing there"):
        read_class_folders(tmp_path, "train")


def test_an_empty_class_is_refused(tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    for path in (tmp_path / "val" / SYNSETS[0]).iterdir():
        path.rename(path.with_suffix(".txt"))
    with pytest.raises(DataError, match=f"{SYNSETS[0]} must hold images"):
        read_class_folders(tmp_path, "val")
    assert len(read_class_folders(tmp_path, "train").files) == 9


def test_hidden_folders_and_files_are_passed_over(tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    (tmp_path / "val" / ".cache").mkdir()
    (tmp_path / "val" / SYNSETS[0] / "._a.JPEG").write_bytes(b"")
    assert len(opened(tmp_path)) == 6


@pytest.mark.parametrize(
    ("made", "got"), [(None, "nothing there"), ("x", "a folder without them"), ("ILSVRC2012_img_val.tar", "unpack it")]
)
def test_a_folder_without_parts_is_said(made: str | None, got: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    if made:
        folder.mkdir()
        (folder / made).write_bytes(b"")
    with pytest.raises(DataError, match=f"must have ImageNet's folders train and val, .* got .*{got}"):
        class_names(folder)


def test_a_manifest_says_that_images_are_synthetic_and_what_classes_are_called(tmp_path: Path) -> None:
    write_manifest(write_imagenet(tmp_path), ["disc", "bar", "ring"])
    data = opened(tmp_path)
    assert data.synthetic is sample_of(data, 0).origin.synthetic is True
    assert data.classes == ("disc", "bar", "ring")
    write_manifest(tmp_path, ["disc", "bar"])
    with pytest.raises(DataError, match="got 3 folders for 2 classes"):
        opened(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '{"classes": 3}', '{"classes": [3]}'])
def test_a_manifest_that_cannot_be_read_is_said(content: str, tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    (tmp_path / "synthetic.json").write_text(content)
    with pytest.raises(DataError, match=r"synthetic.json (cannot be read|must tell the classes)"):
        opened(tmp_path)


def test_a_resize_that_is_less_than_the_crop_is_refused(tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    with pytest.raises(ConfigError, match="resize must be at least crop, which is cut out of it, got 31 for 32"):
        opened(tmp_path, crop=32, resize=31)
    with pytest.raises(ConfigError, match="crop must be a whole number of at least 1"):
        opened(tmp_path, crop=0)
