"""Everything that is wrong with a data set: every file is opened, every slice is read."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from recon.data.images import read_grey
from recon.data.inspection.checking import checked
from recon.data.inspection.duplicates import duplicates, equal_files
from recon.data.inspection.kinds import DataFolder, data_folder
from recon.data.inspection.label_problems import problems_in_cifar10, problems_in_imagenet, problems_in_voc
from recon.data.inspection.pair_problems import check_pair, folder_notes, pairs_of
from recon.data.inspection.records import FileCheck, Problem
from recon.data.inspection.volume_problems import check_volume
from recon.data.progress import tracked


def find_problems(folder: Path) -> list[Problem]:
    """Look through the data set in a folder; a bad file is a problem and does not stop it.

    A folder that is no data set raises an error.
    """
    found = data_folder(folder)
    find: Callable[[DataFolder], Iterator[Problem]] = {
        "fastmri": _in_volumes,
        "lodopab": _in_pairs,
        "cifar10": problems_in_cifar10,
        "imagenet": problems_in_imagenet,
        "voc": problems_in_voc,
        "images": _in_images,
    }[found.kind]
    return [*find(found), *_leftovers(found)]


def _in_volumes(found: DataFolder) -> Iterator[Problem]:
    jobs = [(part, path) for part, files in found.parts.items() for path in files]
    checks = []
    for part, path in tracked(jobs, "checking volumes"):
        check = checked(path, partial(check_volume, path, part))
        checks.append((part, path, check.fingerprint))
        yield from check.problems
    yield from duplicates(checks)


def _in_pairs(found: DataFolder) -> Iterator[Problem]:
    jobs = []
    for part, files in found.parts.items():
        truths, alone = pairs_of(files)
        yield from alone
        jobs += [(part, path, path == truths[-1]) for path in truths]
    checks = []
    for part, path, last in tracked(jobs, "checking pairs of files"):
        observation = path.with_name(path.name.replace("ground_truth", "observation"))
        check = checked(path, partial(check_pair, path, last), others=[observation])
        checks.append((part, path, check.fingerprint))
        yield from check.problems
    yield from duplicates(checks)
    yield from folder_notes(found)


def _in_images(found: DataFolder) -> Iterator[Problem]:
    decoded = []
    for path in tracked(found.files, "checking images"):
        check = checked(path, partial(_check_image, path))
        yield from check.problems
        decoded += [path] if not check.problems else []
    yield from equal_files(decoded)


def _check_image(path: Path) -> FileCheck:
    read_grey(path)
    return FileCheck(())


def _leftovers(found: DataFolder) -> Iterator[Problem]:
    for folder in sorted({found.path, *(path.parent for path in found.files)}):
        for path in sorted(folder.glob("*.partial")):
            yield Problem(
                str(path), "is left over from an interruption; remove it unless it is being written", note=True
            )
