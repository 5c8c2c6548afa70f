"""What is wrong with labelled images: every file is read, and every label looked at."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from recon.data.inspection.checking import checked, problem_of
from recon.data.inspection.duplicates import equal_files
from recon.data.inspection.kinds import DataFolder
from recon.data.inspection.labelled_folders import opened_cifar10, opened_voc
from recon.data.inspection.labelled_parts import LISTS
from recon.data.inspection.records import FileCheck, Problem
from recon.data.labels.cifar_files import TEST, TRAIN, CIFARFolder
from recon.data.labels.class_folders import PARTS, read_class_folders
from recon.data.labels.pictures import read_mask, read_picture
from recon.data.labels.samples import IGNORED
from recon.data.labels.voc_files import voc_part
from recon.data.progress import tracked
from recon.errors import DataError


def problems_in_cifar10(found: DataFolder) -> Iterator[Problem]:
    """Read all six batches, and say which are not there, or not as they must be."""
    folder, wrong = opened_cifar10(found)
    meta = folder.path / ("batches.meta.txt" if folder.ending else "batches.meta")
    yield from (problem_of(words, meta) for words in wrong)
    if not meta.is_file():
        yield Problem(str(meta), "is not there: the classes get CIFAR-10's names", note=True)
    for name in tracked((*TRAIN, *TEST), "checking batches"):
        path = folder.file(name)
        yield from checked(path, partial(_check_batch, folder, name)).problems


def problems_in_imagenet(found: DataFolder) -> Iterator[Problem]:
    """Read all images, and say where the class folders of the two parts do not fit each other."""
    said = []
    for part in PARTS:
        if not (found.path / part).is_dir():
            yield Problem(str(found.path / part), "is not there: there is nothing of this part", note=True)
            continue
        try:
            read_class_folders(found.path, part)
        except DataError as error:
            said.append(str(error))
    yield from (problem_of(words, found.path) for words in dict.fromkeys(said))
    decoded = []
    for path in tracked(found.files, "checking images"):
        check = checked(path, partial(_check_picture, path))
        yield from check.problems
        decoded += [path] if not check.problems else []
    yield from equal_files(decoded)


def problems_in_voc(found: DataFolder) -> Iterator[Problem]:
    """Read all pictures that the lists name and their masks, and say which names are in both lists."""
    folder, wrong = opened_voc(found)
    yield from (problem_of(words, found.path) for words in wrong)
    for part in ("train", "val"):
        path = folder.path / LISTS / f"{part}.txt"
        yield from checked(path, partial(_check_list, found, part)).problems
    jobs = [pair for files in found.parts.values() for pair in zip(files[::2], files[1::2], strict=True)]
    for picture, mask in tracked(dict.fromkeys(jobs), "checking pictures and masks"):
        yield from _in_pair(picture, mask, len(folder.classes))
    yield from _in_both_lists(found)


def _check_batch(folder: CIFARFolder, name: str) -> FileCheck:
    folder.read(name)
    return FileCheck(())


def _check_picture(path: Path) -> FileCheck:
    read_picture(path)
    return FileCheck(())


def _check_list(found: DataFolder, part: str) -> FileCheck:
    voc_part(opened_voc(found)[0], part)
    return FileCheck(())


def _in_pair(picture: Path, mask: Path, classes: int) -> Iterator[Problem]:
    """Check a picture and its mask, each of which may be missing or broken."""
    missing = [path for path in (picture, mask) if not path.is_file()]
    yield from (
        Problem(str(path), "must be there, since a list names it; unpack the archive again") for path in missing
    )
    if picture not in missing:
        yield from checked(picture, partial(_check_picture, picture)).problems
    if mask not in missing:
        yield from checked(mask, partial(_check_mask, mask, picture, classes)).problems


def _check_mask(path: Path, picture: Path, classes: int) -> FileCheck:
    mask = read_mask(path)
    problems = []
    if wrong := _not_labels(np.unique(np.asarray(mask)).tolist(), classes):
        words = f"must have labels from 0 to {classes - 1}, or {IGNORED} where none is judged, got {wrong}"
        problems.append(Problem(str(path), f"{words}; unpack it again"))
    size = _size_of(picture)
    if size is not None and size != mask.size:
        words = f"must be of its picture's size, {size[1]} x {size[0]}, got {mask.height} x {mask.width}"
        problems.append(Problem(str(path), f"{words}; unpack both again"))
    return FileCheck(tuple(problems))


def _not_labels(labels: Sequence[int], classes: int) -> str:
    return ", ".join(str(label) for label in labels if classes <= label != IGNORED)


def _size_of(picture: Path) -> tuple[int, int] | None:
    """Give the columns and rows of a picture as it is stored, as its mask is; None if it cannot be read."""
    try:
        return read_picture(picture, upright=False).size
    except DataError:
        return None


def _in_both_lists(found: DataFolder) -> Iterator[Problem]:
    held_out = set(found.parts.get("val", ())[::2])
    for part, files in found.parts.items():
        both = [path for path in files[::2] if path in held_out] if part != "val" else []
        if both:
            words = f"is leakage: it is in the list of {part} and in that of val; take it out of one of them"
            yield from (Problem(str(path), words) for path in both)
