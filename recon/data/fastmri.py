"""fastMRI's single-coil volumes, read as they are on disk and brought to a network as fastMRI's U-Net has them."""

import math
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from recon.data.batches import Draw, draw_of
from recon.data.hdf5 import open_hdf5, read_slice
from recon.data.masks import ColumnMask
from recon.data.prepared import Recipe, require_fresh
from recon.data.samples import MovableSlices, Origin, Sample, Skipped
from recon.data.scanning import OnBadFile, scan
from recon.data.volumes import ACQUISITIONS, Acquisition, Volume, read_volume, volume_files
from recon.errors import ConfigError, DataError, require_at_least, require_known, require_pair
from recon.ops.fourier import centred_ifft, move_kspace
from recon.ops.intensity import centre_crop, normalise

CLAMP = 6.0  # fastMRI's and the APS paper's bound of normalised intensities


class FastMRISlices(MovableSlices):
    """The slices of a folder of single-coil volumes: zero-filled magnitudes, normalised, and their targets.

    Each slice's k-space is masked, transformed, cropped to the size of its target, normalised by its own mean and
    deviation, and clamped; the target by the same numbers: `UnetDataTransform` of fastMRI, in fewer steps. In training
    masks are drawn anew for each draw; otherwise the file's name fixes them. Files that bring a `mask` (the test
    split) keep that one.
    """

    def __init__(
        self,
        folder: Path,
        *,
        mask: ColumnMask | None = None,
        training: bool = False,
        seed: int = 0,
        acquisition: Acquisition | None = None,
        crop: tuple[int, int] | None = None,
        clamp: float | None = CLAMP,
        max_volumes: int | None = None,
        cache: Path | None = None,
        on_bad_file: OnBadFile = "error",
    ) -> None:
        """Look at every volume of the folder.

        `crop` cuts inputs and targets further, to one size. `cache` is a folder with prepared files of all volumes
        (`recon data prepare`), which are read faster. `max_volumes` takes the first ones in the order of their names.
        """
        if acquisition is not None:
            require_known(acquisition, ACQUISITIONS.values(), name="acquisition")
        if max_volumes is not None:
            require_at_least(max_volumes, 1, name="max_volumes")
        if clamp is not None and not clamp > 0:
            raise ConfigError(f"clamp must be positive, or None for no bound, got {clamp}")
        self.mask = ColumnMask() if mask is None else mask
        self.training, self.seed, self.crop, self.clamp = training, seed, crop, clamp
        self.on_bad_file = require_known(on_bad_file, ("error", "skip"), name="on_bad_file")
        self._prepared: dict[Path, Path] = {}

        def read(path: Path) -> Volume:
            volume = read_volume(path)
            if cache is not None:
                self._prepared[path] = require_fresh(path, hybrid_recipe(volume.crop[0]), cache)
            return volume

        found, self.skipped_files = scan(volume_files(folder), read, on_bad_file)
        chosen = [volume for volume in found if acquisition in (None, volume.acquisition)][:max_volumes]
        if not chosen:
            kinds = ", ".join(sorted({volume.acquisition for volume in found})) or "no readable volumes"
            raise DataError(f"{folder} must have volumes of the acquisition {acquisition or 'PD or PDFS'}, got {kinds}")
        self.volumes = tuple(chosen)
        starts = np.cumsum([0, *(volume.n_slices for volume in chosen)]).tolist()
        self._ranges = tuple(map(range, starts[:-1], starts[1:]))
        self._volume_of = np.repeat(np.arange(len(chosen)), [volume.n_slices for volume in chosen])
        for volume in chosen:
            _require_crop(volume, crop)

    def __len__(self) -> int:
        """Count the slices of all volumes."""
        return len(self._volume_of)

    @property
    def groups(self) -> Sequence[range]:
        """The indices of each volume's slices."""
        return self._ranges

    def __getitem__(self, key: int | Draw) -> Sample | Skipped:
        """Read one slice; a plain index stands for a draw of epoch 0."""
        return self._read(draw_of(key), None)

    def measured_again(self, index: int, shift: tuple[int, int]) -> Sample | Skipped:
        """Move a slice's object by whole pixels (rows, columns) and measure it again, with the same mask.

        The file's whole k-space takes the phase ramp of the move, exactly; then it is masked, transformed, cropped,
        normalised by the moved image's own mean and deviation, and clamped, as that of the slice itself. A pixel is one
        of the target: the readout's oversampling widens the field, not the pixels. The move is circular in the whole
        field, so that what a crop shows at its border comes from beside it. Prepared files hold only the rows of the
        crop and are not read. By (0, 0) it is the slice itself, without its target.
        """
        return self._read(draw_of(index), shift)

    def _read(self, draw: Draw, shift: tuple[int, int] | None) -> Sample | Skipped:
        if not 0 <= draw.index < len(self):
            raise IndexError(f"index must lie in [0, {len(self)}), got {draw.index}")
        number = int(self._volume_of[draw.index])
        volume, index = self.volumes[number], draw.index - self._ranges[number].start
        try:
            return self._sample(volume, index, draw, shift)
        except DataError as error:
            if self.on_bad_file == "skip":
                return Skipped(str(error))
            raise

    def _sample(self, volume: Volume, index: int, draw: Draw, shift: tuple[int, int] | None) -> Sample:
        columns = self._columns(volume, draw)
        magnitude = self._zero_filled(volume, index, columns, shift)
        crop = self.crop or volume.crop
        image, mean, scale = normalise(centre_crop(magnitude, crop))
        _require_finite(mean, volume, index, "kspace")
        target = None
        if volume.has_target and shift is None:
            stored = read_slice(open_hdf5(volume.path), "reconstruction_esc", index)
            target = (centre_crop(torch.from_numpy(stored).float(), crop) - mean) / scale
            _require_finite(target.sum(), volume, index, "reconstruction_esc")
        if self.clamp is not None:
            image = image.clamp_(-self.clamp, self.clamp)
            target = None if target is None else target.clamp_(-self.clamp, self.clamp)
        return Sample(
            image[None],
            None if target is None else target[None],
            mean.item(),
            scale.item(),
            volume.maximum,
            Origin("fastMRI", volume.path.name, index, volume.path.stem, volume.acquisition, volume.synthetic),
        )

    def _columns(self, volume: Volume, draw: Draw) -> Tensor:
        width = volume.shape[2]
        if volume.mask is not None:
            return torch.tensor(volume.mask)
        if self.training:
            return self.mask.columns(width, (self.seed, draw.epoch, draw.index))
        return self.mask.columns_of_file(width, volume.path.name)

    def _zero_filled(self, volume: Volume, index: int, columns: Tensor, shift: tuple[int, int] | None) -> Tensor:
        kept = columns.nonzero()[:, 0]
        if shift is not None or not self._prepared:
            kspace = torch.from_numpy(read_slice(open_hdf5(volume.path), "kspace", index)).to(torch.complex64)
            if kspace.shape != volume.shape[1:]:
                raise DataError(f"{volume.path}: kspace must stay as it was, got another size; open the data set again")
            kspace = kspace if shift is None else move_kspace(kspace, shift)
            lines = readout_images(kspace.t().index_select(0, kept), volume.crop[0])
        else:
            hybrid = read_slice(open_hdf5(self._prepared[volume.path]), "hybrid", index)
            lines = torch.from_numpy(hybrid).index_select(0, kept)
        return zero_filled_magnitude(lines, kept, volume.shape[2], volume.crop[1])


def readout_images(lines: Tensor, rows: int) -> Tensor:
    """Transform lines of k-space (columns, rows) along the readout and keep its middle: (columns, `rows`).

    A mask takes whole columns, so that this step does not depend on it: it may come before, and be kept.
    """
    start = (lines.shape[-1] - rows) // 2
    return centred_ifft(lines, (-1,))[..., start : start + rows]


def zero_filled_magnitude(lines: Tensor, kept: Tensor, width: int, crop: int) -> Tensor:
    """Give the magnitude (rows, crop) of the image whose columns `kept` of `width` are lines (n, rows), others zero."""
    spectrum = lines.new_zeros(width, lines.shape[1])
    spectrum.index_copy_(0, (kept - width // 2) % width, lines)
    start = (width - crop) // 2 - width // 2
    middle = torch.arange(start, start + crop) % width
    image = torch.fft.ifft(spectrum, dim=0, norm="ortho").index_select(0, middle)
    return torch.from_numpy(np.abs(image.numpy())).t().contiguous()  # NumPy's magnitude takes a tenth of torch's time


def hybrid_recipe(rows: int) -> Recipe:
    """Say how a volume is prepared: transformed along the readout and cropped to its target's rows, columns first."""
    return Recipe("fastmri-hybrid", {"rows": rows, "version": 1}, _write_hybrid, _hybrid_size)


def _write_hybrid(source: Path, file: h5py.File) -> None:
    volume = read_volume(source)
    slices, _, width = volume.shape
    stored = file.create_dataset("hybrid", (slices, width, volume.crop[0]), np.complex64)
    for index in range(slices):
        kspace = torch.from_numpy(read_slice(open_hdf5(source), "kspace", index)).to(torch.complex64)
        stored[index] = readout_images(kspace.t(), volume.crop[0]).numpy()


def _hybrid_size(source: Path) -> int:
    volume = read_volume(source)
    return 8 * volume.n_slices * volume.shape[2] * volume.crop[0]


def _require_finite(total: Tensor, volume: Volume, index: int, key: str) -> None:
    """Refuse a slice whose values' sum (or mean) is not finite: one NaN or infinity shows in it."""
    if not math.isfinite(total.item()):
        raise DataError(f"{volume.path}: slice {index} of {key} must be finite, got NaN or infinity")


def _require_crop(volume: Volume, crop: tuple[int, int] | None) -> None:
    require_pair(crop, name="crop")
    if crop is not None and (crop[0] > volume.crop[0] or crop[1] > volume.crop[1]):
        raise ConfigError(
            f"crop must fit into every image, got {crop[0]} x {crop[1]} for {volume.path.name} of {volume.crop[0]} x "
            f"{volume.crop[1]}"
        )
