"""What a scanner would send: the header and the lines of an MRD file, or of one of fastMRI's single-coil volumes."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from recon.clinical.mrd.files import RawFile, raw_groups
from recon.clinical.mrd.header import Encoding, encoding_of, with_slices
from recon.clinical.mrd.layout import ACQUISITION, LAST_IN_MEASUREMENT, LAST_IN_SLICE, VERSION, flags_of
from recon.clinical.mrd.protocol import Line
from recon.data.hdf5 import open_hdf5, read_slice
from recon.data.volumes import Volume, read_volume
from recon.errors import DataError

FIRST_IN_SLICE = 7


class Feed(NamedTuple):
    """A measurement: its XML header, and its lines in the order in which they are sent."""

    xml: bytes
    lines: Iterator[Line]


def feed_of(path: Path) -> Feed:
    """Read a measurement from a file."""
    if groups := raw_groups(path):
        if len(groups) > 1:
            raise DataError(f"{path} must hold one measurement, got {len(groups)}; send each from a file of its own")
        file = RawFile(path, groups[0])
        return Feed(file.xml, file.lines())
    if "kspace" not in open_hdf5(path):
        raise DataError(f"{path} must be MRD raw data or a volume of fastMRI, got another HDF5 file")
    return _of_fastmri(path)


def _of_fastmri(path: Path) -> Feed:
    """Take a volume apart into the lines that a scanner would have measured; its header comes with it.

    Where the slices lie is not in such files: they are put side by side around the isocentre.
    """
    volume = read_volume(path)
    stored = open_hdf5(path).get("ismrmrd_header")
    if not isinstance(stored, h5py.Dataset):
        raise DataError(f"{path}: a volume must have its ismrmrd_header, got none; it cannot be sent as raw data")
    xml = stored[()]
    xml = with_slices(xml.encode() if isinstance(xml, str) else bytes(xml), volume.n_slices)
    encoding = encoding_of(xml)
    if (encoding.size, encoding.crop) != (volume.shape[1:], volume.crop):
        raise DataError(
            f"{path}: the header must be of its k-space {volume.shape[1]} x {volume.shape[2]} with an image of "
            f"{volume.crop[0]} x {volume.crop[1]}, got {encoding.size[0]} x {encoding.size[1]} with one of "
            f"{encoding.crop[0]} x {encoding.crop[1]}"
        )
    return Feed(xml, _lines(volume, encoding))


def _lines(volume: Volume, encoding: Encoding) -> Iterator[Line]:
    columns = _measured(volume, encoding)
    for index in range(volume.n_slices):
        kspace = read_slice(open_hdf5(volume.path), "kspace", index).astype(np.complex64)
        if kspace[:, np.setdiff1d(np.arange(kspace.shape[1]), columns)].any() and volume.mask is None:
            raise DataError(f"{volume.path}: k-space must be zero beyond the lines that its header tells, got values")
        for place, column in enumerate(columns.tolist()):
            head = _head(volume, encoding, index, column)
            head["scan_counter"] = index * len(columns) + place
            last = place == len(columns) - 1
            flags = [FIRST_IN_SLICE] * (place == 0) + [LAST_IN_SLICE] * last
            head["flags"] = flags_of(flags + [LAST_IN_MEASUREMENT] * (last and index == volume.n_slices - 1))
            yield Line(head, np.ascontiguousarray(kspace[None, :, column]))


def _measured(volume: Volume, encoding: Encoding) -> NDArray[np.int64]:
    """Give the columns that were measured: those of the file's mask, where the header says that there are lines."""
    width = volume.shape[2]
    columns = np.arange(width) if volume.mask is None else np.flatnonzero(volume.mask)
    limits = encoding.limits.get("kspace_encoding_step_1")
    if limits is None:
        return columns
    steps = columns - width // 2 + encoding.centre
    return columns[(steps >= limits.minimum) & (steps <= limits.maximum)]


def _head(volume: Volume, encoding: Encoding, index: int, column: int) -> NDArray[np.void]:
    head = np.zeros((), ACQUISITION)
    rows, width = encoding.size
    head["version"], head["measurement_uid"] = VERSION, 1
    head["number_of_samples"], head["center_sample"] = rows, rows // 2
    head["available_channels"] = head["active_channels"] = 1
    head["channel_mask"][0] = 1
    head["position"] = 0, 0, (index - (volume.n_slices - 1) / 2) * encoding.spacing[2]
    head["read_dir"], head["phase_dir"], head["slice_dir"] = np.eye(3)
    head["idx"]["kspace_encode_step_1"], head["idx"]["slice"] = column - width // 2 + encoding.centre, index
    return head
