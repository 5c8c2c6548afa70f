"""PASCAL VOC's pictures and masks: against torchvision's reader, in squares, and what is wrong with the tree said."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision  # type: ignore[import-untyped]
from PIL import ExifTags, Image
from torchvision.transforms import v2  # type: ignore[import-untyped]

from recon.data.batches import Draw
from recon.data.datamodule import STAGES
from recon.data.labels import datamodules
from recon.data.labels.augmentation import Augmentation
from recon.data.labels.datamodules import VOCData
from recon.data.labels.voc import VOCImages, in_square
from recon.data.labels.voc_files import voc_folder, voc_part
from recon.data.samples import Skipped
from recon.data.scanning import OnBadFile
from recon.errors import DataError
from tests.data.labels.files import mask_of, sample_of, save, smooth, write_list, write_manifest, write_mask, write_voc

TREE = Path("VOCdevkit", "VOC2012")
CROP = 48
NORMALISE = v2.Compose(
    [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
)


def opened(
    folder: Path,
    part: str = "val",
    *,
    crop: int = CROP,
    max_images: int | None = None,
    augmentation: Augmentation | None = None,
    on_bad_file: OnBadFile = "error",
) -> VOCImages:
    """Open a part in small squares."""
    found = voc_part(voc_folder(folder), part)
    return VOCImages(found, crop=crop, max_images=max_images, augmentation=augmentation, on_bad_file=on_bad_file)


@pytest.mark.parametrize("part", ["train", "val"])
def test_pictures_and_masks_are_torchvisions(part: str, tmp_path: Path) -> None:
    reference = torchvision.datasets.VOCSegmentation(write_voc(tmp_path), image_set=part)
    data = opened(tmp_path, part)
    assert len(data) == len(reference) == (4 if part == "train" else 3)
    for index, (picture, mask) in enumerate(reference):
        sample = sample_of(data, index)
        top, left = (CROP - picture.height) // 2, (CROP - picture.width) // 2
        rows, columns = slice(top, top + picture.height), slice(left, left + picture.width)
        torch.testing.assert_close(sample.input[:, rows, columns], NORMALISE(picture), rtol=0, atol=1e-6)
        assert np.array_equal(sample.target[rows, columns], np.asarray(mask))
        outside = torch.ones(CROP, CROP, dtype=torch.bool)
        outside[rows, columns] = False
        assert (sample.target[outside] == 255).all()
        assert (sample.input[:, outside] == 0).all()
        assert sample.target.dtype == torch.int64
        assert sample.origin.file == Path(reference.images[index]).name


def test_all_classes_are_counted(tmp_path: Path) -> None:
    data = opened(write_voc(tmp_path, train=8), "train")
    found = torch.cat([sample_of(data, index).target.flatten() for index in range(len(data))]).unique()
    assert found.tolist() == [*range(21), 255]
    assert len(data.classes) == 21
    assert (data.classes[0], data.classes[15], data.classes[20]) == ("background", "person", "tvmonitor")


@pytest.mark.parametrize("place", [Path(), Path("VOCdevkit"), TREE])
def test_the_tree_is_found_from_each_of_its_folders(place: Path, tmp_path: Path) -> None:
    write_manifest(write_voc(tmp_path), ["background", *(f"object {number}" for number in range(1, 21))])
    data = opened(tmp_path / place)
    assert len(data) == 3
    assert data.synthetic is sample_of(data, 0).origin.synthetic is True
    assert data.classes[2] == "object 2"


def test_real_pictures_are_not_called_synthetic(tmp_path: Path) -> None:
    assert sample_of(opened(write_voc(tmp_path)), 0).origin.synthetic is False


def test_a_picture_that_is_too_large_is_made_smaller(tmp_path: Path) -> None:
    data = opened(write_voc(tmp_path, size=(60, 96)), crop=CROP)
    sample, name = sample_of(data, 0), data.names[0]
    assert picture_of(tmp_path, name).size == (60, 92)
    with Image.open(tmp_path / TREE / "SegmentationClass" / f"{name}.png") as mask:
        labels = np.asarray(mask.resize((31, 48), Image.Resampling.NEAREST))
    small = picture_of(tmp_path, name).resize((31, 48), Image.Resampling.BILINEAR)
    torch.testing.assert_close(sample.input[:, :, 8:39], NORMALISE(small), rtol=0, atol=1e-6)
    assert np.array_equal(sample.target[:, 8:39], labels)
    assert (sample.target[:, :8] == 255).all()
    assert (sample.target[:, 39:] == 255).all()


def picture_of(folder: Path, name: str) -> Image.Image:
    """Read a picture of the tree."""
    return Image.open(folder / TREE / "JPEGImages" / f"{name}.jpg")


def test_a_picture_lies_where_its_mask_lies_in_training(tmp_path: Path) -> None:
    write_voc(tmp_path, train=2)
    for name in ("2007_000000", "2007_000001"):  # pictures that show their own masks
        classes = mask_of(40, 52, seed=int(name[-1])) % np.uint8(21)
        save(tmp_path / TREE / "JPEGImages" / f"{name}.png", np.stack([classes * 12] * 3, axis=-1))
        (tmp_path / TREE / "JPEGImages" / f"{name}.png").rename(tmp_path / TREE / "JPEGImages" / f"{name}.jpg")
        write_mask(tmp_path / TREE / "SegmentationClass" / f"{name}.png", classes)
    data = opened(tmp_path, "train", augmentation=Augmentation(0, furthest=5))
    shares = []
    for draw in (Draw(index, epoch) for index in range(2) for epoch in range(10)):
        sample = sample_of(data, draw)
        judged = sample.target != 255
        shares.append(judged.float().mean().item())
        red = (sample.input[0] * 0.229 + 0.485) * 255 / 12
        inside = judged & ((red - red.round()).abs() < 0.02)  # where nothing is mixed with what is beside it
        assert inside.sum() > 0.1 * judged.sum()
        assert (red.round()[inside] == sample.target[inside]).float().mean() > 0.7
        assert (sample.input[:, ~judged] == 0).all()
    assert min(shares) < 0.5 < 1 == max(shares)  # small in the square, and all of it


def test_training_scales_run_from_a_half_to_two(tmp_path: Path) -> None:
    data = opened(write_voc(tmp_path, train=1), "train", crop=100, augmentation=Augmentation(0))
    heights = []
    for epoch in range(60):
        target = sample_of(data, Draw(0, epoch)).target
        heights.append(int((target != 255).any(dim=1).sum()))
    assert 20 <= min(heights) < 26  # of 44 rows, some of whose outer ones may not be judged
    assert 78 < max(heights) <= 88


def test_what_is_drawn_follows_from_seed_epoch_and_index(tmp_path: Path) -> None:
    write_voc(tmp_path)
    first, again, other = (opened(tmp_path, "train", augmentation=Augmentation(seed)) for seed in (1, 1, 2))
    for draw in (Draw(0, 0), Draw(0, 1), Draw(3, 0)):
        assert sample_of(first, draw).input.equal(sample_of(again, draw).input)
        assert sample_of(first, draw).target.equal(sample_of(again, draw).target)
        assert not sample_of(first, draw).input.equal(sample_of(other, draw).input)


@pytest.mark.parametrize("listed", ["{name}", "/JPEGImages/{name}.jpg /SegmentationClassAug/{name}.png"])
@pytest.mark.parametrize("file", ["train_aug.txt", "trainaug.txt"])
def test_the_augmented_training_set_is_used_where_it_is_there(listed: str, file: str, tmp_path: Path) -> None:
    write_voc(tmp_path)
    names = [f"2007_{number:06d}" for number in (0, 2, 5)]
    write_list(tmp_path / TREE, file, [listed.format(name=name) for name in names])
    assert len(opened(tmp_path, "train")) == 4  # without the masks, it is not there
    for number, name in enumerate(names):
        with picture_of(tmp_path, name) as picture:
            grey = np.full((picture.height, picture.width), 3 + number, np.uint8)
        save(tmp_path / TREE / "SegmentationClassAug" / f"{name}.png", grey)
    data = opened(tmp_path, "train")
    assert list(data.names) == names
    assert [sorted(sample_of(data, index).target.unique().tolist()) for index in range(3)] == [
        [3, 255],
        [4, 255],
        [5, 255],
    ]
    assert len(opened(tmp_path)) == 3  # val is as it was


def test_fewer_pictures_are_taken_evenly_over_the_list(tmp_path: Path) -> None:
    write_voc(tmp_path, train=6)
    assert opened(tmp_path, "train", max_images=2).names == ("2007_000001", "2007_000004")
    assert len(opened(tmp_path, "train", max_images=99)) == 6


def test_files_are_those_of_pictures_and_masks(tmp_path: Path) -> None:
    data = opened(write_voc(tmp_path, val=1))
    assert [path.relative_to(tmp_path / TREE).as_posix() for path in data.files] == [
        "JPEGImages/2007_000004.jpg",
        "SegmentationClass/2007_000004.png",
    ]


def test_a_picture_is_not_turned_away_from_its_mask(tmp_path: Path) -> None:
    write_voc(tmp_path, val=1)
    path = tmp_path / TREE / "JPEGImages" / "2007_000004.jpg"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    pixels = smooth(30, 44, seed=0)
    write_mask(tmp_path / TREE / "SegmentationClass" / "2007_000004.png", mask_of(30, 44, seed=0))
    save(path, pixels)
    stored = sample_of(opened(tmp_path), 0).input
    Image.fromarray(pixels).save(path, exif=exif)
    assert sample_of(opened(tmp_path), 0).input.equal(stored)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.full((40, 30), 21, np.uint8), "must have classes from 0 to 20, or 255 where none is judged, got 21"),
        (np.zeros((40, 31), np.uint8), "must be of the size of its picture, got 40 x 31 for 40 x 30"),
        (np.zeros((40, 30, 3), np.uint8), "must hold a class for each pixel, .* got an image of mode RGB"),
        (np.zeros((40, 30), np.uint16), "must hold a class for each pixel, .* got an image of mode I;16"),
    ],
)
def test_a_mask_that_does_not_fit_is_an_error_or_left_out(
    mask: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], message: str, tmp_path: Path
) -> None:
    write_voc(tmp_path, val=1)
    save(tmp_path / TREE / "JPEGImages" / "2007_000004.jpg", smooth(40, 30, seed=0))
    path = save(tmp_path / TREE / "SegmentationClass" / "2007_000004.png", mask)
    with pytest.raises(DataError, match=message):
        opened(tmp_path)[0]
    assert isinstance(opened(tmp_path, on_bad_file="skip")[0], Skipped)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=f"cannot read the image .*{path.name}"):
        opened(tmp_path)[0]


def test_a_file_that_is_not_there_is_an_error_or_left_out(tmp_path: Path) -> None:
    write_voc(tmp_path)
    (tmp_path / TREE / "SegmentationClass" / "2007_000005.png").unlink()
    with pytest.raises(DataError, match=r"2007_000005.png must be there, as its list says"):
        opened(tmp_path)
    with pytest.warns(UserWarning, match="skipped 1 files"):
        assert opened(tmp_path, on_bad_file="skip").names == ("2007_000004", "2007_000006")
    shutil.rmtree(tmp_path / TREE / "SegmentationClass")
    with pytest.raises(DataError, match="must have a picture of its list, got none"):
        opened(tmp_path, on_bad_file="skip")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "must have the name of a picture in each line, got none"),
        (["2007_000004", "2007_000004"], "must name each picture once, got 2007_000004 again"),
        (["2007_000004  1"], "must have the name of a picture in each line, got '2007_000004 1'"),
    ],
)
def test_a_list_that_is_none_is_said(lines: list[str], message: str, tmp_path: Path) -> None:
    write_list(write_voc(tmp_path) / TREE, "val.txt", lines)
    with pytest.raises(DataError, match=message):
        opened(tmp_path)


def test_a_list_that_is_not_there_is_said(tmp_path: Path) -> None:
    (write_voc(tmp_path) / TREE / "ImageSets" / "Segmentation" / "val.txt").unlink()
    with pytest.raises(DataError, match=r"cannot read .*val.txt: No such file"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("made", "got"),
    [(None, "nothing there"), ("x", "a folder without it"), ("VOCtrainval_11-May-2012.tar", "not unpacked; run `tar")],
)
def test_a_folder_without_the_tree_is_said(made: str | None, got: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    if made:
        folder.mkdir()
        (folder / made).write_bytes(b"")
    with pytest.raises(DataError, match=f"must have VOCdevkit/VOC2012 with .*, got .*{got}"):
        voc_folder(folder)


@pytest.mark.parametrize("corner", [(0, 0), (1, 2), (-2, 1), (3, -1), (-2, -3)])
def test_what_lies_in_a_square_is_what_is_seen_through_it(corner: tuple[int, int]) -> None:
    image = torch.arange(1, 25.0).reshape(1, 4, 6)
    square = in_square(image, corner, 5, fill=0)
    for row in range(5):
        for column in range(5):
            place = row - corner[0], column - corner[1]
            inside = 0 <= place[0] < 4 and 0 <= place[1] < 6
            assert square[0, row, column] == (image[0, place[0], place[1]] if inside else 0)


def test_squares_that_no_picture_fills_by_half_are_told_of(tmp_path: Path) -> None:
    folder = write_voc(tmp_path, size=(30, 44))
    assert opened(folder, crop=127).room() == ""
    told = opened(folder, "train", crop=128).room()
    assert "squares of 128 x 128, but have at most 44 pixels a side (4 were looked at); crop=64 " in told
    assert told.endswith("4 times less to compute")
    save(tmp_path / TREE / "JPEGImages" / "2007_000005.jpg", smooth(30, 129, seed=0))
    assert opened(folder, crop=256).room() == ""
    assert "at most 129 pixels a side (3 were looked at); crop=160 " in opened(folder, crop=320).room()
    for path in (tmp_path / TREE / "JPEGImages").iterdir():
        path.write_bytes(b"")  # told when it is read
    assert opened(folder, crop=512).room() == ""


@pytest.mark.parametrize(("crop", "times"), [(64, 0), (512, 2)])
def test_small_pictures_are_told_of_in_training_and_in_testing(
    crop: int, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(datamodules, "rank_zero_info", told.append)
    data = VOCData(write_voc(tmp_path), crop=crop, cache=tmp_path)
    for stage in STAGES:
        data.dataset(stage)
    assert len(told) == times
