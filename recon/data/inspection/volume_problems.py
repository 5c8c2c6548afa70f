"""What is wrong with a fastMRI volume: every slice is read, and compared with what the file says of itself."""

import math
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from recon.data.hdf5 import open_hdf5
from recon.data.inspection.records import FileCheck, Problem
from recon.data.inspection.slice_problems import SliceProblems
from recon.data.volumes import ACQUISITIONS, Volume, read_volume
from recon.ops.fourier import centred_ifft
from recon.ops.intensity import centre_crop

TARGET = "reconstruction_esc"
MOST_DIFFERENCE = 0.05  # relative, of a target and its k-space's image: real ones agree to rounding
MOST_ROUNDING = 1e-3  # relative, of the attributes max and norm


def check_volume(path: Path, part: str) -> FileCheck:
    """Look through a volume; raises an error if it cannot be read at all."""
    volume = read_volume(path)
    file = open_hdf5(path)
    slices = SliceProblems()
    digest = sha256()
    largest, energy, blank = 0.0, 0.0, True
    for index in range(volume.n_slices):
        kspace = slices.read(path, "kspace", index)
        target = slices.read(path, TARGET, index) if volume.has_target else None
        if kspace is not None:
            middle = kspace[:, volume.shape[2] // 2]  # which masks keep: a masked copy has the same fingerprint
            digest.update(middle.tobytes())
            blank = blank and not middle.any()
        if target is None:
            largest, energy = (largest, energy) if not volume.has_target else (math.nan, math.nan)
            continue
        largest = max(float(target.max()), largest) if not math.isnan(largest) else largest
        energy += float(np.sum(np.square(target, dtype=np.float64)))
        if target.min() < 0:
            slices.add(path, TARGET, index, "must be a magnitude, got values below 0")
        elif kspace is not None and volume.mask is None and _differ(kspace, target):
            slices.add(path, TARGET, index, "must be the magnitude of its k-space's image, differs by more than 5 %")
    problems = [*_says_of_itself(file, volume, part), *slices, *_extremes(file, volume, largest, math.sqrt(energy))]
    return FileCheck(tuple(problems), "" if blank else digest.hexdigest())


def _differ(kspace: NDArray[np.generic], target: NDArray[np.generic]) -> bool:
    """Tell whether a target is not, even roughly, the middle of the image of its k-space."""
    if any(whole < part for whole, part in zip(kspace.shape, target.shape, strict=True)):
        return False  # fastMRI's few narrow volumes
    image = centre_crop(centred_ifft(torch.from_numpy(kspace)), target.shape).abs().numpy()
    return bool(np.linalg.norm(image - target) > MOST_DIFFERENCE * max(np.linalg.norm(image), np.linalg.norm(target)))


def _says_of_itself(file: h5py.File, volume: Volume, part: str) -> Iterator[Problem]:
    """Check the keys and attributes that tell what the volume is."""
    path = str(volume.path)
    if not volume.has_target and part != "test" and volume.mask is None:
        yield Problem(path, "must be there (the test split alone has none, and has a mask)", TARGET)
    if volume.acquisition not in ACQUISITIONS.values():
        got = repr(volume.acquisition) if volume.acquisition else "none"
        yield Problem(path, f"the attribute acquisition must be one of {', '.join(ACQUISITIONS)}, got {got}")
    if "patient_id" not in file.attrs:
        yield Problem(path, "the attribute patient_id is missing", note=True)
    if "ismrmrd_header" not in file:
        yield Problem(path, "must be there", "ismrmrd_header")
        return
    try:
        ElementTree.fromstring(file["ismrmrd_header"][()])
    except (ElementTree.ParseError, TypeError, ValueError) as error:
        yield Problem(path, f"must be XML: {error}", "ismrmrd_header")


def _extremes(file: h5py.File, volume: Volume, largest: float, norm: float) -> Iterator[Problem]:
    """Compare the attributes max and norm with the target's."""
    if not volume.has_target or math.isnan(largest):
        return
    for name, actual in (("max", largest), ("norm", norm)):
        said = file.attrs.get(name)
        if said is None:
            yield Problem(
                str(volume.path), f"the attribute {name} must be there: {actual:.6g} for these values", TARGET
            )
        elif not math.isclose(float(said), actual, rel_tol=MOST_ROUNDING):
            words = f"the attribute {name} must be that of {TARGET}, {actual:.6g}, got {float(said):.6g}"
            yield Problem(str(volume.path), words)
