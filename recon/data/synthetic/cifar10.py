"""Objects in CIFAR-10's files: six batches of 32 x 32 pixels, as `cifar-10-python.tar.gz` has them."""

from functools import partial
from pathlib import Path

import numpy as np

from recon.data.scenes.objects.classes import CLASSES
from recon.data.scenes.objects.pictures import Look, draw
from recon.data.synthetic.jobs import Job
from recon.data.synthetic.python2 import Value, pickled
from recon.files import written_whole

FOLDER = "cifar-10-batches-py"
NAMES = tuple(one.name for one in CLASSES)
TRAINING = 5  # batches; one more is for the test
LOOK = Look(reach=(0.24, 0.38), oversampling=3)


def jobs(folder: Path, images: int, size: int, seed: int) -> dict[Path, Job]:
    """Give what writes each file: five batches for training, one for the test, and the names of the classes."""
    each = images // (TRAINING + 1)
    place = folder / FOLDER
    found: dict[Path, Job] = {}
    for number in range(TRAINING + 1):
        path = place / ("test_batch" if number == TRAINING else f"data_batch_{number + 1}")
        found[path] = partial(write_batch, path, number, each, size, seed)
    found[place / "batches.meta"] = partial(_write_meta, place / "batches.meta", each, size)
    return found


def write_batch(path: Path, number: int, images: int, size: int, seed: int) -> None:
    """Write a batch with as many objects of one class as of another, in random order."""
    labels = np.random.default_rng((seed, number)).permutation(np.arange(images) % len(CLASSES))
    pictures = [
        draw(np.random.default_rng((seed, number, place)), [CLASSES[label]], size, LOOK).values
        for place, label in enumerate(labels)
    ]
    names = [
        f"{NAMES[label].replace(' ', '_')}_s_{number * images + place:06d}.png" for place, label in enumerate(labels)
    ]
    content: dict[str, Value] = {
        "batch_label": f"synthetic {'testing batch 1 of 1' if number == TRAINING else _training(number)}",
        "labels": labels.tolist(),
        "data": np.stack(pictures).transpose(0, 3, 1, 2).reshape(images, -1),  # all red, all green, all blue
        "filenames": names,
    }
    with written_whole(path) as part:
        part.write_bytes(pickled(content))


def _training(number: int) -> str:
    return f"training batch {number + 1} of {TRAINING}"


def _write_meta(path: Path, images: int, size: int) -> None:
    content: dict[str, Value] = {"num_cases_per_batch": images, "label_names": list(NAMES), "num_vis": 3 * size * size}
    with written_whole(path) as part:
        part.write_bytes(pickled(content))
