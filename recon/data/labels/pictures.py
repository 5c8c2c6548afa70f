"""Pictures in colour: read from JPEG and PNG files, resized, cropped, and normalised for a network."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from recon.data.images import FORMATS, orientation_of, unreadable
from recon.errors import DataError

_TURNS = {  # by the EXIF orientation (EXIF 2.3, tag 0x0112)
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LONGEST = 16  # sides of an image to one another: of a longer one, the middle


def read_picture(path: Path, *, upright: bool = True) -> Image.Image:
    """Read a JPEG or PNG file as an image of mode RGB, turned `upright` by its EXIF orientation or left as stored.

    The values are those of the file: colour profiles are not applied. Transparent parts lie over black, and 16-bit
    grey is rounded to 8 bits.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            image.load()
            colour = _colour(image)
            turn = _TURNS.get(orientation_of(image)) if upright else None
    except Exception as error:  # broken bytes make the decoders fail in many ways
        raise unreadable(path, error) from error
    return colour if turn is None else colour.transpose(turn)


def read_mask(path: Path) -> Image.Image:
    """Read a PNG file of classes as an image of mode L whose values are their numbers: palette's indices, or grey."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            image.load()
            numbers = np.asarray(image)
            mode = image.mode
    except Exception as error:
        raise unreadable(path, error) from error
    if mode not in ("P", "L"):
        raise DataError(
            f"{path} must hold a class for each pixel, as a palette or as grey, got an image of mode {mode}"
        )
    return Image.fromarray(numbers)


def normalised(
    pixels: NDArray[np.uint8], mean: tuple[float, float, float], deviation: tuple[float, float, float]
) -> Tensor:
    """Give 8-bit colours (3, H, W) as a network takes them: float32, in [0, 1], less the mean, over the deviation."""
    image = torch.from_numpy(pixels.astype(np.float32, order="C")).div_(255)
    return image.sub_(torch.tensor(mean)[:, None, None]).div_(torch.tensor(deviation)[:, None, None])


def pixels_of(image: Image.Image) -> NDArray[np.uint8]:
    """Give the pixels of an RGB image: (3, H, W)."""
    return np.asarray(image).transpose(2, 0, 1)


def resized_middle(image: Image.Image, shorter: int, crop: int) -> Image.Image:
    """Resize an image until its shorter side is `shorter`, and keep the middle (crop x crop).

    The filter is bilinear and antialiased, and lengths and places are rounded as torchvision's Resize and CenterCrop
    round them. Of a long strip only the middle is resized: all of it could fill the memory.
    """
    short = min(image.size)
    image = middle(image, tuple(min(n, _LONGEST * short) for n in image.size))
    columns, rows = (shorter if n == short else int(shorter * n / short) for n in image.size)
    return middle(image.resize((columns, rows), Image.Resampling.BILINEAR), (crop, crop))


def middle(image: Image.Image, size: tuple[int, ...]) -> Image.Image:
    """Keep the middle (columns, rows) of an image; where it is half a pixel off, the even place is taken."""
    left, top = (round((n - part) / 2) for n, part in zip(image.size, size, strict=True))
    return image.crop((left, top, left + size[0], top + size[1]))


def _colour(image: Image.Image) -> Image.Image:
    """Give a loaded image of any mode in colour."""
    if image.mode.startswith("I"):  # 16-bit PNG: "I;16", or "I" in older versions of PIL
        grey = np.rint(np.asarray(image, dtype=np.float32) / 257).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
