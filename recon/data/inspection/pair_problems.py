"""What is wrong with LoDoPaB's files: every slice is read, and each observation compared with its ground truth."""

import math
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recon.data.inspection.kinds import DataFolder
from recon.data.inspection.records import FileCheck, Problem
from recon.data.inspection.slice_problems import SliceProblems
from recon.data.lodopab import KEY, MIN_PHOTONS, MU_MAX, PHOTONS, SAMPLES_PER_FILE, PairFile, patients, read_pair
from recon.errors import DataError
from recon.ops.beam_geometry import ParallelBeam

LARGEST = math.log(PHOTONS / MIN_PHOTONS) / MU_MAX  # of an observation: not one photon counted
MOST_DIFFERENCE = 0.25  # relative, of the mass that an image has and that its observation sees
_NAME = re.compile(r"(ground_truth|observation)_(train|validation|test)_(\d{3})\.hdf5")


def check_pair(truth: Path, last: bool) -> FileCheck:
    """Look through a pair of files; raises an error if they cannot be read at all."""
    pair = read_pair(truth)
    slices = SliceProblems()
    digest = sha256()
    blank = True
    for index in range(pair.n_slices):
        image = slices.read(pair.truth, KEY, index)
        observation = slices.read(pair.observation, KEY, index)
        if image is not None:
            digest.update(image.tobytes())
            blank = blank and not image.any()
            if not (image.min() >= 0 and image.max() <= 1):
                slices.add(pair.truth, KEY, index, "must lie in [0, 1], in units of MU_MAX = 81.35858 / m")
        if observation is not None and observation.max() > 1.05 * LARGEST:
            words = f"must be at most {LARGEST:.3f}: -ln(photons / {PHOTONS}) divided by MU_MAX = {MU_MAX}"
            slices.add(pair.observation, KEY, index, words)
        elif image is not None and observation is not None and _differ(image, observation, pair.geometry):
            words = "must be the projections of its ground truth, sees a mass that differs by more than 25 %"
            slices.add(pair.observation, KEY, index, words)
    return FileCheck((*_length(pair, last), *slices), "" if blank else digest.hexdigest())


def pairs_of(files: Sequence[Path]) -> tuple[list[Path], list[Problem]]:
    """Give the ground truths that have an observation, and the problems of those files that have no partner."""
    named = {path.name: path for path in files if _NAME.fullmatch(path.name)}
    problems = [
        Problem(str(path), "the name must end in three digits and .hdf5, as in ground_truth_train_000.hdf5")
        for path in files
        if path.name not in named
    ]
    truths = []
    for name, path in named.items():
        own, other = (
            ("ground_truth", "observation") if name.startswith("ground_truth") else ("observation", "ground_truth")
        )
        partner = name.replace(own, other)
        if partner not in named:
            problems.append(Problem(str(path), f"must have its partner {partner} beside it, which is not there"))
        elif own == "ground_truth":
            truths.append(path)
    return truths, problems


def folder_notes(found: DataFolder) -> Iterator[Problem]:
    """Say which files of a part are not there, and what is wrong with the lists of patients."""
    for part, files in found.parts.items():
        numbers = {int(name[3]) for path in files if (name := _NAME.fullmatch(path.name))}
        missing = sorted(set(range(max(numbers, default=0))) - numbers)
        if missing:
            listed = ", ".join(f"{number:03d}" for number in missing[:8]) + (" .." if len(missing) > 8 else "")
            what = f"{len(missing)} numbers of the part {part} are not there ({listed}); a partial download is fine"
            yield Problem(str(found.path), what, note=True)
        try:
            patients(found.path, part)  # type: ignore[arg-type]  # the parts of a DataFolder are its words
        except DataError as error:
            yield Problem(str(found.path / f"patient_ids_rand_{part}.csv"), str(error))


def _length(pair: PairFile, last: bool) -> Iterator[Problem]:
    if pair.n_slices > SAMPLES_PER_FILE or (pair.n_slices < SAMPLES_PER_FILE and not last):
        what = f"must have {SAMPLES_PER_FILE} slices (the last file of a part may have fewer), got {pair.n_slices}"
        yield Problem(str(pair.truth), what, KEY)


def _differ(image: NDArray[np.generic], observation: NDArray[np.generic], geometry: ParallelBeam) -> bool:
    """Tell whether an observation is of another image: at every angle the line integrals add up to the image's mass."""
    height, width = geometry.pixel_pitch
    mass = float(image.sum(dtype=np.float64)) * height * width
    seen = float(observation.sum(dtype=np.float64)) * geometry.detector_pitch / geometry.n_angles
    return abs(seen - mass) > MOST_DIFFERENCE * max(mass, seen)
