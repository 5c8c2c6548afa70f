"""A short description of labelled images: how many of each class in each part, and their sizes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from recon.data.inspection.counting import IMAGES, evenly, image_size, parts_described, read_parts, sizes_counted
from recon.data.inspection.kinds import MODALITIES, NAMES, DataFolder
from recon.data.inspection.labelled_folders import class_folders, opened_cifar10, opened_voc
from recon.data.inspection.records import ClassCount, Description
from recon.data.labels.manifest import is_synthetic
from recon.data.labels.pictures import read_mask
from recon.data.labels.samples import IGNORED


def describe_cifar10(found: DataFolder, full: bool) -> Description:
    """Count the images of each class; all batches are read."""
    folder, wrong = opened_cifar10(found)
    by_part, unreadable = read_parts(found.parts, lambda path: folder.read(path.name.removesuffix(folder.ending)))
    labels = {part: [int(n) for batch in batches for n in batch.labels] for part, batches in by_part.items()}
    return _described(
        found,
        images={part: len(some) for part, some in labels.items()},
        sizes=(batch.images.shape[2:] for batches in by_part.values() for batch in batches for _ in batch.labels),
        labels=labels,
        names=folder.classes,
        synthetic=folder.synthetic,
        unreadable=(*wrong, *unreadable),
    )


def describe_imagenet(found: DataFolder, full: bool) -> Description:
    """Count the images in each class folder; the sizes are those of some, or, if `full`, of all."""
    by_part, unreadable = read_parts({"": found.files if full else evenly(found.files, IMAGES)}, image_size)
    names, wrong = class_folders(found)
    numbers = {name: number for number, name in enumerate(names)}
    return _described(
        found,
        images={part: len(files) for part, files in found.parts.items()},
        sizes=by_part[""],
        labels={part: [numbers[path.parent.name] for path in files] for part, files in found.parts.items()},
        names=[folder if name == folder else f"{folder} {name}" for folder, name in names.items()],
        synthetic=is_synthetic(found.path),
        unreadable=(*wrong, *unreadable),
    )


def describe_voc(found: DataFolder, full: bool) -> Description:
    """Count the pictures that show each class, by their masks; all of those are read."""
    folder, wrong = opened_voc(found)
    sizes, bad = read_parts({part: files[::2] for part, files in found.parts.items()}, image_size)
    labels, bad_masks = read_parts({part: files[1::2] for part, files in found.parts.items()}, labels_of_mask)
    return _described(
        found,
        images={part: len(some) for part, some in sizes.items()},
        sizes=(size for some in sizes.values() for size in some),
        labels={part: [label for shown in some for label in shown] for part, some in labels.items()},
        names=folder.classes,
        synthetic=folder.synthetic,
        unreadable=(*wrong, *bad, *bad_masks),
    )


def labels_of_mask(path: Path) -> list[int]:
    """Give the labels that occur in a mask, but for that of pixels that are not judged."""
    return [int(label) for label in np.unique(np.asarray(read_mask(path))) if label != IGNORED]


def _described(
    found: DataFolder,
    *,
    images: Mapping[str, int],
    sizes: Iterable[tuple[int, ...]],
    labels: Mapping[str, Sequence[int]],
    names: Sequence[str],
    synthetic: bool,
    unreadable: tuple[str, ...],
) -> Description:
    counts = [Counter(some) for some in labels.values()]
    highest = max((label for some in counts for label in some), default=-1)
    words = [*names, *(f"label {number}, which has no name" for number in range(len(names), highest + 1))]
    return Description(
        *(str(found.path), found.kind, NAMES[found.kind], MODALITIES[found.kind]),
        synthetic=sum(images.values()) if synthetic else 0,
        patients=0,
        parts=parts_described(found, {part: range(count) for part, count in images.items()}, lambda _: 1),
        targets=sizes_counted(sizes),
        measured=(),
        acquisitions={},
        intensities=None,
        unreadable=unreadable,
        classes=tuple(ClassCount(word, tuple(some[n] for some in counts)) for n, word in enumerate(words)),
    )
