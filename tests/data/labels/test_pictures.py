"""Pictures in colour: every mode of pixel, orientation, and the geometry of the middle, against PIL and torchvision."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, ImageOps
from torchvision.transforms import v2  # type: ignore[import-untyped]

from recon.data.labels.pictures import normalised, pixels_of, read_mask, read_picture, resized_middle
from recon.errors import DataError
from tests.data.labels.files import noise, save, smooth


def picture(path: Path, mode: str, colour: int | tuple[int, ...]) -> list[int]:
    """Save an image of one colour, and read the colour of its first pixel."""
    Image.new(mode, (3, 2), colour).save(path)
    image = read_picture(path)
    assert image.mode == "RGB"
    assert image.size == (3, 2)
    return pixels_of(image)[:, 0, 0].tolist()


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("RGB", (10, 20, 30), [10, 20, 30]),
        ("L", 77, [77, 77, 77]),
        ("1", 1, [255, 255, 255]),
        ("RGBA", (200, 100, 50, 255), [200, 100, 50]),
        ("RGBA", (200, 100, 50, 0), [0, 0, 0]),
        ("RGBA", (250, 100, 50, 51), [50, 20, 10]),
        ("LA", (100, 51), [20, 20, 20]),
        ("I;16", 257 * 9, [9, 9, 9]),
        ("I;16", 65535, [255, 255, 255]),
    ],
)
def test_every_mode_becomes_colour(
    mode: str, colour: int | tuple[int, ...], expected: list[int], tmp_path: Path
) -> None:
    assert picture(tmp_path / "a.png", mode, colour) == expected


def test_printing_colours_become_those_of_a_screen(tmp_path: Path) -> None:
    red, green, blue = picture(tmp_path / "a.jpeg", "CMYK", (0, 255, 255, 0))
    assert red > 250
    assert green < 5
    assert blue < 5


def test_a_palette_gives_its_colours(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1]], np.uint8))
    image.putpalette([1, 2, 3, 40, 50, 60])
    image.save(tmp_path / "a.png")
    assert pixels_of(read_picture(tmp_path / "a.png"))[:, 0].T.tolist() == [[1, 2, 3], [40, 50, 60]]
    assert np.asarray(read_mask(tmp_path / "a.png")).tolist() == [[0, 1]]


@pytest.mark.parametrize("orientation", range(1, 10))
def test_orientation_is_honoured_where_it_is_asked_for(orientation: int, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(smooth(20, 30, seed=0)).save(path, exif=exif)
    with Image.open(path) as image:
        upright, stored = np.asarray(ImageOps.exif_transpose(image)), np.asarray(image)
    assert np.array_equal(np.asarray(read_picture(path)), upright)
    assert np.array_equal(np.asarray(read_picture(path, upright=False)), stored)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.99])
@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_a_file_cut_off_is_said(name: str, share: float, tmp_path: Path) -> None:
    path = save(tmp_path / name, smooth(64, 64, seed=0))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    for read in (read_picture, read_mask):
        with pytest.raises(DataError, match=f"cannot read the image .*{name}: .*; replace the file or take it away"):
            read(path)
    with pytest.raises(DataError, match=r"cannot read the image .*: No such file"):
        read_picture(tmp_path / "b.jpg")


@pytest.mark.parametrize("size", [(64, 64), (37, 90), (90, 37), (41, 43), (500, 333), (20, 20)])
@pytest.mark.parametrize(("shorter", "crop"), [(32, 28), (32, 32), (41, 20), (256, 224)])
def test_the_middle_is_torchvisions(size: tuple[int, int], shorter: int, crop: int) -> None:
    image = Image.fromarray(noise(*size, 3))
    reference = v2.Compose([v2.Resize(shorter), v2.CenterCrop(crop)])(image)
    assert np.array_equal(np.asarray(resized_middle(image, shorter, crop)), np.asarray(reference))


def test_the_middle_of_a_strip_is_its_middle() -> None:
    strip = np.zeros((4, 4000, 3), np.uint8)
    strip[:, 1980:2020] = 200
    found = np.asarray(resized_middle(Image.fromarray(strip), 32, 32))
    assert found.shape == (32, 32, 3)
    assert (found == 200).all()


def test_normalised_colours_by_hand() -> None:
    pixels = np.array([0, 51, 255], np.uint8).reshape(3, 1, 1)
    found = normalised(pixels, (0.5, 0.25, 0.0), (0.5, 0.1, 2.0))
    torch.testing.assert_close(found.flatten(), torch.tensor([-1.0, -0.5, 0.5]))
    assert found.dtype == torch.float32
    assert pixels.flatten().tolist() == [0, 51, 255]  # as it was
