"""Synthetic low-dose CT: chests or ellipses, projected on a finer grid, counted photon by photon; LoDoPaB's files."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from recon.data.lodopab import KEY, MIN_PHOTONS, MU_MAX, PARTS, PHOTONS, Part
from recon.files import written_whole
from recon.ops.beam_geometry import ParallelBeam, lodopab_like
from recon.ops.parallel_beam import project

FINER = 2  # the object is drawn and projected on a grid so many times finer than the image's
_BATCH = 4
_NOISE = 1  # tells the noise's random numbers from the anatomy's

Scene = Literal["chest", "ellipses"]
Image = NDArray[np.float32]

SCENES: dict[Scene, str] = {"chest": "recon.data.synthetic.chests", "ellipses": "recon.data.synthetic.ellipses"}


class Draws(Protocol):
    """What a scene's module has as `attenuations`: slices of a part one after the other, (size, size) in 1/m."""

    def __call__(
        self, size: int, part: Part, slices: range, patients: range, n_slices: int, seed: int
    ) -> Iterator[Image]:
        """Draw slices; slice i is of patient number i // n_slices of the part's."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What is measured: the scene, its size, and the slices of each patient."""

    scene: Scene
    size: int
    n_slices: int


def write_pair(folder: Path, part: Part, number: int, slices: range, scan: Scan, *, patients: range, seed: int) -> None:
    """Write a pair of files with those slices of a part, counted over its patients. The same seed gives the same bytes.

    `patients` are the numbers of the part's patients; slice i is of patient number i // n_slices of them.
    """
    geometry, fine = lodopab_like(scan.size), _fine_geometry(scan.size)
    truths, observations = [], []
    images = _scene(scan.scene)(scan.size * FINER, part, slices, patients, scan.n_slices, seed)
    for start in range(0, len(slices), _BATCH):
        count = min(_BATCH, len(slices) - start)
        batch = np.stack([next(images) for _ in range(count)])
        truths.append(batch.reshape(count, scan.size, FINER, scan.size, FINER).mean((2, 4), dtype=np.float32) / MU_MAX)
        lines = project(torch.from_numpy(batch)[:, None], fine)[:, 0].numpy()
        for offset, line in enumerate(lines):
            random = np.random.default_rng((seed, PARTS.index(part), slices[start + offset], _NOISE))
            observations.append(measured(line, random))
    _write(folder / f"ground_truth_{part}_{number:03d}.hdf5", np.concatenate(truths), geometry)
    _write(folder / f"observation_{part}_{number:03d}.hdf5", np.stack(observations), geometry)


def measured(lines: Image, random: np.random.Generator) -> Image:
    """Count photons behind line integrals of the attenuation, and give what LoDoPaB stores of the counts.

    -ln(max(N, 0.1) / 4096) / MU_MAX with N ~ Poisson(4096 exp(-lines)).
    """
    counts = random.poisson(PHOTONS * np.exp(-lines.astype(np.float64)))
    return (-np.log(np.maximum(counts, MIN_PHOTONS) / PHOTONS) / MU_MAX).astype(np.float32)


def _scene(name: Scene) -> Draws:
    """Give what draws a scene. Modules load when used: dival takes seconds, and writes a file of settings."""
    draws: Draws = import_module(SCENES[name]).attenuations
    return draws


def _fine_geometry(size: int) -> ParallelBeam:
    coarse = lodopab_like(size)
    fine = (FINER * size, FINER * size)
    return ParallelBeam(fine, coarse.image_extent, coarse.n_angles, coarse.n_detectors, coarse.detector_extent)


def _write(path: Path, values: Image, geometry: ParallelBeam) -> None:
    with written_whole(path) as partial, h5py.File(partial, "w") as file:
        file[KEY] = values
        file.attrs["synthetic"] = True
        file.attrs["image_extent"] = geometry.image_extent
        file.attrs["detector_extent"] = geometry.detector_extent
