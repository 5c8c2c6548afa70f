"""fastMRI's single-coil files: k-space in, magnitudes out as fastMRI's evaluation reads them."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from recon.clinical.formats.files import (
    HDF5_SUFFIXES,
    FileSource,
    Reading,
    hdf5_maker,
    leave_out_made,
    put_maker,
    require_finite,
    settings_of,
)
from recon.clinical.identity import Identity
from recon.clinical.sources import Made
from recon.data.fastmri import readout_images, zero_filled_magnitude
from recon.data.hdf5 import open_hdf5, read_slice
from recon.data.masks import ColumnMask
from recon.data.volumes import Volume, read_volume
from recon.errors import ConfigError, DataError
from recon.files import written_whole

KEY = "reconstruction"  # of a file with results, as fastMRI's evaluation and leaderboard have it
_OWN = ("ismrmrd_header", "reconstruction_esc", "reconstruction_rss")  # any tells that a file is fastMRI's
_FULL = "no mask in the file: all columns of k-space were taken; --undersample takes away those that training did"


class FastMRISource(FileSource):
    """A volume's zero-filled magnitudes, in the file's own units, of the size of its target.

    The file's own mask is applied where it brings one. Else k-space is taken as it is, unless `mask` says which columns
    stay, chosen by the file's name as in evaluation.
    """

    format = "fastmri"
    suffix = ".h5"
    options = ("undersample",)

    def __init__(self, volume: Volume, mask: ColumnMask | None = None) -> None:
        super().__init__(volume.path, modality="mri", slices=volume.n_slices)
        self.volume, self.mask, self.size = volume, mask, volume.crop
        self.note = _FULL if volume.mask is None and mask is None else ""
        self.read_as = "undersampled" if mask is not None else ""

    def adapted(self, identity: Identity, reading: Reading) -> "FastMRISource":
        """Take the mask of the model's training where that is wanted and the file has none."""
        if not reading.undersample or self.volume.mask is not None:
            return self
        return FastMRISource(self.volume, _mask_of(identity))

    def read(self) -> Tensor:
        """Transform the columns that are kept, slice by slice, and crop."""
        kept = self._columns().nonzero()[:, 0]
        if not len(kept):
            raise DataError(f"{self.path}: mask must keep at least one column, got none")
        images = torch.stack([self._magnitude(index, kept) for index in range(self.slices)])
        return require_finite(images, self.path)[:, None]

    def write(self, images: Tensor, identity: Identity, target: Path) -> None:
        """Write `reconstruction` (slices, H, W), with the source's header and attributes."""
        values = images[:, 0].float().numpy()
        source = open_hdf5(self.path)
        with written_whole(target) as partial, h5py.File(partial, "w") as file:
            file[KEY] = values
            if "ismrmrd_header" in source:
                source.copy("ismrmrd_header", file)
            for name, words in source.attrs.items():
                file.attrs[name] = words
            file.attrs["max"] = float(values.max())  # of these images, no longer of the target
            file.attrs["norm"] = float(np.linalg.norm(values.astype(np.float64)))
            put_maker(file, identity)

    def made_with(self, target: Path) -> Made:
        """Read it in the attributes."""
        return hdf5_maker(target)

    def _columns(self) -> Tensor:
        width = self.volume.shape[2]
        if self.volume.mask is not None:
            return torch.tensor(self.volume.mask)
        if self.mask is not None:
            return self.mask.columns_of_file(width, self.path.name)
        return torch.ones(width, dtype=torch.bool)

    def _magnitude(self, index: int, kept: Tensor) -> Tensor:
        kspace = torch.from_numpy(read_slice(open_hdf5(self.path), "kspace", index)).to(torch.complex64)
        if kspace.shape != self.volume.shape[1:]:
            raise DataError(f"{self.path}: kspace must stay as it was, got another size; start again")
        lines = readout_images(kspace.t().index_select(0, kept), self.volume.crop[0])
        return zero_filled_magnitude(lines, kept, self.volume.shape[2], self.volume.crop[1])


def sources(path: Path) -> list[FastMRISource]:
    """Give the volume that a file is, or those that lie directly in a folder."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [FastMRISource(read_volume(file)) for file in files if _is_volume(file)]


def _is_volume(path: Path) -> bool:
    if path.suffix.lower() not in HDF5_SUFFIXES or path.name.startswith("."):
        return False
    file = open_hdf5(path)
    leave_out_made(hdf5_maker(path))
    return "kspace" in file or any(key in file for key in _OWN)  # without kspace it is refused where it is read


def _mask_of(identity: Identity) -> ColumnMask:
    """Give the mask with which a model was trained."""
    settings = settings_of(identity)
    kind, accelerations, fractions = (settings.get(name) for name in ("mask", "accelerations", "center_fractions"))
    if not isinstance(kind, str) or not _numbers(accelerations) or not _numbers(fractions):
        raise ConfigError(
            f"the model must say with which mask it was trained, got {identity.variant} without one; leave "
            f"--undersample out"
        )
    return ColumnMask(kind, tuple(accelerations), tuple(fractions))  # type: ignore[arg-type]  # checked there


def _numbers(words: object) -> bool:
    return isinstance(words, Sequence) and not isinstance(words, str)
