"""Which labelled images a contact sheet shows: of all classes and parts, each with its class's name or its mask."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recon.data.inspection.counting import evenly
from recon.data.inspection.kinds import DataFolder
from recon.data.inspection.labelled_description import labels_of_mask
from recon.data.inspection.labelled_folders import class_folders, opened_cifar10, opened_voc
from recon.data.inspection.tile import Image, Tile
from recon.data.labels.cifar_files import CIFARBatch
from recon.data.labels.manifest import is_synthetic
from recon.data.labels.pictures import read_mask, read_picture, resized_middle
from recon.data.labels.voc_files import VOCFolder
from recon.data.voc_colours import voc_colours
from recon.errors import DataError

IMAGES = 32
SCENES = 12
SIZE = 224  # rows and columns of ImageNet's images as they are shown
_ALL = (0.0, 1.0)


def labelled_tiles(found: DataFolder) -> list[Tile]:
    """Choose and read the images that a contact sheet shows; those that cannot be read are passed over."""
    tiles = {"cifar10": _cifar10, "imagenet": _imagenet, "voc": _voc}[found.kind]
    return list(tiles(found))


def _cifar10(found: DataFolder) -> Iterator[Tile]:
    folder, _ = opened_cifar10(found)
    batches: list[CIFARBatch] = []
    for path in found.files:
        with suppress(DataError):
            batches.append(folder.read(path.name.removesuffix(folder.ending)))
    places = [(int(label), batch, number) for batch in batches for number, label in enumerate(batch.labels)]
    for label, batch, number in evenly(sorted(places, key=lambda place: place[0]), IMAGES):
        image = _in_colour(batch.images[number].transpose(1, 2, 0))
        about = f"{batch.path.stem.removesuffix('_batch').removeprefix('data_')} {number}"
        yield Tile((image,), _ALL, folder.classes[label], about, folder.synthetic)


def _imagenet(found: DataFolder) -> Iterator[Tile]:
    names, _ = class_folders(found)
    synthetic = is_synthetic(found.path)
    for path in evenly(sorted(found.files, key=lambda path: path.parent.name), IMAGES):
        try:
            picture = resized_middle(read_picture(path), SIZE, SIZE)
        except DataError:
            continue
        about = f"{path.parents[1].name} {path.stem.rpartition('_')[2]}"
        yield Tile((_in_colour(np.asarray(picture)),), _ALL, names[path.parent.name], about, synthetic)


def _voc(found: DataFolder) -> Iterator[Tile]:
    folder, _ = opened_voc(found)
    pairs = [
        (part, picture, mask)
        for part, files in found.parts.items()
        for picture, mask in zip(files[::2], files[1::2], strict=True)
    ]
    for part, picture, mask in evenly(pairs, SCENES):
        try:
            yield _scene(folder, part, picture, mask)
        except DataError:
            continue


def _scene(folder: VOCFolder, part: str, picture: Path, mask: Path) -> Tile:
    labels = np.asarray(read_mask(mask))
    shown = [folder.classes[label] for label in labels_of_mask(mask) if 0 < label < len(folder.classes)]
    return Tile(
        (_in_colour(np.asarray(read_picture(picture, upright=False))), _in_colour(voc_colours()[labels])),
        _ALL,
        f"{part}  {picture.name}",
        ", ".join(shown),
        folder.synthetic,
    )


def _in_colour(values: NDArray[np.uint8]) -> Image:
    return values.astype(np.float32) / 255
