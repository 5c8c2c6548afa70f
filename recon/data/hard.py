"""Hard images, on which phases tie: by accident, or because the image equals a shift of itself."""

import skimage.data
import skimage.transform
import torch
from torch import Tensor

TILES = ((1, 2), (2, 2), (4, 4), (8, 8), (16, 16), (0, 2), (2, 0), (0, 3), (8, 6))  # 0: the whole side


def hard_images(size: tuple[int, int]) -> dict[str, Tensor]:
    """Give images (1, H, W) in float32 by name, always the same for one size.

    From 16 x 24 on they are what their names say; periodic tiles are only there where they divide the size.

    >>> [name for name in hard_images((16, 24)) if "pixel" in name][:2]
    ['one pixel', 'two equal pixels']
    """
    images = {**_regular_images(size), **_drawn_images(size)}
    return {name: image.float()[None].contiguous() for name, image in images.items()}


def _regular_images(size: tuple[int, int]) -> dict[str, Tensor]:
    """What has a rule for every pixel: blank and striped images, checkerboards, a few equal pixels."""
    height, width = size
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    noise = _noise(size)
    first = (rows == 3) & (columns == 6)
    return {
        "zero": torch.zeros(size),
        "constant": torch.full(size, 0.7),
        "negative constant": torch.full(size, -0.7),
        "constant rows": noise[:, :1].expand(size),
        "constant columns": noise[:1].expand(size),
        "bars of 1": (columns % 2).expand(size),
        "bars of 2": (rows // 2 % 2).expand(size),
        "bars of 4": (columns // 4 % 2).expand(size),
        "diagonals": (rows + columns) % 4,
        "checkerboard": (rows + columns) % 2,
        "checkerboard of 2": (rows // 2 + columns // 2) % 2,
        "one pixel": first,
        "two equal pixels": first | ((rows == 10 % height) & (columns == 21 % width)),
        "two pixels half an image apart": (rows % max(height // 2, 1) == 5) & (columns == 7),
        "four equal pixels": ((rows == 3) | (rows == 8)) & ((columns == 6) | (columns == 11)),
    }


def _drawn_images(size: tuple[int, int]) -> dict[str, Tensor]:
    """What is made of a phantom or of noise: symmetric images, signs, and tiles."""
    height, width = size
    noise, phantom = _noise(size), _phantom(size)
    images = {
        "mirror-symmetric phantom": torch.cat([phantom[:, : -(-width // 2)], phantom[:, : width // 2].flip(1)], dim=1),
        "turned upside down": torch.cat([noise[: -(-height // 2)], noise[: height // 2].flip(0, 1)]),
        "random signs": noise.sign(),
    }
    if height % 4 == width % 4 == 0:
        images["negative tiles of 4"] = -1 - noise[:4, :4].abs().tile(height // 4, width // 4)
    for tile in TILES:
        rows, columns = tile[0] or height, tile[1] or width
        if height % rows == width % columns == 0:
            tiles = noise[:rows, :columns].tile(height // rows, width // columns)
            images[f"tiles of {rows} x {columns}"] = tiles
    return images


def _noise(size: tuple[int, int]) -> Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(2))


def _phantom(size: tuple[int, int]) -> Tensor:
    """The phantom of Shepp and Logan, which lies in scikit-image's package."""
    image = skimage.transform.resize(skimage.data.shepp_logan_phantom(), size, anti_aliasing=True)
    return torch.from_numpy(image).float()
