"""Scenes of objects in PASCAL VOC's files: JPEG pictures, palette masks of their classes, and lists of their names."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from recon.data.scenes.objects.classes import CLASSES
from recon.data.scenes.objects.pictures import NOT_JUDGED, Look, Picture, draw
from recon.data.synthetic.jobs import Job
from recon.data.synthetic.jpeg import write_jpeg
from recon.data.voc_colours import voc_colours
from recon.files import written_whole

FOLDER = Path("VOCdevkit", "VOC2012")
SHOWN = CLASSES[:8]
NAMES = ("background", *(one.name for one in SHOWN))  # label 0 is the background
LOOK = Look(reach=(0.13, 0.24))
MOST = 4  # objects in a picture
_FOLD = 4  # every fourth picture is for validation


def jobs(folder: Path, images: int, size: int, seed: int) -> dict[Path, Job]:
    """Give what writes each picture, by its mask, which is written last, and each list of names."""
    place = folder / FOLDER
    names = [f"2012_{number:06d}" for number in range(images)]
    found: dict[Path, Job] = {}
    for number, name in enumerate(names):
        path = place / "SegmentationClass" / f"{name}.png"
        found[path] = partial(write_scene, place, name, size, (seed, number))
    held_out = names[_FOLD - 1 :: _FOLD]
    lists = {"train": sorted(set(names) - set(held_out)), "val": held_out, "trainval": names}
    for part, listed in lists.items():
        path = place / "ImageSets" / "Segmentation" / f"{part}.txt"
        found[path] = partial(_write_list, path, listed)
    return found


def write_scene(place: Path, name: str, size: int, seed: tuple[int, ...]) -> None:
    """Write a picture of one to four objects, and its mask. The same seed gives the same bytes."""
    random = np.random.default_rng(seed)
    labels = random.integers(len(SHOWN), size=random.integers(1, MOST, endpoint=True))
    picture = draw(random, [SHOWN[label] for label in labels], size, LOOK)
    write_jpeg(place / "JPEGImages" / f"{name}.jpg", picture.values)
    about = PngInfo()
    about.add_text("Comment", "synthetic")
    mask = Image.fromarray(labels_of(picture))
    mask.putpalette(voc_colours().tobytes())
    with written_whole(place / "SegmentationClass" / f"{name}.png") as part:
        mask.save(part, format="PNG", pnginfo=about)


def labels_of(picture: Picture) -> NDArray[np.uint8]:
    """Give each pixel's label (rows, columns): the place of its object's class in `NAMES`, or 255 along outlines."""
    table = np.full(256, NOT_JUDGED, np.uint8)
    table[: len(picture.classes) + 1] = [0, *(NAMES.index(one.name) for one in picture.classes)]
    return table[picture.owners]


def _write_list(path: Path, names: Sequence[str]) -> None:
    with written_whole(path) as part:
        part.write_text("".join(f"{name}\n" for name in names))
