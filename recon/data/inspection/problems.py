"""Everything that is wrong with a data set: every file is opened, every slice is read."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from recon.data.images import read_grey
from recon.data.inspection.duplicates import duplicates, equal_files
from recon.data.inspection.kinds import DataFolder, data_folder
from recon.data.inspection.pair_problems import check_pair, folder_notes, pairs_of
from recon.data.inspection.records import FileCheck, Problem
from recon.data.inspection.volume_problems import check_volume
from recon.data.progress import tracked
from recon.errors import DataError


def find_problems(folder: Path) -> list[Problem]:
    """Look through the data set in a folder; a bad file is a problem and does not stop it.

    A folder that is no data set raises an error.
    """
    found = data_folder(folder)
    find = {"fastmri": _in_volumes, "lodopab": _in_pairs, "images": _in_images}[found.kind]
    return [*find(found), *_leftovers(found)]


def _in_volumes(found: DataFolder) -> Iterator[Problem]:
    jobs = [(part, path) for part, files in found.parts.items() for path in files]
    checks = []
    for part, path in tracked(jobs, "checking volumes"):
        check = _checked(path, partial(check_volume, path, part))
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
        check = _checked(path, partial(check_pair, path, last))
        checks.append((part, path, check.fingerprint))
        yield from check.problems
    yield from duplicates(checks)
    yield from folder_notes(found)


def _in_images(found: DataFolder) -> Iterator[Problem]:
    decoded = []
    for path in tracked(found.files, "checking images"):
        check = _checked(path, partial(_check_image, path))
        yield from check.problems
        decoded += [path] if not check.problems else []
    yield from equal_files(decoded)


def _check_image(path: Path) -> FileCheck:
    try:
        read_grey(path)
    except DataError as error:
        raise DataError(str(error).replace(f"cannot read the image {path}", f"{path} cannot be read")) from error
    return FileCheck(())


def _checked(path: Path, check: Callable[[], FileCheck]) -> FileCheck:
    """Check a file; whatever keeps it from being checked is its problem."""
    try:
        return check()
    except DataError as error:
        return FileCheck((_problem(path, str(error)),))
    except Exception as error:  # broken bytes make HDF5 fail in many ways
        words = f"cannot be checked: it may be corrupt ({type(error).__name__}: {error}); copy or download it again"
        return FileCheck((Problem(str(path), words),))


def _problem(path: Path, words: str) -> Problem:
    """Make a problem out of an error's words, which name first the file it is about: of a pair it may be the other."""
    partner = path.with_name(path.name.replace("ground_truth", "observation"))
    for blamed in (path, partner):
        for beginning in (f"{blamed}: ", f"{blamed} "):
            if words.startswith(beginning):
                return Problem(str(blamed), words.removeprefix(beginning))
    return Problem(str(path), words)


def _leftovers(found: DataFolder) -> Iterator[Problem]:
    for folder in sorted({found.path, *(path.parent for path in found.files)}):
        for path in sorted(folder.glob("*.partial")):
            yield Problem(
                str(path), "is left over from an interruption; remove it unless it is being written", note=True
            )
