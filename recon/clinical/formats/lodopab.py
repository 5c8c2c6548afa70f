"""LoDoPaB-CT's observations: sinograms in, images in its unit of attenuation out."""

from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from recon.clinical.formats.files import (
    HDF5_SUFFIXES,
    FileSource,
    LeftOutError,
    Reading,
    hdf5_maker,
    leave_out_made,
    put_maker,
    require_finite,
    settings_of,
)
from recon.clinical.identity import Identity, scaling_of
from recon.clinical.sources import Made
from recon.data.hdf5 import open_hdf5, read_slice, require_array
from recon.data.lodopab import KEY, OBSERVATION_AXES, read_pair
from recon.data.threads import each_in_one_thread
from recon.errors import DataError
from recon.files import written_whole
from recon.ops.beam_geometry import LODOPAB, ParallelBeam, lodopab_like
from recon.ops.filtered_back_projection import filtered_back_projection

_TRUTH, _OBSERVATION = "ground_truth", "observation"
_BATCH = 16
_UNITS = scaling_of("ct", {})  # between LoDoPaB's unit of attenuation and HU


class LoDoPaBSource(FileSource):
    """The filtered back-projections of a file of observations, in HU."""

    format = "lodopab"
    suffix = ".hdf5"

    def __init__(
        self, path: Path, geometry: ParallelBeam, slices: int, *, filter: str = "hann", frequency_scaling: float = 1.0
    ) -> None:
        super().__init__(path, modality="ct", slices=slices)
        self.geometry, self.filter, self.frequency_scaling = geometry, filter, frequency_scaling
        self.size = geometry.image_shape

    def adapted(self, identity: Identity, reading: Reading) -> "LoDoPaBSource":
        """Take the filter of the model's training."""
        settings = settings_of(identity)
        filter, scaling = settings.get("filter"), settings.get("frequency_scaling")
        return LoDoPaBSource(
            self.path,
            self.geometry,
            self.slices,
            filter=filter if isinstance(filter, str) else self.filter,
            frequency_scaling=float(scaling) if isinstance(scaling, int | float) else self.frequency_scaling,
        )

    def read(self) -> Tensor:
        """Filter and project back, in batches."""
        batches = [range(start, min(start + _BATCH, self.slices)) for start in range(0, self.slices, _BATCH)]
        images = torch.cat(list(each_in_one_thread(self._projected_back, batches)))
        return images * _UNITS.scale + _UNITS.mean

    def write(self, images: Tensor, identity: Identity, target: Path) -> None:
        """Write `data` (slices, H, W) as LoDoPaB's ground truths are, with the source's attributes."""
        values = ((images[:, 0].float() - _UNITS.mean) / _UNITS.scale).numpy()
        with written_whole(target) as partial, h5py.File(partial, "w") as file:
            file[KEY] = values
            for name, words in open_hdf5(self.path).attrs.items():
                file.attrs[name] = words
            put_maker(file, identity)

    def made_with(self, target: Path) -> Made:
        """Read it in the attributes."""
        return hdf5_maker(target)

    def _projected_back(self, batch: range) -> Tensor:
        stored = [read_slice(open_hdf5(self.path), KEY, index) for index in batch]
        observations = torch.from_numpy(np.stack(stored).astype(np.float32))[:, None]
        require_finite(observations, self.path, first=batch.start)
        return filtered_back_projection(
            observations,
            self.geometry,
            filter=self.filter,  # type: ignore[arg-type]  # checked there
            frequency_scaling=self.frequency_scaling,
        )


def sources(path: Path) -> list[LoDoPaBSource]:
    """Give the slices of a file of observations, or of those that lie directly in a folder."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [found for file in files if (found := _source(file)) is not None]


def _source(path: Path) -> LoDoPaBSource | None:
    if path.suffix.lower() not in HDF5_SUFFIXES or path.name.startswith("."):
        return None
    if path.name.startswith(f"{_TRUTH}_"):
        raise LeftOutError(f"ground truths, which are reconstructed already; give the {_OBSERVATION}_*.hdf5 files")
    file = open_hdf5(path)
    leave_out_made(hdf5_maker(path))
    if KEY not in file and not path.name.startswith(f"{_OBSERVATION}_"):
        return None
    slices, angles, detectors = require_array(file, KEY, axes=OBSERVATION_AXES, kind=np.floating).shape
    return LoDoPaBSource(path, _geometry(path, file, angles, detectors), slices)


def _geometry(path: Path, file: h5py.File, angles: int, detectors: int) -> ParallelBeam:
    """Find the geometry of an observation: LoDoPaB's, that of the ground truth beside it, or a smaller LoDoPaB's."""
    if (angles, detectors) == (LODOPAB.n_angles, LODOPAB.n_detectors):
        return LODOPAB
    truth = path.with_name(path.name.replace(_OBSERVATION, _TRUTH))
    if truth != path and truth.is_file():
        return read_pair(truth).geometry
    like = lodopab_like(max(round(angles * LODOPAB.image_shape[0] / LODOPAB.n_angles), 1))
    if (like.n_angles, like.n_detectors) == (angles, detectors) and _extents(file) == _said(like):
        return like
    raise DataError(
        f"{path}: slices must be of {LODOPAB.n_angles} angles x {LODOPAB.n_detectors} detectors, as LoDoPaB's are, got "
        f"{angles} x {detectors}; put the ground truths of the same scan beside the file, which tell the images' size"
    )


def _extents(file: h5py.File) -> list[float]:
    """Give the image's and the detector's extent in metres, as far as a file says them."""
    told = [file.attrs.get(name) for name in ("image_extent", "detector_extent")]
    return [round(float(value), 6) for one in told if one is not None for value in np.ravel(one)]


def _said(geometry: ParallelBeam) -> list[float]:
    return [round(value, 6) for value in (*geometry.image_extent, geometry.detector_extent)]
