"""From raw lines of k-space, as scanners measure them, to zero-filled magnitudes: the bits of fastMRI's files."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recon.clinical.mrd.header import IMAGES, Encoding
from recon.clinical.mrd.layout import COMPRESSED, LAST_IN_SLICE, NOT_IMAGING, REVERSE, Head, has_flag
from recon.data.fastmri import readout_images, zero_filled_magnitude
from recon.errors import DataError

MAX_BYTES = 2 << 30  # of the lines that are held at once
_OVERHEAD = 1024  # bytes that a line costs beside its samples
_PLANNED = 1 << 16  # images that a header may announce, for them to be given before the end

Key = tuple[int, ...]  # the counters of an image: repetition, set, phase, contrast, slice
Samples = NDArray[np.complex64]


class RawImage(NamedTuple):
    """An image's magnitude (rows, columns), rows along the readout, and the header of its most central line."""

    magnitude: Tensor
    head: Head
    key: Key


@dataclass(slots=True)
class _Slice:
    """The lines of one image: their samples and headers by their columns, and whether it is known to be whole."""

    lines: dict[int, tuple[Samples, Head]] = field(default_factory=dict)
    whole: bool = False
    given: bool = False


class RawImages:
    """Collects the lines of a measurement and gives its images, in the order of their counters.

    Lines that are not of images (noise, calibration alone, navigators, dummies) are left out. Each value of slice,
    contrast, phase, set and repetition is an image of its own. Lines that are not there are zero.
    """

    def __init__(self, encoding: Encoding, *, max_bytes: int = MAX_BYTES) -> None:
        self.encoding, self.max_bytes = encoding, max_bytes
        self._slices: dict[Key, _Slice] = {}
        self._bytes = 0
        self._measurement: int | None = None
        self._plan = _announced(encoding)

    def wants(self, head: Head) -> bool:
        """Say whether a line belongs to an image; refuse one that does and cannot be taken."""
        if has_flag(head, *NOT_IMAGING):
            return False
        if has_flag(head, *COMPRESSED):
            raise DataError("samples must not be compressed, got an acquisition that says it is; send it as measured")
        if head["active_channels"] != 1:
            raise DataError(
                f"lines must be of a single coil, as the model's training data were, got {head['active_channels']} "
                f"channels; combine the coils first, into one k-space"
            )
        if head["trajectory_dimensions"]:
            raise DataError("lines must lie on the Cartesian grid of the header, got a trajectory; grid the data first")
        if head["encoding_space_ref"]:
            raise DataError(f"lines must be of the header's encoding 0, got encoding {head['encoding_space_ref']}")
        self._require_counters(head)
        return True

    def add(self, head: Head, samples: Samples) -> None:
        """Take a line that is wanted: samples (1, n) or (n,), in the order in which they were measured."""
        column = self._column(head)
        line = self._placed(head, samples.reshape(-1))
        key = image_key(head)
        found = self._slices.get(key)
        if found is None:
            found = self._slices[key] = _Slice()
        if found.whole:
            raise DataError(f"{_named(key)} must end with its last line, got another one after it; mend the flags")
        if column in found.lines:
            line_number = int(head["idx"]["kspace_encode_step_1"])
            raise DataError(
                f"each line must be measured once, got line {line_number} of {_named(key)} twice; average or sort the "
                f"lines first"
            )
        if self._measurement not in (None, int(head["measurement_uid"])):
            raise DataError("all lines must be of one measurement, got two; send each by itself")
        self._measurement = int(head["measurement_uid"])
        self._bytes += line.nbytes + _OVERHEAD
        if self._bytes > self.max_bytes:
            raise DataError(
                f"a measurement must fit into {self.max_bytes >> 20} MiB at once, got more; send fewer slices"
            )
        found.lines[column] = (line, head)
        found.whole = has_flag(head, LAST_IN_SLICE)

    def ready(self, count: int) -> Iterator[list[RawImage]]:
        """Give the next `count` images while they and all before them are whole, as the header announces them."""
        while len(self._plan) >= count and all(self._is_whole(key) for key in self._plan[:count]):
            yield [self._image(key) for key in self._plan[:count]]
            del self._plan[:count]

    def rest(self, count: int) -> Iterator[list[RawImage]]:
        """Give what is left at the end of the measurement, `count` at once."""
        if not self._slices:
            raise DataError("there must be lines of k-space, got none that belongs to an image; send the raw data")
        self._require_all_slices()
        keys = [key for key in sorted(self._slices) if not self._slices[key].given]
        for start in range(0, len(keys), count):
            yield [self._image(key) for key in keys[start : start + count]]

    def _require_counters(self, head: Head) -> None:
        counters = head["idx"]
        for name, field_name in (("average", "average"), ("kspace_encoding_step_2", "kspace_encode_step_2")):
            if counters[field_name]:
                what = "averaged" if name == "average" else "of 2-D slices"
                raise DataError(
                    f"lines must be {what} when they come ({name} 0), got {name} {counters[field_name]}; average or "
                    f"transform them first"
                )
        for name in IMAGES:
            limits = self.encoding.limits.get(name)
            if limits is not None and not limits.minimum <= counters[name] <= limits.maximum:
                raise DataError(
                    f"{name} must lie from {limits.minimum} to {limits.maximum}, as the header says, got "
                    f"{counters[name]}; send the header of this measurement"
                )

    def _column(self, head: Head) -> int:
        """Give where in k-space a line lies: the central one at index n // 2."""
        step, columns = int(head["idx"]["kspace_encode_step_1"]), self.encoding.size[1]
        limits = self.encoding.limits.get("kspace_encoding_step_1")
        low, high = (limits.minimum, limits.maximum) if limits is not None else (0, columns - 1)
        column = step - self.encoding.centre + columns // 2
        if not (low <= step <= high and 0 <= column < columns):
            raise DataError(
                f"lines must lie from {low} to {high} and in the {columns} columns of the header's matrix, got line "
                f"{step} around {self.encoding.centre}; send the header of this measurement"
            )
        return column

    def _placed(self, head: Head, samples: Samples) -> Samples:
        """Put a line's samples where they belong in a whole readout; those that were not measured are zero."""
        rows, count = self.encoding.size[0], int(head["number_of_samples"])
        before, after, centre = (int(head[name]) for name in ("discard_pre", "discard_post", "center_sample"))
        if len(samples) != count:
            raise DataError(f"a line must have the samples that its header tells, {count}, got {len(samples)}")
        if has_flag(head, REVERSE):
            samples, before, after, centre = samples[::-1], after, before, count - 1 - centre
            if count == rows:
                centre = rows // 2  # there is but one way for it to lie, whichever end its centre was counted from
        if before + after > count:
            raise DataError(f"a line must have more samples than are to be discarded, got {count} and {before + after}")
        kept = samples[before : count - after]
        start = rows // 2 - centre + before
        if not len(kept) or start < 0 or start + len(kept) > rows:
            raise DataError(
                f"a line's samples must lie in the {rows} of the header's matrix, got {count} with the centre at "
                f"{int(head['center_sample'])}; send the header of this measurement"
            )
        line = np.zeros(rows, np.complex64)
        line[start : start + len(kept)] = kept
        if not np.isfinite(line.view(np.float32)).all():
            raise DataError("samples must be finite, got NaN or infinity; measure again")
        return line

    def _is_whole(self, key: Key) -> bool:
        return key in self._slices and self._slices[key].whole

    def _require_all_slices(self) -> None:
        """Refuse a volume of which slices that the header tells are missing."""
        limits = self.encoding.limits.get("slice")
        if limits is None:
            return
        for volume in {key[:-1] for key in self._slices}:
            missing = [n for n in range(limits.minimum, limits.maximum + 1) if (*volume, n) not in self._slices]
            if missing:
                raise DataError(
                    f"slices must be there from {limits.minimum} to {limits.maximum}, as the header says, got "
                    f"{len(missing)} of them without a line, first slice {missing[0]}; send the whole measurement"
                )

    def _image(self, key: Key) -> RawImage:
        """Transform an image, and let its lines go."""
        found = self._slices[key]
        columns = sorted(found.lines)
        lines = torch.from_numpy(np.stack([found.lines[column][0] for column in columns]))
        middle = self.encoding.size[1] // 2
        head = found.lines[min(columns, key=lambda column: abs(column - middle))][1]
        magnitude = zero_filled(lines, torch.tensor(columns), self.encoding)
        self._bytes -= len(columns) * _OVERHEAD + lines.numel() * lines.element_size()
        found.lines, found.whole, found.given = {}, True, True
        return RawImage(magnitude, head, key)


def image_key(head: Head) -> Key:
    """Give the counters that say which image a line belongs to."""
    return tuple(int(head["idx"][name]) for name in IMAGES)


def zero_filled(lines: Tensor, columns: Tensor, encoding: Encoding) -> Tensor:
    """Give the magnitude (rows, columns) of an image whose `columns` of k-space are lines (n, samples), others zero."""
    return zero_filled_magnitude(readout_images(lines, encoding.crop[0]), columns, encoding.size[1], encoding.crop[1])


def _announced(encoding: Encoding) -> list[Key]:
    """Give the images that a header announces, in order; none where it leaves their order open."""
    ranges: list[range] = []
    for name in IMAGES:
        limits = encoding.limits.get(name)
        if limits is None and (name == "slice" or any(len(values) > 1 for values in ranges)):
            return []  # an image that was not announced may come between two that were
        ranges.append(range(limits.minimum, limits.maximum + 1) if limits is not None else range(1))
    return list(product(*ranges)) if prod(map(len, ranges)) <= _PLANNED else []


def _named(key: Key) -> str:
    """Call an image by those of its counters that say something."""
    return ", ".join(f"{name} {value}" for name, value in zip(IMAGES, key, strict=True) if value or name == "slice")
