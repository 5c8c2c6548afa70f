"""Synthetic sets of volumes: knees in fastMRI's files, chests or ellipses in LoDoPaB's."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from math import ceil
from pathlib import Path
from typing import Literal, get_args

from recon.data.lodopab import PARTS, SAMPLES_PER_FILE
from recon.data.synthetic import ct, mri
from recon.data.synthetic.jobs import Job
from recon.errors import require_at_least, require_known
from recon.files import written_whole
from recon.records import Word

SLICES = {"mri": 32, "ct": 24}  # of each volume, unless chosen
SIZES = {"mri": 320, "ct": 362}  # as the real data have
_SMALLEST = 32
_VERSION = 1  # of what is drawn: another one gives other images for the same seed

Modality = Literal["mri", "ct"]


@dataclass(frozen=True, slots=True)
class SyntheticSet:
    """What is made: the modality, how many volumes (patients) of how many slices, their size, the seed, the scene."""

    modality: Modality
    volumes: int
    size: int
    slices: int
    seed: int = 0
    scene: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        require_known(self.modality, get_args(Modality), name="modality")
        require_at_least(self.volumes, 1, name="volumes")
        require_at_least(self.size, _SMALLEST, name="size")
        require_at_least(self.slices, 1, name="slices")
        require_at_least(self.seed, 0, name="seed")
        scenes = ("knee",) if self.modality == "mri" else get_args(ct.Scene)
        object.__setattr__(self, "scene", require_known(self.scene or scenes[0], scenes, name="scene"))

    @property
    def parts(self) -> dict[str, range]:
        """Share the volumes out: about 70 % for training, 15 % each for validation and test, one each if it goes."""
        held_out = max(round(0.15 * self.volumes), 1)
        test = held_out if self.volumes >= 3 else 0
        validation = held_out if self.volumes >= 2 else 0
        train = self.volumes - validation - test
        return {
            "train": range(train),
            "validation": range(train, train + validation),
            "test": range(train + validation, self.volumes),
        }

    @property
    def name(self) -> str:
        """A short name for its folder."""
        return f"{self.modality}-{self.volumes}x{self.slices}x{self.size}-seed{self.seed}"

    @property
    def about(self) -> Mapping[str, Word]:
        """What its manifest says."""
        return {"version": _VERSION, **asdict(self)}

    def jobs(self, folder: Path) -> dict[Path, Job]:
        """Give what is to be done for each file (of CT: for each pair, by the one that is written last)."""
        return _mri_jobs(self, folder) if self.modality == "mri" else _ct_jobs(self, folder)


def _mri_jobs(chosen: SyntheticSet, folder: Path) -> dict[Path, Job]:
    jobs: dict[Path, Job] = {}
    for part, volumes in chosen.parts.items():
        short = "val" if part == "validation" else part
        for place, volume in enumerate(volumes):
            path = folder / f"singlecoil_{short}" / f"file{1000000 + volume}.h5"
            scan = mri.Scan(chosen.size, chosen.slices, ("PD", "PDFS")[place % 2])
            jobs[path] = partial(mri.write_volume, path, scan, seed=(chosen.seed, volume), test=part == "test")
    return jobs


def _ct_jobs(chosen: SyntheticSet, folder: Path) -> dict[Path, Job]:
    jobs: dict[Path, Job] = {}
    scan = ct.Scan(chosen.scene, chosen.size, chosen.slices)  # type: ignore[arg-type]  # checked in __post_init__
    for part in PARTS:
        patients = chosen.parts[part]
        count = len(patients) * chosen.slices
        for number in range(ceil(count / SAMPLES_PER_FILE)):
            slices = range(number * SAMPLES_PER_FILE, min((number + 1) * SAMPLES_PER_FILE, count))
            path = folder / f"observation_{part}_{number:03d}.hdf5"
            jobs[path] = partial(ct.write_pair, folder, part, number, slices, scan, patients=patients, seed=chosen.seed)
        if chosen.scene == "chest" and count:
            path = folder / f"patient_ids_rand_{part}.csv"
            jobs[path] = partial(_write_patients, path, patients, chosen.slices)
    return jobs


def _write_patients(path: Path, patients: range, slices: int) -> None:
    with written_whole(path) as partial_path:
        partial_path.write_text("".join(f"{patient}\n" for patient in patients for _ in range(slices)))
