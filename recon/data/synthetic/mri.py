"""Synthetic knee volumes, measured as a scanner does: coil, phase, oversampled k-space and noise; fastMRI's files."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from recon import __version__
from recon.data.masks import ColumnMask
from recon.data.scenes.drawing import Grid, Texture
from recon.data.scenes.knee import Knee
from recon.data.synthetic.header import ismrmrd_header
from recon.data.volumes import ACQUISITIONS
from recon.files import written_whole
from recon.ops.fourier import centred_fft, centred_ifft, sample_columns
from recon.ops.intensity import centre_crop

FIELD = 160.0  # mm: height and width of the image
REACH = 1.05  # of the slices to the limb's depth: the outermost ones are blank, as in real volumes
OVERSAMPLING = 2  # of the readout, along the rows
PHASE_FIELD = 1.15  # columns of k-space to columns of the image, as in most of fastMRI's volumes (368 to 320)
CEILING = {"PD": 34.0, "PDFS": 30.0}  # dB: PSNR of a volume without its noise against its target, which has it
TEST_MASK = ColumnMask("random", (4,), (0.08,))

Kspace = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class Scan:
    """What is measured: how many slices of which size, and the acquisition (PD or PDFS)."""

    size: int
    n_slices: int
    acquisition: str


class Measurement(NamedTuple):
    """Noisy k-space (slices, 2 size, columns), its magnitude images (slices, size, size), and the depth in mm."""

    kspace: Kspace
    target: NDArray[np.float32]
    depth: float


def write_volume(path: Path, scan: Scan, *, seed: tuple[int, ...], test: bool = False) -> None:
    """Write one volume; for the test split masked, and without a target. The same seed gives the same bytes."""
    kspace, target, depth = simulate(scan, seed)
    code = next(code for code, name in ACQUISITIONS.items() if name == scan.acquisition)
    header = ismrmrd_header(
        shape=kspace.shape,
        size=scan.size,
        spacing=FIELD / scan.size,
        thickness=depth / scan.n_slices,
        protocol=code,
        version=__version__,
    )
    with written_whole(path) as partial, h5py.File(partial, "w") as file:
        file["ismrmrd_header"] = header
        file.attrs["acquisition"] = code
        file.attrs["patient_id"] = f"synthetic-{'-'.join(map(str, seed))}"
        file.attrs["synthetic"] = True
        if test:
            columns = TEST_MASK.columns_of_file(kspace.shape[2], path.name)
            file["kspace"] = sample_columns(torch.from_numpy(kspace), columns).numpy()
            file["mask"] = columns.numpy()
            file.attrs["acceleration"] = TEST_MASK.accelerations[0]
            file.attrs["num_low_frequency"] = round(TEST_MASK.center_fractions[0] * kspace.shape[2])
            return
        file["kspace"] = kspace
        file["reconstruction_esc"] = target
        file.attrs["max"] = float(target.max())
        file.attrs["norm"] = float(np.linalg.norm(target))


def simulate(scan: Scan, seed: tuple[int, ...]) -> Measurement:
    """Measure a random knee."""
    random = np.random.default_rng(seed)
    knee, coil = Knee(random), Coil(random)
    clean = np.stack([_measured(scan, knee, coil, z) for z in slice_positions(REACH * knee.depth, scan.n_slices)])
    clean *= np.float32(random.uniform(2e-4, 8e-4))  # fastMRI's order of magnitude; the scene's maximum is about 1
    magnitudes = _magnitudes(clean, scan.size)
    noise = (random.standard_normal((*clean.shape, 2), dtype=np.float32)).view(np.complex64)[..., 0]
    level = magnitudes.max() * 10 ** (-CEILING[scan.acquisition] / 20)
    for _ in range(3):  # the level that gives the ceiling: the noise's share of the magnitude depends on the image
        target = _magnitudes(clean + np.float32(level) * noise, scan.size)
        error = np.sqrt(np.mean((target - magnitudes) ** 2, dtype=np.float64))
        level *= target.max() * 10 ** (-CEILING[scan.acquisition] / 20) / error
    noisy = clean + np.float32(level) * noise
    return Measurement(noisy, _magnitudes(noisy, scan.size), REACH * knee.depth)


def slice_positions(depth: float, count: int) -> list[float]:
    """Give the heights in mm of the middles of slices that fill the depth."""
    return [((index + 0.5) / count - 0.5) * depth for index in range(count)]


class Coil:
    """One receiving coil: smooth sensitivity, weaker far from the joint, and the smooth phase of the image."""

    def __init__(self, random: np.random.Generator) -> None:
        """Draw where the coil sits and how the phase winds."""
        self.centre = random.normal(0, 12, 2)
        self.reach = random.uniform(95, 120, 2)  # mm
        self.shading = Texture(random, 70, period=16)
        self.bumps = Texture(random, 45, period=16)
        self.winding = random.normal(0, 0.012, 2)  # radians a mm
        self.constant = random.uniform(-np.pi, np.pi)

    def at(self, z: float, grid: Grid) -> NDArray[np.complex64]:
        """Give the complex sensitivity on a grid at height z."""
        down = (grid.y - self.centre[0]) / self.reach[0]
        right = (grid.x - self.centre[1]) / self.reach[1]
        magnitude = (
            (0.55 + 0.45 * np.exp(-(right**4))) * np.exp(-(down**4)) * np.exp(0.12 * self.shading.at(z, grid.y, grid.x))
        )
        phase = (
            self.constant + self.winding[0] * grid.y + self.winding[1] * grid.x + 0.5 * self.bumps.at(z, grid.y, grid.x)
        )
        return (magnitude * np.exp(1j * phase)).astype(np.complex64)


def _measured(scan: Scan, knee: Knee, coil: Coil, z: float) -> Kspace:
    """Measure one slice without noise: drawn on a grid twice as fine, whose low frequencies are what a scanner gets."""
    shape = (OVERSAMPLING * scan.size, _columns(scan.size))
    fine = Grid((2 * shape[0], 2 * shape[1]), FIELD / scan.size / 2, oversampling=1)
    image = knee.slice(z, fine, fat_saturated=scan.acquisition == "PDFS") * coil.at(z, fine)
    kspace = centred_fft(torch.from_numpy(image)) / 2  # orthonormal: a grid twice as fine has twice the values
    return centre_crop(kspace, shape).numpy()


def _columns(size: int) -> int:
    return 2 * round(PHASE_FIELD * size / 2)


def _magnitudes(kspace: Kspace, size: int) -> NDArray[np.float32]:
    return centre_crop(centred_ifft(torch.from_numpy(kspace)), (size, size)).abs().numpy()
