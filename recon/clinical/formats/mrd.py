"""MRD (ISMRMRD) raw data: single-coil Cartesian slices in, MRD images out."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from recon.clinical.formats.files import FileSource, LeftOutError
from recon.clinical.identity import Identity
from recon.clinical.mrd.files import RawFile, holds_images_alone, made_with, raw_groups, write_images
from recon.clinical.mrd.header import encoding_of
from recon.clinical.mrd.images import mrd_image
from recon.clinical.mrd.raw import RawImage, RawImages, image_key
from recon.clinical.sources import Made
from recon.errors import DataError

SUFFIXES = (".h5", ".mrd", ".hdf5")
_AT_ONCE = 8  # images that are transformed one after the other before their lines go


class MRDSource(FileSource):
    """One measurement: an image for each repetition, set, phase, contrast and slice, in the order of their counters."""

    format = "mrd"
    suffix = ".h5"

    def __init__(self, path: Path, group: str) -> None:
        """Read the XML header and the headers of the lines."""
        self.file = RawFile(path, group)
        with _named(path):
            self.encoding = encoding_of(self.file.xml)
            raw = RawImages(self.encoding)
            keys = {image_key(head) for head in self.file.heads() if raw.wants(head)}
            if not keys:
                raise DataError("there must be lines of k-space, got none that belongs to an image")
        super().__init__(path, modality="mri", slices=len(keys))
        self.size = self.encoding.crop
        self._images: list[RawImage] = []

    def read(self) -> Tensor:
        """Read the zero-filled magnitudes (N, 1, rows, columns), rows along the readout."""
        with _named(self.path):
            raw = RawImages(self.encoding, max_bytes=sys.maxsize)
            for line in self.file.lines():
                if raw.wants(line.head):
                    raw.add(line.head, line.samples)
            images = [image for part in raw.rest(_AT_ONCE) for image in part]
        magnitudes = torch.stack([image.magnitude for image in images])[:, None]
        self._images = [image._replace(magnitude=magnitudes[:0]) for image in images]  # only their headers are kept
        return magnitudes

    def made_with(self, target: Path) -> Made:
        """Read it in the attributes of the first image."""
        return made_with(target)

    def write(self, images: Tensor, identity: Identity, target: Path) -> None:
        """Write the images, beside the XML header of the raw data, which were read before."""
        made = [
            mrd_image(image, raw.head, self.encoding, identity, index=number)
            for number, (image, raw) in enumerate(zip(images[:, 0], self._images, strict=True), 1)
        ]
        write_images(target, self.file.xml, made)


def sources(path: Path) -> list[MRDSource]:
    """Find the measurements of a file, or of the files that lie directly in a folder, images left out."""
    if path.is_dir():
        files = sorted(
            file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
        )
        return [source for file in files if file.is_file() for source in _of_file(file, in_folder=True)]
    return list(_of_file(path)) if path.suffix.lower() in SUFFIXES else []


def _of_file(path: Path, *, in_folder: bool = False) -> Iterator[MRDSource]:
    """Find those of a file; a file that cannot be opened is left to the formats that share its suffix."""
    try:
        groups = raw_groups(path)
    except DataError:
        if path.suffix.lower() == ".mrd":
            raise
        return
    for group in groups:
        if not holds_images_alone(path, group):
            yield MRDSource(path, group)
        elif not in_folder:
            raise LeftOutError("MRD images and no raw data")


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Add the file's name to what is wrong with its contents."""
    try:
        yield
    except DataError as error:
        raise error if str(error).startswith(str(path)) else DataError(f"{path}: {error}") from error
