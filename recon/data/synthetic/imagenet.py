"""Objects in ImageNet's folders: `train` and `val`, in each a folder a class, with JPEG files."""

from functools import partial
from pathlib import Path

import numpy as np

from recon.data.scenes.objects.classes import CLASSES
from recon.data.scenes.objects.pictures import Look, draw
from recon.data.synthetic.jobs import Job
from recon.data.synthetic.jpeg import write_jpeg

SYNSETS = tuple(f"n{number:08d}" for number in range(1, len(CLASSES) + 1))  # the folders' names
NAMES = tuple(one.name for one in CLASSES)
LOOK = Look(reach=(0.2, 0.32), margin=1 / 14)  # the middle 6/7 are what networks get: 96 of 112, 224 of 256
_FOLD = 5  # every fifth picture of a class is for validation


def jobs(folder: Path, images: int, size: int, seed: int) -> dict[Path, Job]:
    """Give what writes each file; the classes take turns, and every fifth picture of a class is one of `val`."""
    found: dict[Path, Job] = {}
    for number in range(images):
        turn, label = divmod(number, len(CLASSES))
        synset = SYNSETS[label]
        held_out = turn % _FOLD == _FOLD - 1
        name = f"val_{number:08d}.JPEG" if held_out else f"{synset}_{number}.JPEG"
        path = folder / ("val" if held_out else "train") / synset / name
        found[path] = partial(write_image, path, label, size, (seed, number))
    return found


def write_image(path: Path, label: int, size: int, seed: tuple[int, ...]) -> None:
    """Write one picture. The same seed gives the same bytes."""
    picture = draw(np.random.default_rng(seed), [CLASSES[label]], size, LOOK)
    write_jpeg(path, picture.values)
