"""A whole synthetic data set in a folder: made once, byte for byte the same, and gone on with after an interruption."""

import json
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from math import ceil
from multiprocessing import get_context
from pathlib import Path
from typing import Literal, get_args

import torch
from threadpoolctl import threadpool_limits

from recon.data.lodopab import PARTS, SAMPLES_PER_FILE
from recon.data.progress import tracked
from recon.data.synthetic import ct, mri
from recon.errors import DataError, require_at_least, require_known
from recon.files import written_whole

MANIFEST = "synthetic.json"
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


def make(chosen: SyntheticSet, folder: Path, *, workers: int = 1) -> int:
    """Write the data set into a folder, and count the files that were written; those already there are kept.

    A folder with another data set is refused. `workers` processes share the work; the files do not depend on them.
    """
    require_at_least(workers, 1, name="workers")
    _claim(chosen, folder)
    jobs = {path: job for path, job in _jobs(chosen, folder).items() if not path.exists()}
    if jobs:
        for _ in tracked(_running(list(jobs.values()), workers), f"making {chosen.modality} data", total=len(jobs)):
            pass
    return len(jobs)


def is_whole(chosen: SyntheticSet, folder: Path) -> bool:
    """Tell whether the folder holds all of this data set."""
    return _manifest(folder) == _described(chosen) and all(path.exists() for path in _jobs(chosen, folder))


def _claim(chosen: SyntheticSet, folder: Path) -> None:
    found = _manifest(folder)
    if found is None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DataError(f"{folder} must be a new or an empty folder, got one with other contents; choose another")
        with written_whole(folder / MANIFEST) as path:
            path.write_text(json.dumps(_described(chosen), indent=2) + "\n")
    elif found != _described(chosen):
        wanted, there = _described(chosen), found
        differ = ", ".join(f"{key} {there.get(key)!r}" for key in wanted if there.get(key) != wanted[key])
        raise DataError(
            f"{folder} must be a new folder or hold the same data set, got one with {differ}; choose another"
        )


def _manifest(folder: Path) -> dict[str, object] | None:
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}; remove the folder, or choose another") from error
    return found if isinstance(found, dict) else {}


def _described(chosen: SyntheticSet) -> dict[str, object]:
    return {"synthetic": True, "version": _VERSION, **asdict(chosen)}


def _jobs(chosen: SyntheticSet, folder: Path) -> dict[Path, Callable[[], None]]:
    """Give what is to be done for each file (of CT: for each pair, by the one that is written last)."""
    return _mri_jobs(chosen, folder) if chosen.modality == "mri" else _ct_jobs(chosen, folder)


def _mri_jobs(chosen: SyntheticSet, folder: Path) -> dict[Path, Callable[[], None]]:
    jobs: dict[Path, Callable[[], None]] = {}
    for part, volumes in chosen.parts.items():
        short = "val" if part == "validation" else part
        for place, volume in enumerate(volumes):
            path = folder / f"singlecoil_{short}" / f"file{1000000 + volume}.h5"
            scan = mri.Scan(chosen.size, chosen.slices, ("PD", "PDFS")[place % 2])
            jobs[path] = partial(mri.write_volume, path, scan, seed=(chosen.seed, volume), test=part == "test")
    return jobs


def _ct_jobs(chosen: SyntheticSet, folder: Path) -> dict[Path, Callable[[], None]]:
    jobs: dict[Path, Callable[[], None]] = {}
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


def _alone(job: Callable[[], None]) -> None:
    """Do a job in one thread: many small products are done, for which several threads wait longer than they work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            job()
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # where signals do not come
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _running(jobs: Sequence[Callable[[], None]], workers: int) -> Iterator[None]:
    """Do the jobs, here or in processes, and give a sign after each."""
    if workers == 1 or len(jobs) == 1:
        for job in jobs:
            _alone(job)
            yield
        return
    with ProcessPoolExecutor(min(workers, len(jobs)), get_context("spawn")) as pool:
        with _interrupts_ignored():  # which the workers inherit: this process stops them
            submitted = [pool.submit(_alone, job) for job in jobs]
        try:
            for done in as_completed(submitted):
                done.result()
                yield
        except BaseException:
            pool.shutdown(cancel_futures=True)  # after Ctrl-C, what has not begun is not begun
            raise
