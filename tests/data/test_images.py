"""Image folders: which files in which order, every mode of pixel by hand, and the geometry of the crop."""

import os
import pickle
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from recon.data.images import GreyImage, ImageFolder, fit_square, image_files, read_grey
from recon.errors import ConfigError, DataError, ShapeError

ULP = 2.0**-23


def noise(*shape: int) -> NDArray[np.uint8]:
    """Give random bytes, always the same."""
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def floats(*rows: list[float]) -> NDArray[np.float32]:
    """Give rows of numbers as float32."""
    return np.array(rows, dtype=np.float32)


def save(path: Path, pixels: NDArray[np.generic]) -> Path:
    """Save pixels as the image that the ending of path says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def one_pixel(path: Path, mode: str, colour: int | tuple[int, ...]) -> Path:
    """Save an image of 1 x 1 pixel."""
    Image.new(mode, (1, 1), colour).save(path)
    return path


def png_of_size(width: int, height: int) -> bytes:
    """Give a PNG file whose header claims a size, with the data of one grey pixel."""
    chunks = (
        (b"IHDR", struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\0")),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


# Which files, in which order


def names(folder: Path, count: int | None = None) -> list[str]:
    """Give the paths of the image files inside their folder."""
    return [file.relative_to(folder).as_posix() for file in image_files(folder, count=count)]


def touch(folder: Path, *files: str) -> Path:
    """Make empty files in a folder."""
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    return folder


def test_files_are_sorted_by_name_and_the_first_are_taken(tmp_path: Path) -> None:
    touch(tmp_path, *(f"ILSVRC2012_val_{n:08d}.JPEG" for n in (3, 1, 12, 2, 10)))
    expected = [f"ILSVRC2012_val_{n:08d}.JPEG" for n in (1, 2, 3, 10, 12)]
    assert names(tmp_path) == expected
    assert names(tmp_path, count=3) == expected[:3]
    assert names(tmp_path, count=99) == expected


def test_files_of_class_folders_are_sorted_by_their_own_names(tmp_path: Path) -> None:
    touch(tmp_path, "n02/b.jpg", "n02/c.jpg", "n01/c.jpg", "n03/a.jpg", "bb.jpg")
    assert names(tmp_path) == ["n03/a.jpg", "n02/b.jpg", "bb.jpg", "n01/c.jpg", "n02/c.jpg"]
    assert names(tmp_path, count=4)[-1] == "n01/c.jpg"


def test_endings_count_in_any_letter_case_and_other_files_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "a.JPEG", "b.jpg", "c.PnG", "d.txt", "e.jpg.part", "f.gif", "jpg", "._a.JPEG", ".hidden/g.jpg")
    touch(tmp_path, "h.jpg/i.png", "deep/deeper/j.jpg")
    assert names(tmp_path) == ["a.JPEG", "b.jpg", "c.PnG", "h.jpg/i.png"]


def test_linked_class_folder_is_followed_once(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/a.jpg", "images/b.jpg")
    (tmp_path / "images" / "n01").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "images" / "round").symlink_to(tmp_path / "images")
    assert names(tmp_path / "images") == ["n01/a.jpg", "b.jpg", "round/b.jpg"]


def test_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must hold images \(.jpeg, .jpg, .png\).*which has none"):
        image_files(touch(tmp_path, "notes.txt"))
    with pytest.raises(DataError, match="absent, which does not exist"):
        image_files(tmp_path / "absent")
    with pytest.raises(DataError, match=r"notes.txt, which is not a folder"):
        image_files(tmp_path / "notes.txt")
    with pytest.raises(ConfigError, match="count must be a whole number of at least 1, got 0"):
        image_files(tmp_path, count=0)


# Reading: each mode by hand


def test_luma_by_hand(tmp_path: Path) -> None:
    for colour, expected in (
        ((255, 0, 0), 0.299),
        ((0, 255, 0), 0.587),
        ((0, 0, 255), 0.114),
        ((10, 200, 30), (2.99 + 117.4 + 3.42) / 255),
        ((255, 255, 255), 1.0),
    ):
        assert read_grey(one_pixel(tmp_path / "a.png", "RGB", colour)) == floats([expected])


def test_luma_is_that_of_pil_before_rounding(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", noise(40, 50, 3))
    with Image.open(path) as image:
        rounded = np.asarray(image.convert("L"), dtype=np.float32)
    assert np.abs(read_grey(path) * 255 - rounded).max() <= 0.502  # PIL's weights are rounded to 16 bits


def test_grey_is_exact_however_it_is_stored(tmp_path: Path) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    grey = Image.fromarray(levels)
    for mode in ("L", "RGB", "RGBA", "LA", "P"):
        path = tmp_path / f"{mode}.png"
        grey.convert(mode).save(path)
        assert np.array_equal(read_grey(path), levels / np.float32(255)), mode


def test_16_bit_grey_keeps_its_depth(tmp_path: Path) -> None:
    levels = np.array([[0, 1, 257], [255, 65534, 65535]], dtype=np.uint16)
    assert np.array_equal(read_grey(save(tmp_path / "a.png", levels)), levels / np.float32(65535))


def test_1_bit_is_black_and_white(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", np.array([[False, True, True]]))
    assert np.array_equal(read_grey(path), [[0, 1, 1]])


def test_palette_gives_its_colours(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "a.png")
    assert np.array_equal(read_grey(tmp_path / "a.png"), floats([0.299, 0.114]))
    image.save(tmp_path / "b.png", transparency=0)
    assert np.array_equal(read_grey(tmp_path / "b.png"), floats([0, 0.114]))


def test_transparent_parts_lie_over_black(tmp_path: Path) -> None:
    for alpha in (0, 51, 255):
        path = one_pixel(tmp_path / "a.png", "RGBA", (255, 255, 255, alpha))
        assert read_grey(path) == floats([alpha / 255])


def test_cmyk_jpeg_is_read(tmp_path: Path) -> None:
    for colour, expected in (((0, 0, 0, 127), 128), ((0, 0, 0, 0), 255), ((255, 255, 0, 0), 0.114 * 255)):
        Image.new("CMYK", (16, 16), colour).save(tmp_path / "a.jpg")
        assert np.abs(read_grey(tmp_path / "a.jpg") * 255 - expected).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_that_of_pil(tmp_path: Path, orientation: int) -> None:
    image, exif = Image.fromarray(noise(3, 5)), Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored), dtype=np.float32) / 255
    assert np.array_equal(read_grey(tmp_path / "a.png"), expected)


def test_jpeg_turned_by_exif_by_hand(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # turn clockwise: the left half comes to the top
    left_bright = np.array([[255] * 16 + [0] * 16] * 16, dtype=np.uint8)
    Image.fromarray(left_bright).save(tmp_path / "a.jpg", exif=exif)
    upright = read_grey(tmp_path / "a.jpg")
    assert upright.shape == (32, 16)
    assert upright[:16].min() > 0.9
    assert upright[16:].max() < 0.1


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("broken", [b"Exif\0\0broken", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0", b"MM"])
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_broken_exif_does_not_cost_the_image(tmp_path: Path, broken: bytes, ending: str) -> None:
    Image.new("L", (4, 6), 255).save(tmp_path / f"a.{ending}", exif=broken)
    assert np.array_equal(read_grey(tmp_path / f"a.{ending}"), np.ones((6, 4)))


def test_values_are_contiguous_float32_from_0_to_1(tmp_path: Path) -> None:
    values = read_grey(save(tmp_path / "with space" / "Bild Ä 図.jpg", noise(17, 23, 3)))
    assert values.shape == (17, 23)
    assert values.dtype == np.float32
    assert values.flags.c_contiguous
    assert 0 <= values.min() < values.max() <= 1


# Reading: what is refused


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_truncated_file_is_refused(tmp_path: Path, ending: str) -> None:
    path = save(tmp_path / f"a.{ending}", noise(64, 64, 3))
    whole = path.read_bytes()
    for kept in (len(whole) // 2, 30):
        path.write_bytes(whole[:kept])
        with pytest.raises(DataError, match=rf"cannot read the image .*a\.{ending}: \w+"):
            read_grey(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"<html>404</html>", "it is not a JPEG or PNG image"),
        (b"GIF89a" + bytes(100), "it is not a JPEG or PNG image"),
        (png_of_size(1, 0), "its beginning is broken"),
        (png_of_size(0, 1), "its beginning is broken"),
        (png_of_size(10**5, 10**5), "exceeds limit .* decompression bomb"),
    ],
    ids=["empty", "text", "gif", "no rows", "no columns", "bomb"],
)
def test_what_is_not_an_image_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"cannot read the image .*a\.png: .*{reason}.*; replace the file"):
        read_grey(path)


def test_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent.png: No such file or directory"):
        read_grey(tmp_path / "absent.png")
    with pytest.raises(DataError, match=r": Is a directory"):
        read_grey(tmp_path)
    (tmp_path / "link.png").symlink_to(tmp_path / "absent.png")
    with pytest.raises(DataError, match=r"link.png: No such file or directory"):
        ImageFolder(tmp_path, size=4)[0]


def test_file_or_folder_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.png", noise(4, 4))

    def refused(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")  # root may read everything, whatever its mode

    monkeypatch.setattr(Image, "open", refused)
    with pytest.raises(DataError, match=r"a.png: Permission denied"):
        read_grey(path)
    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(DataError, match=r"cannot list the folder .*: Permission denied"):
        image_files(tmp_path)


def test_refused_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    touch(tmp_path, "a.png")
    monkeypatch.setattr(Image, "open", refuse)
    with pytest.raises(DataError, match=r"a.png: Permission denied"):
        read_grey(tmp_path / "a.png")
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match=r"cannot list the folder .*: Permission denied"):
        image_files(tmp_path)


# Geometry


@pytest.mark.parametrize("shape", [(4, 4), (4, 7), (7, 4), (1, 9), (300, 200), (3, 1000)])
@pytest.mark.parametrize("size", [1, 4, 5, (3, 8), (9, 2)])
def test_constant_stays_constant(shape: tuple[int, int], size: int | tuple[int, int]) -> None:
    fitted = fit_square(np.full(shape, 0.3, dtype=np.float32), size)
    assert fitted.shape == (size if isinstance(size, tuple) else (size, size))
    assert fitted.dtype == np.float32
    assert (fitted == np.float32(0.3)).all()


@pytest.mark.parametrize(("length", "start"), [(4, 0), (5, 0), (6, 1), (7, 1), (8, 2)])
def test_crop_is_central_and_keeps_the_pixels(length: int, start: int) -> None:
    image = noise(4, length) / np.float32(255)
    assert np.array_equal(fit_square(image, 4), image[:, start : start + 4])
    assert np.array_equal(fit_square(image.T, 4), image.T[start : start + 4])
    assert np.array_equal(fit_square(image, (4, length)), image)


@pytest.mark.parametrize("shape", [(37, 50), (50, 37), (500, 375), (20, 200)])
@pytest.mark.parametrize("size", [16, 31, 64])
def test_crop_is_that_of_the_whole_resized_image(shape: tuple[int, int], size: int) -> None:
    image = noise(*shape) / np.float32(255)
    height, width = (max(size, round(n * size / min(shape))) for n in shape)
    whole = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
    top, left = (height - size) // 2, (width - size) // 2
    expected = whole[top : top + size, left : left + size].clip(image.min(), image.max())
    np.testing.assert_allclose(fit_square(image, size), expected, rtol=0, atol=2e-5)


def test_shrinking_is_antialiased() -> None:
    checkerboard = np.indices((64, 64)).sum(0) % 2
    inner = fit_square(checkerboard, 16)[2:-2, 2:-2]
    assert np.abs(inner - 0.5).max() < 0.02


def test_resizing_commutes_with_mirroring() -> None:
    image = noise(30, 30) / np.float32(255)
    for mirrored in (np.s_[::-1], np.s_[:, ::-1]):
        np.testing.assert_allclose(fit_square(image[mirrored], 13), fit_square(image, 13)[mirrored], atol=4 * ULP)


def test_overshoot_is_clipped() -> None:
    step = np.repeat([[0.0, 1.0]], 8, axis=1) * np.ones((16, 1))
    assert (fit_square(step, 50).min(), fit_square(step, 50).max()) == (0, 1)


def test_one_pixel_and_long_strips_are_enlarged() -> None:
    assert (fit_square([[0.25]], 320) == 0.25).all()
    strip = np.zeros((1, 50_001))
    strip[0, 24_990:25_011] = 1  # 320 times larger, the whole strip would have 5e9 pixels
    assert (fit_square(strip, 320) == 1).all()


def test_image_that_cannot_be_fitted_is_refused() -> None:
    for shape in ((4,), (1, 4, 4), (0, 4)):
        with pytest.raises(ShapeError, match=r"image must have the shape \(H, W\)"):
            fit_square(np.zeros(shape), 4)
    with pytest.raises(DataError, match="image must be finite"):
        fit_square([[np.nan]], 4)
    for size in (0, -1, (4, 0), True):
        with pytest.raises(ConfigError, match="size must be a whole number of at least 1"):
            fit_square([[0.0]], size)
    with pytest.raises(ConfigError, match=r"one whole number or \(height, width\), got \(1, 2, 3\)"):
        fit_square([[0.0]], (1, 2, 3))  # type: ignore[arg-type]


# The folder as a sequence


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """Make a folder of six images of various sizes."""
    generator = np.random.default_rng(0)
    for n, shape in enumerate([(40, 30), (30, 40), (20, 20), (25, 60), (60, 25), (9, 9)], start=1):
        pixels = generator.integers(0, 256, (*shape, 3), dtype=np.uint8)
        save(tmp_path / "flat" / f"ILSVRC2012_val_{n:08d}.JPEG", pixels)
    return tmp_path / "flat"


def test_flat_and_class_folders_give_the_same_images(flat: Path, tmp_path: Path) -> None:
    for n, file in enumerate(image_files(flat)):
        folder = tmp_path / "classes" / f"n{(n * 5) % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder)
    one, other = ImageFolder(flat, size=16), ImageFolder(tmp_path / "classes", size=16)
    assert len(one) == len(other) == 6
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a.values, b.values)
        assert a.file == b.file.partition("/")[2]


def test_folder_gives_its_first_images(flat: Path) -> None:
    images = ImageFolder(folder=flat, size=(8, 12), count=4)
    assert [image.file for image in images] == [f"ILSVRC2012_val_{n:08d}.JPEG" for n in (1, 2, 3, 4)]
    assert {image.values.shape for image in images} == {(8, 12)}
    assert {image.slice for image in images} == {0}
    assert len(ImageFolder(flat, size=8, count=None)) == len(ImageFolder(flat, size=8)) == 6
    assert np.array_equal(images[-1].values, fit_square(read_grey(images.files[3]), (8, 12)))
    with pytest.raises(IndexError):
        images[4]


def test_folder_gives_the_same_values_again_and_after_pickling(flat: Path) -> None:
    images = ImageFolder(flat, size=16)
    copied = pickle.loads(pickle.dumps(images))
    for once, again, elsewhere in zip(images, images, copied, strict=True):
        assert np.array_equal(once.values, again.values)
        assert np.array_equal(once.values, elsewhere.values)


def test_images_are_read_when_asked_for_and_a_corrupt_one_is_named(flat: Path) -> None:
    (flat / "ILSVRC2012_val_00000002.JPEG").write_text("gone")
    images = ImageFolder(flat, size=16)
    assert images[0].values.shape == (16, 16)
    with pytest.raises(DataError, match=r"ILSVRC2012_val_00000002.JPEG: it is not a JPEG or PNG image"):
        images[1]


def test_part_of_a_folder_is_a_folder(flat: Path) -> None:
    images = ImageFolder(flat, size=16)
    part = images[1:6:2]
    assert isinstance(part, ImageFolder)
    assert [image.file for image in part] == [images[n].file for n in (1, 3, 5)]
    assert len(images) == 6


def test_wrong_size_or_count_is_refused_before_reading(flat: Path) -> None:
    with pytest.raises(ConfigError, match="size must be a whole number"):
        ImageFolder(flat, size=0)
    with pytest.raises(ConfigError, match="count must be a whole number"):
        ImageFolder(flat, size=4, count=-1)


def test_grey_image_holds_float32_rows_and_columns() -> None:
    with pytest.raises(ShapeError, match=r"got float64 of shape \(2, 2\)"):
        GreyImage(np.zeros((2, 2)), "a.png")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match=r"got float32 of shape \(1, 2, 2\)"):
        GreyImage(np.zeros((1, 2, 2), dtype=np.float32), "a.png")
