"""The fixed structures of MRD (ISMRMRD): what each header holds, byte by byte, and the flags of an acquisition."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recon.errors import DataError

Head = Any  # one element of an array of such a structure: fields by name

COUNTERS = np.dtype(
    [
        ("kspace_encode_step_1", "<u2"),
        ("kspace_encode_step_2", "<u2"),
        ("average", "<u2"),
        ("slice", "<u2"),
        ("contrast", "<u2"),
        ("phase", "<u2"),
        ("repetition", "<u2"),
        ("set", "<u2"),
        ("segment", "<u2"),
        ("user", "<u2", 8),
    ]
)
_PLACE = [("position", "<f4", 3), ("read_dir", "<f4", 3), ("phase_dir", "<f4", 3), ("slice_dir", "<f4", 3)]
_USER = [("user_int", "<i4", 8), ("user_float", "<f4", 8)]

ACQUISITION = np.dtype(
    [
        ("version", "<u2"),
        ("flags", "<u8"),
        ("measurement_uid", "<u4"),
        ("scan_counter", "<u4"),
        ("acquisition_time_stamp", "<u4"),
        ("physiology_time_stamp", "<u4", 3),
        ("number_of_samples", "<u2"),
        ("available_channels", "<u2"),
        ("active_channels", "<u2"),
        ("channel_mask", "<u8", 16),
        ("discard_pre", "<u2"),
        ("discard_post", "<u2"),
        ("center_sample", "<u2"),
        ("encoding_space_ref", "<u2"),
        ("trajectory_dimensions", "<u2"),
        ("sample_time_us", "<f4"),
        *_PLACE,
        ("patient_table_position", "<f4", 3),
        ("idx", COUNTERS),
        *_USER,
    ]
)  # 340 bytes
IMAGE = np.dtype(
    [
        ("version", "<u2"),
        ("data_type", "<u2"),
        ("flags", "<u8"),
        ("measurement_uid", "<u4"),
        ("matrix_size", "<u2", 3),
        ("field_of_view", "<f4", 3),
        ("channels", "<u2"),
        *_PLACE,
        ("patient_table_position", "<f4", 3),
        ("average", "<u2"),
        ("slice", "<u2"),
        ("contrast", "<u2"),
        ("phase", "<u2"),
        ("repetition", "<u2"),
        ("set", "<u2"),
        ("acquisition_time_stamp", "<u4"),
        ("physiology_time_stamp", "<u4", 3),
        ("image_type", "<u2"),
        ("image_index", "<u2"),
        ("image_series_index", "<u2"),
        *_USER,
        ("attribute_string_len", "<u4"),
    ]
)  # 198 bytes
WAVEFORM_BYTES = 40
WAVEFORM_SIZES = np.dtype({"names": ["samples", "channels"], "formats": ["<u2", "<u2"], "offsets": [28, 30]})

VERSION = 1
FLOAT = 5  # the data type of an image of float32
PIXELS = {1: "<u2", 2: "<i2", 3: "<u4", 4: "<i4", FLOAT: "<f4", 6: "<f8", 7: "<c8", 8: "<c16"}  # of all data types
MAGNITUDE = 1  # the image type

LAST_IN_SLICE, REVERSE, LAST_IN_MEASUREMENT = 8, 22, 25  # flags are counted from 1
NOT_IMAGING = (19, 20, 23, 24, 26, 27, 28, 29, 30, 31)  # noise, calibration alone, navigators, corrections, dummies
COMPRESSED = (53, 54, 55, 56)


def has_flag(head: Head, *flags: int) -> bool:
    """Say whether one of the flags is set.

    >>> head = np.zeros((), ACQUISITION)
    >>> head["flags"] = 1 << (LAST_IN_SLICE - 1)
    >>> has_flag(head, LAST_IN_SLICE), has_flag(head, REVERSE)
    (True, False)
    """
    return bool(int(head["flags"]) & flags_of(flags))


def flags_of(flags: Iterable[int]) -> int:
    """Give the number in which these flags, counted from 1, are set."""
    return sum(1 << (flag - 1) for flag in flags)


def as_acquisitions(heads: NDArray[np.void]) -> NDArray[np.void]:
    """Bring headers as HDF5 files hold them, with the same names and other places and sizes, to `ACQUISITION`."""
    return _by_name(heads, ACQUISITION)


def _by_name(stored: NDArray[np.void], kind: np.dtype[np.void]) -> NDArray[np.void]:
    """Copy fields by their names; structures are otherwise assigned by place."""
    found = np.zeros(stored.shape, kind)
    names = stored.dtype.names or ()
    for name in kind.names or ():
        if name not in names:
            raise DataError(
                f"headers of acquisitions must have the field {name}, got ones without; write the file anew"
            )
        field = kind[name]
        found[name] = _by_name(stored[name], field) if field.names else stored[name]
    return found
