"""A short description of a data set: how much of what there is."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from recon.data.hdf5 import open_hdf5, read_slice
from recon.data.images import read_grey
from recon.data.inspection.counting import (
    IMAGES,
    evenly,
    image_size,
    parts_described,
    read_parts,
    shown,
    sizes_counted,
)
from recon.data.inspection.kinds import MODALITIES, NAMES, DataFolder, data_folder
from recon.data.inspection.labelled_description import describe_cifar10, describe_imagenet, describe_voc
from recon.data.inspection.records import Description, Intensities
from recon.data.lodopab import KEY, PairFile, patients, read_pair
from recon.data.volumes import Volume, read_volume
from recon.errors import DataError

SAMPLE = 64  # slices whose intensities are looked at, spread evenly, unless all are

T = TypeVar("T")


def describe(folder: Path, *, full: bool = False) -> Description:
    """Describe the data set in a folder; `full` looks at the intensities of every slice (and at every image's size).

    Files that cannot be read are named, and do not stop it.
    """
    found = data_folder(folder)
    describe_kind: Callable[[DataFolder, bool], Description] = {
        "fastmri": _describe_volumes,
        "lodopab": _describe_pairs,
        "cifar10": describe_cifar10,
        "imagenet": describe_imagenet,
        "voc": describe_voc,
        "images": _describe_images,
    }[found.kind]
    return describe_kind(found, full)


def _describe_volumes(found: DataFolder, full: bool) -> Description:
    by_part, unreadable = read_parts(found.parts, read_volume)
    volumes = list(chain.from_iterable(by_part.values()))
    slices = [
        (volume.path, "reconstruction_esc", index)
        for volume in volumes
        if volume.has_target
        for index in range(volume.n_slices)
    ]
    return Description(
        *(str(found.path), found.kind, NAMES[found.kind], MODALITIES[found.kind]),
        synthetic=sum(volume.synthetic for volume in volumes),
        patients=len({_patient(volume) for volume in volumes} - {""}),
        parts=parts_described(found, by_part, lambda volume: volume.n_slices),
        targets=sizes_counted(volume.crop for volume in volumes),
        measured=sizes_counted(volume.shape[1:] for volume in volumes),
        acquisitions=dict(Counter(volume.acquisition or "unknown" for volume in volumes).most_common()),
        intensities=_intensities(slices, _slice, full),
        unreadable=unreadable,
    )


def _describe_pairs(found: DataFolder, full: bool) -> Description:
    truths = {
        part: [path for path in files if path.name.startswith("ground_truth")] for part, files in found.parts.items()
    }
    by_part, unreadable = read_parts(truths, read_pair)
    pairs = list(chain.from_iterable(by_part.values()))
    slices = [(pair.truth, KEY, index) for pair in pairs for index in range(pair.n_slices)]
    return Description(
        *(str(found.path), found.kind, NAMES[found.kind], MODALITIES[found.kind]),
        synthetic=sum(pair.synthetic for pair in pairs),
        patients=sum(_patients(found.path, part, by_part[part]) for part in found.parts),
        parts=parts_described(found, by_part, lambda pair: pair.n_slices),
        targets=sizes_counted(pair.geometry.image_shape for pair in pairs),
        measured=sizes_counted((pair.geometry.n_angles, pair.geometry.n_detectors) for pair in pairs),
        acquisitions={},
        intensities=_intensities(slices, _slice, full),
        unreadable=unreadable,
    )


def _describe_images(found: DataFolder, full: bool) -> Description:
    by_part, unreadable = read_parts({"": found.files if full else evenly(found.files, IMAGES)}, image_size)
    return Description(
        *(str(found.path), found.kind, NAMES[found.kind], MODALITIES[found.kind]),
        synthetic=0,
        patients=0,
        parts=parts_described(found, {"": found.files}, lambda _: 1),
        targets=sizes_counted(by_part[""]),
        measured=(),
        acquisitions={},
        intensities=_intensities(found.files, read_grey, full),
        unreadable=unreadable,
    )


def _intensities(items: Sequence[T], read: Callable[[T], NDArray[np.generic]], full: bool) -> Intensities | None:
    """Look at the values of some images, or of all; those that cannot be read, or not be numbers, are left out."""
    looked_at = 0
    lowest, highest, means = math.inf, -math.inf, 0.0
    for item in shown(items if full else evenly(items, SAMPLE), "looking at intensities"):
        try:
            values = read(item)
        except DataError:
            continue
        low, high = float(values.min()), float(values.max())
        if math.isfinite(low) and math.isfinite(high):
            lowest, highest = min(lowest, low), max(highest, high)
            means += float(values.mean(dtype=np.float64))
            looked_at += 1
    return Intensities(lowest, means / looked_at, highest, looked_at, len(items)) if looked_at else None


def _slice(place: tuple[Path, str, int]) -> NDArray[np.generic]:
    path, key, index = place
    return read_slice(open_hdf5(path), key, index)


def _patient(volume: Volume) -> str:
    return str(open_hdf5(volume.path).attrs.get("patient_id", ""))


def _patients(folder: Path, part: str, pairs: Sequence[PairFile]) -> int:
    """Count the patients of the slices that are there."""
    try:
        known = patients(folder, part)  # type: ignore[arg-type]  # the parts of a DataFolder are its words
    except DataError:
        return 0
    return len({patient for pair in pairs for patient in known[pair.first : pair.first + pair.n_slices]})
