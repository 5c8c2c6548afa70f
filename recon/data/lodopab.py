"""LoDoPaB-CT's pairs of observations and ground truths, read as they are on disk, with filtered back-projections."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recon.data.batches import Draw, draw_of
from recon.data.hdf5 import open_hdf5, read_slice, require_array
from recon.data.prepared import Recipe, require_fresh
from recon.data.samples import MovableSlices, Origin, Sample, Skipped
from recon.data.scanning import OnBadFile, scan, warn_of_skipped
from recon.data.threads import each_in_one_thread
from recon.errors import ConfigError, DataError, require_at_least, require_known, require_pair
from recon.ops.beam_geometry import LODOPAB, ParallelBeam
from recon.ops.filtered_back_projection import Filter, filter_kernel, filtered_back_projection
from recon.ops.intensity import centre_crop
from recon.ops.parallel_beam import project

MU_MAX = 81.35858  # 1/m: the attenuation that 3071 HU stand for; intensities are divided by it
PHOTONS = 4096  # per cell of the detector, before the patient
MIN_PHOTONS = 0.1  # in place of a count of zero
SAMPLES_PER_FILE = 128
KEY = "data"
TRUTH_AXES = ("slices", "rows", "columns")
OBSERVATION_AXES = ("slices", "angles", "detectors")
_NAME = re.compile(r"ground_truth_(train|validation|test)_(\d{3})\.hdf5")
_BATCH = 16

Part = Literal["train", "validation", "test"]

PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True, slots=True)
class PairFile:
    """Two files that belong together, and what they say of themselves."""

    truth: Path
    observation: Path
    n_slices: int
    first: int
    geometry: ParallelBeam
    synthetic: bool


class Pair(NamedTuple):
    """One slice as the files have it: the observation (angles, detectors) and the ground truth (rows, columns)."""

    observation: NDArray[np.float32]
    truth: NDArray[np.float32]


class LoDoPaBSlices(MovableSlices):
    """One part of a LoDoPaB folder: filtered back-projections and ground truths, in units of MU_MAX.

    All the pairs of files that are there are read, and their lengths are what the files have: a partial download is a
    smaller data set. With a `cache` (`recon data prepare`) the inputs come from prepared files; without one, each is
    computed when it is read, which takes far longer.
    """

    def __init__(
        self,
        folder: Path,
        part: Part,
        *,
        filter: Filter = "hann",
        frequency_scaling: float = 1.0,
        crop: tuple[int, int] | None = None,
        max_slices: int | None = None,
        cache: Path | None = None,
        on_bad_file: OnBadFile = "error",
    ) -> None:
        """Look at every file of the part. `crop` keeps the middle; the APS paper's is (352, 352)."""
        require_known(part, PARTS, name="part")
        self.filter: Filter = filter
        self.frequency_scaling = frequency_scaling
        self.crop, self.cache = crop, cache
        self.on_bad_file = require_known(on_bad_file, ("error", "skip"), name="on_bad_file")
        truths, alone = pair_files(folder, part)
        self._prepared: dict[Path, Path] = {}
        recipe = fbp_recipe(filter, frequency_scaling)

        def read(truth: Path) -> PairFile:
            pair = read_pair(truth)
            if cache is not None:
                self._prepared[truth] = require_fresh(pair.observation, recipe, cache)
            return pair

        self.files, bad = scan(truths, read, on_bad_file)
        self.skipped_files = (*alone, *bad)
        warn_of_skipped(alone)
        if not self.files:
            raise DataError(f"{folder} must have a readable pair of files of the part {part}, got none")
        if max_slices is not None:
            require_at_least(max_slices, 1, name="max_slices")
        starts = np.cumsum([0, *(pair.n_slices for pair in self.files)]).tolist()
        self._ranges = tuple(map(range, starts[:-1], starts[1:]))
        self._length = min(starts[-1], max_slices) if max_slices is not None else starts[-1]
        self._patients = patients(folder, part)
        for pair in self.files:
            _require_crop(pair, crop)

    def __len__(self) -> int:
        """Count the slices of all files."""
        return self._length

    @property
    def groups(self) -> Sequence[range]:
        """The indices of each file's slices."""
        return [range(r.start, min(r.stop, self._length)) for r in self._ranges if r.start < self._length]

    def __getitem__(self, key: int | Draw) -> Sample | Skipped:
        """Read one slice; nothing about it is random."""
        return self._read(draw_of(key).index, None)

    def measured_again(self, index: int, shift: tuple[int, int]) -> Sample | Skipped:
        """Move a slice's object by whole pixels (rows, columns) and measure it again, without noise.

        The object is the ground truth as it is stored, the whole field, with nothing around it. It is projected with
        moved rays in the file's geometry, and its projections are filtered back and cropped as the file's are. The
        file's own observation, which has noise, and prepared files are not read, also by (0, 0): two of the results
        differ by the move alone.
        """
        return self._read(index, shift)

    def pair(self, index: int) -> Pair:
        """Read one slice's observation and ground truth as they are stored."""
        pair, inside = self._place(index)
        return Pair(_stored(pair.observation, inside), _stored(pair.truth, inside))

    def _read(self, number: int, shift: tuple[int, int] | None) -> Sample | Skipped:
        pair, index = self._place(number)
        try:
            return self._sample(pair, index, shift)
        except DataError as error:
            if self.on_bad_file == "skip":
                return Skipped(str(error))
            raise

    def _place(self, index: int) -> tuple[PairFile, int]:
        if not 0 <= index < self._length:
            raise IndexError(f"index must lie in [0, {self._length}), got {index}")
        number = next(number for number, r in enumerate(self._ranges) if index in r)
        return self.files[number], index - self._ranges[number].start

    def _sample(self, pair: PairFile, index: int, shift: tuple[int, int] | None) -> Sample:
        truth = torch.from_numpy(_stored(pair.truth, index))
        crop = self.crop or (truth.shape[0], truth.shape[1])
        target = centre_crop(truth, crop)[None].contiguous()
        moved = None if shift is None else self._projected_back(pair, _projected(pair, truth, shift))
        image = self._input(pair, index) if moved is None else moved
        return Sample(
            centre_crop(image, crop)[None].contiguous(),
            target if shift is None else None,
            0.0,
            1.0,
            (target.max() - target.min()).item(),
            self._origin(pair, index),
        )

    def _input(self, pair: PairFile, index: int) -> Tensor:
        if prepared := self._prepared.get(pair.truth):
            image = torch.from_numpy(read_slice(open_hdf5(prepared), "fbp", index))
            if not math.isfinite(image.sum().item()):
                raise DataError(f"{pair.observation}: slice {index} of {KEY} must be finite, got NaN or infinity")
            return image
        return self._projected_back(pair, torch.from_numpy(_stored(pair.observation, index)))

    def _projected_back(self, pair: PairFile, observation: Tensor) -> Tensor:
        image = filtered_back_projection(
            observation[None, None], pair.geometry, filter=self.filter, frequency_scaling=self.frequency_scaling
        )
        return image[0, 0]

    def _origin(self, pair: PairFile, index: int) -> Origin:
        number = pair.first + index
        patient = f"patient {self._patients[number]}" if number < len(self._patients) else ""
        return Origin("LoDoPaB-CT", pair.truth.name, index, patient, "", pair.synthetic)


def pair_files(folder: Path, part: Part) -> tuple[list[Path], list[str]]:
    """List the ground truths of a part whose observations are there, in order, and say which files stand alone."""
    if not folder.is_dir():
        raise DataError(
            f"{folder} must be a folder of LoDoPaB-CT files, got {'a file' if folder.exists() else 'nothing'}"
        )
    truths = {path.name for path in folder.glob(f"ground_truth_{part}_*.hdf5") if _NAME.fullmatch(path.name)}
    observations = {path.name for path in folder.glob(f"observation_{part}_*.hdf5")}
    partners = {name: name.replace("ground_truth", "observation") for name in truths}
    paired = sorted(name for name in truths if partners[name] in observations)
    if not paired:
        raise DataError(
            f"{folder} must hold pairs ground_truth_{part}_NNN.hdf5 and observation_{part}_NNN.hdf5, got "
            f"{len(truths)} ground truths and {len(observations)} observations; see data/README.md for the tree"
        )
    alone = sorted(truths - set(paired)) + sorted(observations - {partners[name] for name in paired})
    return [folder / name for name in paired], [f"{folder / name} has no partner" for name in alone]


def read_pair(truth: Path) -> PairFile:
    """Read what a pair of files says of itself, or raise an error that says what is wrong with it."""
    observation = truth.with_name(truth.name.replace("ground_truth", "observation"))
    image, sinogram = open_hdf5(truth), open_hdf5(observation)
    image_shape = require_array(image, KEY, axes=TRUTH_AXES, kind=np.floating).shape
    sinogram_shape = require_array(sinogram, KEY, axes=OBSERVATION_AXES, kind=np.floating).shape
    if image_shape[0] != sinogram_shape[0]:
        raise DataError(
            f"{truth} and {observation.name} must have as many slices, got {image_shape[0]} and {sinogram_shape[0]}"
        )
    found = _NAME.fullmatch(truth.name)
    return PairFile(
        truth,
        observation,
        image_shape[0],
        SAMPLES_PER_FILE * int(found[2]) if found else 0,
        _geometry(observation, sinogram, image_shape[1:], sinogram_shape[1:]),
        bool(sinogram.attrs.get("synthetic", False)),
    )


def fbp_recipe(filter: Filter = "hann", frequency_scaling: float = 1.0, *, device: str = "cpu") -> Recipe:
    """Say how a file of observations is prepared: each filtered and projected back, on a device.

    dival's published figures for filtered back-projection (30.2 dB) are with Hann and a frequency scaling of 0.641;
    networks are usually given all frequencies.
    """

    def write(source: Path, file: h5py.File) -> None:
        pair = read_pair(source.with_name(source.name.replace("observation", "ground_truth")))
        stored = file.create_dataset("fbp", (pair.n_slices, *pair.geometry.image_shape), np.float32)
        batches = [range(start, min(start + _BATCH, pair.n_slices)) for start in range(0, pair.n_slices, _BATCH)]

        def reconstructed(batch: range) -> NDArray[np.float32]:
            # A slice that is not finite gives one that is not, which is refused when it is read: the others are good.
            stored_slices = [read_slice(open_hdf5(source), KEY, index) for index in batch]
            observations = torch.from_numpy(np.stack(stored_slices).astype(np.float32)).to(device)
            images = filtered_back_projection(
                observations[:, None], pair.geometry, filter=filter, frequency_scaling=frequency_scaling
            )
            return images[:, 0].cpu().numpy()

        for batch, found in zip(batches, each_in_one_thread(reconstructed, batches), strict=True):
            stored[batch.start : batch.stop] = found

    filter_kernel(1, filter=filter, frequency_scaling=frequency_scaling)  # refuses what is none now, not file by file
    settings = {"filter": filter, "frequency_scaling": frequency_scaling, "version": 1}
    return Recipe("lodopab-fbp", settings, write, _fbp_size)


def patients(folder: Path, part: Part) -> tuple[int, ...]:
    """Read the patient of every slice of a part from patient_ids_rand_*.csv; nothing if it is not there."""
    path = folder / f"patient_ids_rand_{part}.csv"
    if not path.is_file():
        return ()
    try:
        return tuple(int(line) for line in path.read_text().split())
    except ValueError as error:
        raise DataError(f"{path} must hold one whole number a line: {error}") from error


def _fbp_size(source: Path) -> int:
    pair = read_pair(source.with_name(source.name.replace("observation", "ground_truth")))
    rows, columns = pair.geometry.image_shape
    return 4 * pair.n_slices * rows * columns


def _projected(pair: PairFile, truth: Tensor, shift: tuple[int, int]) -> Tensor:
    rows, columns = shift
    return project(truth[None, None], pair.geometry, shift=(float(rows), float(columns)))[0, 0]


def _stored(path: Path, index: int) -> NDArray[np.float32]:
    values = read_slice(open_hdf5(path), KEY, index).astype(np.float32, copy=False)
    if not np.isfinite(values.sum()):
        raise DataError(f"{path}: slice {index} of {KEY} must be finite, got NaN or infinity")
    return values


def _geometry(path: Path, observation: h5py.File, image: tuple[int, int], sinogram: tuple[int, int]) -> ParallelBeam:
    if (image, sinogram) == (LODOPAB.image_shape, (LODOPAB.n_angles, LODOPAB.n_detectors)):
        return LODOPAB
    extent, width = observation.attrs.get("image_extent"), observation.attrs.get("detector_extent")
    if extent is None or width is None:
        raise DataError(
            f"{path}: slices must be of 1000 angles x 513 detectors with images of 362 x 362, as LoDoPaB's are, or say "
            f"their image_extent and detector_extent (metres) as attributes; got {sinogram[0]} x {sinogram[1]} and "
            f"{image[0]} x {image[1]}"
        )
    try:
        return ParallelBeam(image, (float(extent[0]), float(extent[1])), sinogram[0], sinogram[1], float(width))
    except (TypeError, ValueError, IndexError) as error:
        raise DataError(f"{path}: image_extent and detector_extent must be lengths in metres: {error}") from error


def _require_crop(pair: PairFile, crop: tuple[int, int] | None) -> None:
    require_pair(crop, name="crop")
    rows, columns = pair.geometry.image_shape
    if crop is not None and not (crop[0] <= rows and crop[1] <= columns):
        raise ConfigError(
            f"crop must fit into every image, got {crop[0]} x {crop[1]} for {pair.truth.name} of {rows} x {columns}"
        )
