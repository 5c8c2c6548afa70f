"""Test images: natural ones, phantoms and noise, and the hard ones, on which phases tie."""

from functools import cache

import skimage.data
import skimage.transform
import torch
from torch import Tensor

from recon.data import hard

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
    return hard.hard_images(size)


def all_images(size: tuple[int, int] = SIZE) -> dict[str, Tensor]:
    """Ordinary and hard images."""
    return {**ordinary_images(size), **hard_images(size)}
