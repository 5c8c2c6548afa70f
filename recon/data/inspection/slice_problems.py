"""What is wrong with the slices of a file, said once for all the slices it is true of."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recon.data.hdf5 import open_hdf5, read_slice
from recon.data.inspection.records import Problem
from recon.errors import DataError


class SliceProblems:
    """Collects what is wrong with slices; what is said of many in the same words becomes one problem."""

    def __init__(self) -> None:
        """Begin with none."""
        self._found: dict[tuple[Path, str, str, bool], list[int]] = {}

    def add(self, path: Path, key: str, index: int, what: str, *, note: bool = False) -> None:
        """Note what is wrong with a slice."""
        self._found.setdefault((path, key, what, note), []).append(index)

    def read(self, path: Path, key: str, index: int) -> NDArray[np.generic] | None:
        """Read a slice; None, and a problem, if it cannot be read or has values that are not finite."""
        try:
            values = read_slice(open_hdf5(path), key, index)
        except DataError as error:
            self.add(path, key, index, f"cannot be read: {str(error).split(' cannot be read: ')[-1]}")
            return None
        if not np.isfinite(values).all():
            self.add(path, key, index, "must be finite, got NaN or infinity")
            return None
        if not values.any():
            self.add(path, key, index, "is zero everywhere", note=True)
        return values

    def __iter__(self) -> Iterator[Problem]:
        """Give the problems."""
        for (path, key, what, note), slices in self._found.items():
            yield Problem(str(path), what, key, tuple(slices), note)
