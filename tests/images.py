"""Test images: natural ones, phantoms and noise, and the hard ones, on which phases tie."""

from functools import cache

import skimage.data
import skimage.transform
import torch
from torch import Tensor

SIZE = (32, 48)


@cache
def ordinary_images(size: tuple[int, int] = SIZE) -> dict[str, Tensor]:
    """Images (1, H, W) as they come: phases do not tie but by chance."""
    generator = torch.Generator().manual_seed(1)
    camera = torch.from_numpy(skimage.data.camera())
    moon = torch.from_numpy(skimage.data.moon())
    astronaut = torch.from_numpy(skimage.data.astronaut().mean(-1))
    phantom = torch.from_numpy(skimage.transform.resize(skimage.data.shepp_logan_phantom(), size, anti_aliasing=True))
    height, width = size
    half = torch.rand(height // 2, width // 2, generator=generator)
    images = {
        "camera": camera[100 : 100 + height, 150 : 150 + width] / 255,
        "moon in 8 bits": moon[100 : 100 + height, 100 : 100 + width],
        "astronaut": astronaut[:height, 150 : 150 + width] / 255 - 0.5,
        "phantom": phantom,
        "noise": torch.randn(height, width, generator=generator),
        "large values": torch.randn(height, width, generator=generator) * 1e12,
        "small values": torch.randn(height, width, generator=generator) * 1e-12,
        "enlarged twice": half.repeat_interleave(2, 0).repeat_interleave(2, 1),
        "all negative": -torch.rand(height, width, generator=generator) - 1,
    }
    return {name: image.float()[None] for name, image in images.items()}


@cache
def hard_images(size: tuple[int, int] = SIZE) -> dict[str, Tensor]:
    """Images (1, H, W) on which phases tie: by accident, or because the image equals a shift of itself."""
    height, width = size
    generator = torch.Generator().manual_seed(2)
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    noise = torch.randn(height, width, generator=generator)
    phantom = ordinary_images(size)["phantom"][0]
    mirrored = torch.cat([phantom[:, : width // 2], phantom[:, : width // 2].flip(1)], dim=1)
    images = {
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
        "one pixel": ((rows == 3) & (columns == 6)),
        "two equal pixels": ((rows == 3) & (columns == 6)) | ((rows == 10) & (columns == 21)),
        "two pixels half an image apart": (rows % (height // 2) == 5) & (columns == 7),
        "four equal pixels": ((rows == 3) | (rows == 8)) & ((columns == 6) | (columns == 11)),
        "mirror-symmetric phantom": mirrored,
        "turned upside down": torch.cat([noise[: height // 2], noise[: height // 2].flip(0, 1)]),
        "random signs": noise.sign(),
        "negative tiles of 4": -1 - noise[:4, :4].abs().tile(height // 4, width // 4),
    }
    for tile in ((1, 2), (2, 2), (4, 4), (8, 8), (16, 16), (height, 2), (2, width), (height, 3), (8, 6)):
        if height % tile[0] or width % tile[1]:
            continue
        images[f"tiles of {tile[0]} x {tile[1]}"] = noise[: tile[0], : tile[1]].tile(
            height // tile[0], width // tile[1]
        )
    return {name: image.float()[None].contiguous() for name, image in images.items()}


def all_images(size: tuple[int, int] = SIZE) -> dict[str, Tensor]:
    """Ordinary and hard images."""
    return {**ordinary_images(size), **hard_images(size)}
