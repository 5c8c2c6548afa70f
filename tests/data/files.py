"""Small files as the data sets have them, written by hand: the k-space of known images, and true projections."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from recon.ops.beam_geometry import lodopab_like
from recon.ops.parallel_beam import project

HEADER = (
    '<?xml version="1.0"?><ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><encoding>'
    "<encodedSpace><matrixSize><x>{rows}</x><y>{columns}</y><z>1</z></matrixSize></encodedSpace>"
    "<reconSpace><matrixSize><x>{height}</x><y>{width}</y><z>1</z></matrixSize></reconSpace>"
    "<encodingLimits><kspace_encoding_step_1><minimum>0</minimum><maximum>{last}</maximum><center>{centre}</center>"
    "</kspace_encoding_step_1></encodingLimits></encoding></ismrmrdHeader>"
)
SCALE = 1e-4  # of fastMRI's intensities


class PairPaths(NamedTuple):
    """A pair of LoDoPaB files."""

    truth: Path
    observation: Path


def write_fastmri_volume(
    path: Path,
    *,
    slices: int = 3,
    rows: int = 48,
    columns: int = 40,
    target: tuple[int, int] | None = (24, 24),
    size: tuple[int, int] = (24, 24),
    acquisition: str = "CORPD_FBK",
    mask: NDArray[np.bool_] | None = None,
    synthetic: bool = False,
    attributes: Mapping[str, object] | None = None,
    seed: int = 0,
) -> Path:
    """Write a single-coil volume: k-space (slices, rows, columns) of random images, and their magnitudes' middle.

    With `target=None` it is like the test split's files: without a target, whose `size` the header then tells; a `mask`
    (columns,) is applied to the k-space and stored. `attributes` replace the usual ones; those that are None are left
    out.
    """
    images = complex_images((slices, rows, columns), seed=seed)
    kspace = centred_fft2(images)
    height, width = target or size
    limits = {"last": columns - 1, "centre": columns // 2}
    header = HEADER.format(rows=rows, columns=columns, height=height, width=width, **limits)
    attrs: dict[str, object] = {"acquisition": acquisition, "patient_id": f"patient-{seed}"}
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["kspace"] = kspace if mask is None else np.where(mask, kspace, 0).astype(np.complex64)
        file["ismrmrd_header"] = header.encode()
        if mask is not None:
            file["mask"] = mask
        if target is not None:
            magnitudes = middle(np.abs(np.fft.fftshift(images, (1, 2))), target)
            file["reconstruction_esc"] = magnitudes
            attrs |= {"max": float(magnitudes.max()), "norm": float(np.linalg.norm(magnitudes.astype(np.float64)))}
        if synthetic:
            attrs["synthetic"] = True
        for name, value in (attrs | dict(attributes or {})).items():
            if value is not None:
                file.attrs[name] = value
    return path


def write_fastmri_folder(folder: Path, *, train: int = 2, val: int = 1, test: int = 1, columns: int = 40) -> Path:
    """Write a whole fastMRI folder: volumes of both acquisitions in three parts, those of the test split masked."""
    numbers = iter(range(train + val + test))
    for part, count in (("train", train), ("val", val), ("test", test)):
        for place in range(count):
            number = next(numbers)
            write_fastmri_volume(
                folder / f"singlecoil_{part}" / f"file{1000000 + number}.h5",
                columns=columns,
                target=None if part == "test" else (24, 24),
                mask=np.arange(columns) % 4 == columns // 2 % 4 if part == "test" else None,
                acquisition=("CORPD_FBK", "CORPDFS_FBK")[place % 2],
                seed=number,
            )
    return folder


def write_lodopab_pair(
    folder: Path,
    part: str = "train",
    number: int = 0,
    *,
    slices: int = 3,
    size: int = 16,
    synthetic: bool = False,
    seed: int = 0,
) -> PairPaths:
    """Write a pair of LoDoPaB files: images of one ellipse each in (0, 1), and their true projections."""
    geometry = lodopab_like(size)
    images = ellipses((slices, size, size), seed=(seed, number, len(part)))
    lines = project(torch.from_numpy(images)[:, None], geometry)[:, 0].numpy()
    paths = PairPaths(
        folder / f"ground_truth_{part}_{number:03d}.hdf5", folder / f"observation_{part}_{number:03d}.hdf5"
    )
    folder.mkdir(parents=True, exist_ok=True)
    for path, values in zip(paths, (images, lines), strict=True):
        with h5py.File(path, "w") as file:
            file["data"] = values
            file.attrs["image_extent"] = geometry.image_extent
            file.attrs["detector_extent"] = geometry.detector_extent
            if synthetic:
                file.attrs["synthetic"] = True
    return paths


def write_lodopab_folder(folder: Path, *, size: int = 16) -> Path:
    """Write a LoDoPaB folder with one pair a part."""
    for part, slices in (("train", 3), ("validation", 2), ("test", 2)):
        write_lodopab_pair(folder, part, slices=slices, size=size)
    return folder


def complex_images(shape: tuple[int, int, int], *, seed: int) -> NDArray[np.complex64]:
    """Give random complex images (slices, rows, columns) in FFT order (the middle at index 0): a disc and noise."""
    random = np.random.default_rng(seed)
    rows, columns = (np.fft.fftfreq(n) for n in shape[1:])
    disc = (rows[:, None] * 2) ** 2 + columns[None] ** 2 < random.uniform(0.1, 0.2)
    noise = random.standard_normal((2, *shape))
    return (SCALE * (disc * np.exp(2j * rows[:, None]) + 0.1 * (noise[0] + 1j * noise[1]))).astype(np.complex64)


def ellipses(shape: tuple[int, int, int], *, seed: tuple[int, ...]) -> NDArray[np.float32]:
    """Give images (slices, size, size) of an ellipse with a hole, with values from 0 to 0.3."""
    random = np.random.default_rng(seed)
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape[1:]), indexing="ij")
    images = []
    for height, width, value in random.uniform((0.5, 0.5, 0.2), (0.8, 0.8, 0.3), (shape[0], 3)):
        radius = (y / height) ** 2 + (x / width) ** 2
        images.append(np.where(radius < 1, np.where(radius < 0.2, value / 2, value), 0))
    return np.stack(images).astype(np.float32)


def centred_fft2(images: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Transform images in FFT order into k-space with the zero frequency in the middle; NumPy's, orthonormal."""
    return np.fft.fftshift(np.fft.fft2(images, norm="ortho"), (-2, -1)).astype(np.complex64)


def middle(images: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Give the middle of images (..., H, W), starting at index (n - size) // 2."""
    top, left = ((n - part) // 2 for n, part in zip(images.shape[-2:], size, strict=True))
    return images[..., top : top + size[0], left : left + size[1]]


def replace_key(path: Path, key: str, values: object) -> Path:
    """Put something else under a file's key, or take the key away with None."""
    with h5py.File(path, "r+") as file:
        if key in file:
            del file[key]
        if values is not None:
            file[key] = values
    return path


def cut(path: Path, *, share: float = 0.5) -> Path:
    """Keep a share of a file's bytes, as an interrupted download does."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path
