"""Synthetic pictures as JPEG files that keep fine detail, and say what they are."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recon.files import written_whole

QUALITY = 95


def write_jpeg(path: Path, values: NDArray[np.uint8]) -> None:
    """Write a picture (rows, columns, 3); its colours have all of its pixels. The same values give the same bytes."""
    with written_whole(path) as part:
        Image.fromarray(values).save(part, format="JPEG", quality=QUALITY, subsampling=0, comment=b"synthetic")
