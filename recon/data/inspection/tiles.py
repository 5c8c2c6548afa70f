"""Which slices of a data set a contact sheet shows, with their targets and inputs."""

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from recon.data.fastmri import FastMRISlices
from recon.data.images import ENDINGS, ImageFolder
from recon.data.inspection.counting import evenly
from recon.data.inspection.kinds import DataFolder, Kind
from recon.data.inspection.labelled_tiles import labelled_tiles
from recon.data.inspection.tile import Image, Tile
from recon.data.lodopab import LoDoPaBSlices
from recon.data.samples import Sample, Slices
from recon.errors import DataError

PAIRS = 12
IMAGES = 24
IMAGE_SIZE = 320
COLUMNS: dict[Kind, tuple[str, ...]] = {
    "fastmri": ("target", "zero-filled, 4x"),
    "lodopab": ("ground truth", "FBP, Hann"),
    "cifar10": ("",),
    "imagenet": ("",),
    "voc": ("picture", "classes"),
    "images": ("",),
}
_BRIGHTEST = 99.8  # the percentile of a target that is shown white
_ENDS = 0.12  # of a volume at either end, which show little
_GOLDEN = (math.sqrt(5) - 1) / 2  # its multiples spread evenly over [0, 1), however many they are


def tiles_of(found: DataFolder) -> list[Tile]:
    """Choose and read the slices that a contact sheet shows, spread over all parts and volumes."""
    if found.kind == "images":
        return _images(found)
    if found.kind not in ("fastmri", "lodopab"):
        return labelled_tiles(found)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of files that are skipped
        parts = {part: data for part, files in found.parts.items() if (data := _slices(found, part, files)) is not None}
    samples = [(part, parts[part][index]) for part, index in _spread(parts, PAIRS)]
    return [_tile(part, sample) for part, sample in samples if isinstance(sample, Sample)]


def _slices(found: DataFolder, part: str, files: Sequence[Path]) -> Slices | None:
    """Open one part; None if nothing in it can be read."""
    try:
        if found.kind == "fastmri":
            return FastMRISlices(files[0].parent, clamp=None, on_bad_file="skip")
        return LoDoPaBSlices(found.path, part, on_bad_file="skip")  # type: ignore[arg-type]  # its parts are its words
    except DataError:
        return None


def _spread(parts: dict[str, Slices], count: int) -> list[tuple[str, int]]:
    """Choose slices by part and index: of as many volumes as possible, at ever other heights."""
    groups = [(part, group) for part, slices in parts.items() for group in slices.groups]
    repeated = [group for group in groups for _ in range(math.ceil(count / len(groups)))]
    chosen: set[tuple[int, int]] = set()
    for place, (part, group) in enumerate(evenly(repeated, count)):
        share = _ENDS + (1 - 2 * _ENDS) * ((place + 1) * _GOLDEN % 1)
        chosen.add((list(parts).index(part), group[int(share * len(group))]))
    return [(list(parts)[number], index) for number, index in sorted(chosen)]


def _tile(part: str, sample: Sample) -> Tile:
    given = _intensities(sample.input, sample)
    target = None if sample.target is None else _intensities(sample.target, sample)
    white = float(np.percentile(given if target is None else target, _BRIGHTEST))
    origin = sample.origin
    words = (f"slice {origin.slice}", origin.acquisition, "" if origin.acquisition else origin.volume)
    return Tile(
        (target, given),
        (0.0, white if white > 0 else 1.0),
        origin.file if part in origin.file else f"{part}  {origin.file}".strip(),
        "  ·  ".join(word for word in words if word),
        origin.synthetic,
    )


def _intensities(image: Tensor, sample: Sample) -> Image:
    """Undo the network's scaling."""
    values: NDArray[Any] = (image[0] * sample.scale + sample.mean).numpy()
    return values.astype(np.float32)


def _images(found: DataFolder) -> list[Tile]:
    images = ImageFolder(found.path, size=IMAGE_SIZE, count=None)
    tiles = []
    for index in evenly(range(len(images)), IMAGES):
        try:
            image = images[index]
        except DataError:
            continue
        name = image.file.rpartition("/")[2]
        stem = next((name[: -len(ending)] for ending in ENDINGS if name.lower().endswith(ending)), name)
        tiles.append(Tile((image.values,), (0.0, 1.0), stem, image.file.rpartition("/")[0]))
    return tiles
