"""Natural images without a download: patches of the photographs inside scikit-image and scikit-learn."""

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recon.data.images import GreyImage, fit_square, read_grey
from recon.errors import DataError, require_at_least

# Name, installed package, file inside it. The files are read directly: scikit-image's own functions may download.
# The order mixes scenes, textures and microscopy, so that the first few already differ.
PHOTOGRAPHS = (
    ("scikit-image/astronaut", "skimage", "data/astronaut.png"),
    ("scikit-image/brick", "skimage", "data/brick.png"),
    ("scikit-learn/china", "sklearn", "datasets/images/china.jpg"),
    ("scikit-image/immunohistochemistry", "skimage", "data/ihc.png"),
    ("scikit-image/camera", "skimage", "data/camera.png"),
    ("scikit-image/coins", "skimage", "data/coins.png"),
    ("scikit-learn/flower", "sklearn", "datasets/images/flower.jpg"),
    ("scikit-image/grass", "skimage", "data/grass.png"),
    ("scikit-image/chelsea", "skimage", "data/chelsea.png"),
    ("scikit-image/retina", "skimage", "data/retina.jpg"),
    ("scikit-image/stereo_motorcycle", "skimage", "data/motorcycle_left.png"),
    ("scikit-image/moon", "skimage", "data/moon.png"),
    ("scikit-image/coffee", "skimage", "data/coffee.png"),
    ("scikit-image/gravel", "skimage", "data/gravel.png"),
    ("scikit-image/rocket", "skimage", "data/rocket.jpg"),
    ("scikit-image/cell", "skimage", "data/cell.png"),
    ("scikit-image/hubble_deep_field", "skimage", "data/hubble_deep_field.jpg"),
)
MOST_OVERLAP = 0.25  # of a patch's side


def natural_images(size: int = 320, *, count: int | None = None) -> Sequence[GreyImage]:
    """Give grey patches (size, size) in [0, 1] of the photographs in the installed packages, always in the same order.

    Each photograph gives one to four patches of its own pixels, which overlap by at most a quarter of a side; one
    that is smaller than a patch is enlarged to it. First comes one patch of every photograph, then the second ones,
    and so on. Photographs that the installed versions do not have are left out.

    Args:
        size: height and width of the patches.
        count: at most so many patches; None gives all, about 30 of size 320 and 70 of size 128.
    """
    require_at_least(size, 1, name="size")
    if count is not None:
        require_at_least(count, 1, name="count")
    found = [(name, path) for name, package, inside in PHOTOGRAPHS if (path := _installed(package, inside)) is not None]
    if not found:
        raise DataError(
            f"no photograph was found in scikit-image or scikit-learn ({PHOTOGRAPHS[0][2]} and others); install one "
            f"of them from its wheel, or give a folder of images"
        )
    photographs = [
        [GreyImage(patch, name, number) for number, patch in enumerate(_patches(read_grey(path), size))]
        for name, path in found[:count]
    ]
    interleaved = chain.from_iterable(zip_longest(*photographs))
    return tuple(image for image in interleaved if image is not None)[:count]


def _installed(package: str, inside: str) -> Path | None:
    """Give the path of a file inside an installed package, without importing it; None if there is no such file."""
    spec = find_spec(package)
    folders = (spec.submodule_search_locations if spec else None) or []
    return next((path for folder in folders if (path := Path(folder, inside)).is_file()), None)


def _patches(photograph: NDArray[np.float32], size: int) -> list[NDArray[np.float32]]:
    """Cut a photograph (H, W) into one to four patches (size, size), row by row; enlarge it if it is too small."""
    height, width = photograph.shape
    if min(height, width) < size:
        return [fit_square(photograph, size)]
    corners = [(top, left) for top in _starts(height, size) for left in _starts(width, size)]
    return [photograph[top : top + size, left : left + size].copy() for top, left in corners]


def _starts(length: int, size: int) -> list[int]:
    """Give where one or two patches start along a side: in the middle of each half, as far as the side allows."""
    parts = 2 if length >= (2 - MOST_OVERLAP) * size else 1
    middles = [(2 * part + 1) * length / (2 * parts) for part in range(parts)]
    return [min(max(int(middle - size / 2), 0), length - size) for middle in middles]
