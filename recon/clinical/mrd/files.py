"""MRD's HDF5 files: raw data in, images out."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from recon.clinical.mrd.images import MRDImage, made_in
from recon.clinical.mrd.layout import ACQUISITION, IMAGE, as_acquisitions
from recon.clinical.mrd.protocol import Line
from recon.clinical.sources import Made
from recon.data.hdf5 import open_hdf5
from recon.errors import DataError
from recon.files import written_whole

GROUP = "dataset"  # where ISMRMRD's programs look unless they are told otherwise
_AT_ONCE = 256  # lines that are read at once
_LINE = np.dtype(
    [
        ("head", ACQUISITION),
        ("traj", h5py.special_dtype(vlen=np.float32)),
        ("data", h5py.special_dtype(vlen=np.float32)),
    ]
)


class RawFile:
    """Raw data in a file: opening it reads the XML header; lines are read when they are asked for."""

    def __init__(self, path: Path, group: str) -> None:
        """Look at a group that `raw_groups` found."""
        self.path, self.group = path, group
        found = open_hdf5(path)[group]
        if "xml" not in found or found["xml"].shape not in ((1,), ()):
            raise DataError(f"{path}: {group} must have the XML header of its raw data, got none; write the file anew")
        data = found.get("data")
        names = data.dtype.names if isinstance(data, h5py.Dataset) else None
        if not {"head", "data", "traj"} <= set(names or ()):
            raise DataError(
                f"{path}: {group} must have acquisitions, got {'images alone' if data is None else 'something else'}; "
                f"give the raw data"
            )
        stored = np.asarray(found["xml"][()]).reshape(-1)[0]
        self.xml: bytes = stored.encode() if isinstance(stored, str) else bytes(stored)

    def heads(self) -> NDArray[np.void]:
        """Read the headers of all lines."""
        return as_acquisitions(self._read("head", slice(None)))

    def lines(self) -> Iterator[Line]:
        """Read all lines in the order in which they were measured."""
        count = open_hdf5(self.path)[self.group]["data"].shape[0]
        for start in range(0, count, _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            heads = as_acquisitions(self._read("head", part))
            for head, values, ways in zip(heads, self._read("data", part), self._read("traj", part), strict=True):
                yield Line(head, self._samples(head, values), np.asarray(ways, "<f4").tobytes())

    def _read(self, name: str, part: slice) -> NDArray[np.void]:
        try:
            return open_hdf5(self.path)[self.group]["data"].fields(name)[part]
        except (OSError, KeyError, ValueError) as error:
            raise DataError(f"{self.path}: acquisitions cannot be read; the file may be cut, copy it again") from error

    def _samples(self, head: np.void, values: NDArray[np.float32]) -> NDArray[np.complex64]:
        shape = (int(head["active_channels"]), int(head["number_of_samples"]))
        if values.size != 2 * shape[0] * shape[1]:
            raise DataError(
                f"{self.path}: an acquisition must have as many samples as its header tells, {shape[0]} x {shape[1]}, "
                f"got {values.size / 2:g}"
            )
        return np.ascontiguousarray(values, np.float32).view(np.complex64).reshape(shape)


def raw_groups(path: Path) -> list[str]:
    """Give the groups of an HDF5 file that are MRD, as far as their names say; none where it is not MRD."""
    file = open_hdf5(path)
    groups = [name for name in file if isinstance(file.get(name), h5py.Group)]
    return [name for name in groups if "xml" in file[name] or (name == GROUP and _has_acquisitions(file[name]))]


def holds_images_alone(path: Path, group: str) -> bool:
    """Say whether an MRD group has images and no raw data, as `write_images` writes it."""
    found = open_hdf5(path)[group]
    return "data" not in found and any(name.startswith("image") for name in found)


def made_with(path: Path) -> Made:
    """Give what the first image of a file says of how it was made."""
    stored = open_hdf5(path).get(f"{GROUP}/image_0/attributes")
    if not isinstance(stored, h5py.Dataset) or not stored.size:
        return Made()
    first = stored[0]
    return made_in(first.decode(errors="replace") if isinstance(first, bytes) else str(first))


def write_raw(path: Path, xml: bytes, lines: Sequence[Line]) -> None:
    """Write raw data to a new file."""
    stored = np.empty(len(lines), _LINE)
    for place, line in enumerate(lines):
        stored[place] = (
            line.head,
            np.frombuffer(line.trajectory, np.float32),
            line.samples.reshape(-1).view(np.float32),
        )
    with written_whole(path) as partial, h5py.File(partial, "w") as file:
        group = file.create_group(GROUP)
        _write_xml(group, xml)
        group.create_dataset("data", data=stored, maxshape=(None,), chunks=True)


def write_images(path: Path, xml: bytes, images: Sequence[MRDImage]) -> None:
    """Write images to a new file: `image_0`, and further groups where they differ in size, type or series."""
    with written_whole(path) as partial, h5py.File(partial, "w") as file:
        group = file.create_group(GROUP)
        _write_xml(group, xml)
        for number, (_, part) in enumerate(groupby(images, key=_kind)):
            _write_series(group.create_group(f"image_{number}"), list(part))


def _write_series(group: h5py.Group, images: Sequence[MRDImage]) -> None:
    pixels = np.stack([image.pixels for image in images])
    if pixels.dtype.kind == "c":
        part = f"<f{pixels.dtype.itemsize // 2}"
        pixels = pixels.view([("real", part), ("imag", part)])
    group["header"] = np.array([image.head for image in images], IMAGE)
    words = [image.attributes for image in images]
    group.create_dataset("attributes", data=words, dtype=h5py.string_dtype())
    group["data"] = pixels


def _kind(image: MRDImage) -> tuple[object, ...]:
    return int(image.head["image_series_index"]), image.pixels.shape, image.pixels.dtype.str


def _write_xml(group: h5py.Group, xml: bytes) -> None:
    group.create_dataset("xml", shape=(1,), dtype=h5py.special_dtype(vlen=bytes))[0] = xml


def _has_acquisitions(group: h5py.Group) -> bool:
    data = group.get("data")
    return isinstance(data, h5py.Dataset) and "head" in (data.dtype.names or ())
