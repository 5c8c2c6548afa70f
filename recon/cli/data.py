"""`recon data`: make synthetic data, and look at, check and prepare what is there."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from recon.cli.data_text import description_text, problems_text
from recon.cli.text import Subparsers, counted, size_on_disk
from recon.errors import ConfigError, DataError, require_at_least

if TYPE_CHECKING:
    from recon.data.sets import SetName
    from recon.data.synthetic.make import LabelledSet, SyntheticSet

_VOLUMES = 20
_MEASURED: tuple["SetName", ...] = ("mri", "ct")
_LABELLED: tuple["SetName", ...] = ("cifar10", "imagenet", "voc")
_TITLES = {"cifar10": "CIFAR-10", "imagenet": "ImageNet", "voc": "PASCAL VOC"}
_OF_MEASURED, _OF_LABELLED = ("volumes", "slices", "scene"), ("images",)  # options of the one alone


def add_command(commands: Subparsers) -> None:
    """Add the command's parser, with one for each of its own commands."""
    about = "make, describe, check and prepare data"
    data = commands.add_parser("data", help=about, description=f"{_sentence(about)}.")
    data.set_defaults(run=lambda _: _print_help(data))
    actions = data.add_subparsers(dest="action", metavar="COMMAND", title="commands")
    _add_make(actions)
    _add_info(actions)
    _add_check(actions)
    _add_prepare(actions)


def make_data(options: argparse.Namespace) -> int:
    """Make a synthetic data set."""
    from recon.data.synthetic.make import make

    chosen = _labelled(options) if options.modality in _LABELLED else _measured(options)
    made = make(chosen, options.out, workers=_workers(options.workers))
    print(_made_text(chosen, options.out, made))
    return 0


def print_info(options: argparse.Namespace) -> int:
    """Describe a data set, or the embedded ones; write a contact sheet."""
    from recon.data.inspection.description import describe

    if options.sheet is not None:
        if options.folder is None:
            raise DataError("a contact sheet shows one data set, got no folder; give one of the embedded sets' folders")
        if options.sheet.suffix.lower() != ".png" or options.sheet.is_dir():
            raise DataError(f"the contact sheet must be a file with the ending .png, got {options.sheet}")
    folders = _folders(options.folder, (*_MEASURED, *_LABELLED))
    descriptions = [describe(folder, full=options.full) for folder in folders]
    if options.sheet is not None:
        from recon.data.inspection.sheet import write_sheet

        shown = write_sheet(folders[0], options.sheet)
        noun = "slice" if descriptions[0].kind in ("fastmri", "lodopab") else "image"
        print(f"contact sheet of {counted(shown, noun)}: {options.sheet}", file=sys.stderr)
    if options.json:
        found = [asdict(description) for description in descriptions]
        print(json.dumps(found[0] if options.folder else found, indent=2, ensure_ascii=False))
    else:
        print("\n\n".join(map(description_text, descriptions)))
    return 0


def check_data(options: argparse.Namespace) -> int:
    """List what is wrong with a data set; 1 if anything is."""
    from recon.data.inspection.kinds import data_folder
    from recon.data.inspection.problems import find_problems

    files = len(data_folder(options.folder).files)
    problems = find_problems(options.folder)
    wrong = any(not problem.note for problem in problems)
    if options.json:
        found = {"folder": str(options.folder), "files": files, "problems": [asdict(problem) for problem in problems]}
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print(problems_text(problems, options.folder, files))
    return 1 if wrong else 0


def prepare_data(options: argparse.Namespace) -> int:
    """Make the prepared files of a data set, or of the embedded ones."""
    from recon.data.inspection.kinds import NAMES, data_folder
    from recon.data.preparation import preparation_of, prepare_all
    from recon.data.prepared import cache_folder

    cache = options.cache or cache_folder()
    for folder in _folders(options.folder, _MEASURED, cache=options.cache):
        found = data_folder(folder)
        if found.kind in _LABELLED:
            print(f"{folder}: nothing to prepare: {NAMES[found.kind]} are read as they are")
            continue
        preparation = preparation_of(
            folder,
            filter=options.filter,
            frequency_scaling=options.frequency_scaling,
            device=options.device,
            on_bad_file=options.on_bad_file,
        )
        due = preparation.due(cache)
        if options.dry_run:
            fresh = preparation.count() - due
            needed = size_on_disk(preparation.needed(cache))
            print(f"{folder}: {counted(due, 'file')} to make, {needed} in {cache}; {fresh} fresh")
            skipped = preparation.skipped
        else:
            made, skipped = prepare_all(preparation, cache, on_bad_file=options.on_bad_file)
            fresh, taken = preparation.count() - due, size_on_disk(preparation.bytes(cache))
            print(f"{folder}: made {counted(made, 'file')}, {fresh} fresh before; {taken} in {cache}")
        for reason in skipped:
            print(f"skipped: {reason}", file=sys.stderr)
    return 0


def _folders(given: Path | None, embedded: Sequence["SetName"], *, cache: Path | None = None) -> list[Path]:
    """Give the folder that was given, or those of embedded data sets, which are made if they are not there."""
    if given is not None:
        return [given]
    from recon.data.embedded import ensure_embedded

    folders = [ensure_embedded(name, cache=cache) for name in embedded]
    print(f"no data folder is given: using the embedded synthetic data in {folders[0].parent}", file=sys.stderr)
    return folders


def _measured(options: argparse.Namespace) -> "SyntheticSet":
    """Say which volumes are to be made."""
    from recon.data.synthetic.volumes import SIZES, SLICES, SyntheticSet

    _refuse(options, _OF_LABELLED, _LABELLED)
    return SyntheticSet(
        options.modality,
        volumes=_VOLUMES if options.volumes is None else options.volumes,
        size=SIZES[options.modality] if options.size is None else options.size,
        slices=SLICES[options.modality] if options.slices is None else options.slices,
        seed=options.seed,
        scene=options.scene or "",
    )


def _labelled(options: argparse.Namespace) -> "LabelledSet":
    """Say which labelled pictures are to be made."""
    from recon.data.synthetic.labels import IMAGES, SIDES, LabelledSet

    _refuse(options, _OF_MEASURED, _MEASURED)
    return LabelledSet(
        options.modality,
        images=IMAGES[options.modality] if options.images is None else options.images,
        size=SIDES[options.modality] if options.size is None else options.size,
        seed=options.seed,
    )


def _refuse(options: argparse.Namespace, names: Sequence[str], others: Sequence[str]) -> None:
    """Refuse options that are for other data sets."""
    for name in names:
        if getattr(options, name) is not None:
            raise ConfigError(
                f"--{name} is for {', '.join(others)}, got --{name} {getattr(options, name)} for {options.modality}; "
                f"leave it out"
            )


def _made_text(chosen: "SyntheticSet | LabelledSet", folder: Path, made: int) -> str:
    if chosen.modality == "mri" or chosen.modality == "ct":
        title, noun = chosen.modality.upper(), "volumes" if chosen.modality == "mri" else "patients"
        what = f"{chosen.volumes} {chosen.scene} {noun} of {counted(chosen.slices, 'slice')}"
    else:
        title, what = _TITLES[chosen.modality], counted(chosen.images, "image")
    size = size_on_disk(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))
    done = f"made {counted(made, 'file')}" if made else "all files were there already"
    return (
        f"synthetic {title} data in {folder}: {what} of {chosen.size} x {chosen.size}, seed {chosen.seed}, {size}; "
        f"{done}\nlook at them: recon data info {folder} --sheet sheet.png"
    )


def _workers(given: int | None) -> int:
    if given is not None:
        return require_at_least(given, 1, name="workers")
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _print_help(parser: argparse.ArgumentParser) -> int:
    parser.print_help(sys.stderr)
    return 2


def _add_make(actions: Subparsers) -> None:
    about = "make a synthetic data set in the real ones' format; the same options make the same bytes"
    make = actions.add_parser("make", help=about, description=f"{_sentence(about)}.")
    make.add_argument(
        "modality",
        choices=(*_MEASURED, *_LABELLED),
        help="knees as in fastMRI, chests as in LoDoPaB-CT, or labelled objects in the other sets' files",
    )
    make.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder, or one to be gone on with")
    make.add_argument("--volumes", type=int, metavar="N", help=f"of mri and ct: volumes or patients ({_VOLUMES})")
    make.add_argument("--slices", type=int, metavar="K", help="of each volume (32 for mri, 24 for ct)")
    make.add_argument(
        "--images", type=int, metavar="N", help="of the others (6000 for cifar10, 1500 for imagenet, 400 for voc)"
    )
    make.add_argument(
        "--size",
        type=int,
        metavar="S",
        help="rows and columns (320 for mri, 362 for ct, 112 for imagenet, 128 for voc; 32 for cifar10 always)",
    )
    make.add_argument("--seed", type=int, default=0, metavar="S", help="another seed, other data (%(default)s)")
    make.add_argument("--scene", choices=("chest", "ellipses"), help="what CT shows (chest)")
    make.add_argument("--workers", type=int, metavar="N", help="processes (as many as there are CPUs)")
    make.set_defaults(run=make_data)


def _add_info(actions: Subparsers) -> None:
    about = "say what is in a folder of data"
    info = actions.add_parser(
        "info", help=about, description=f"{_sentence(about)}: parts, sizes, intensities, classes."
    )
    info.add_argument("folder", type=Path, nargs="?", metavar="DIR", help="the folder (the embedded data)")
    info.add_argument("--json", action="store_true", help="print JSON, for programs")
    info.add_argument("--sheet", type=Path, metavar="FILE.png", help="write a contact sheet too")
    info.add_argument("--full", action="store_true", help="look at the intensities of every slice, not of a sample")
    info.set_defaults(run=print_info)


def _add_check(actions: Subparsers) -> None:
    about = "read every file and slice, and list what is wrong"
    check = actions.add_parser("check", help=about, description=f"{_sentence(about)}; status 1 if anything is.")
    check.add_argument("folder", type=Path, metavar="DIR", help="the folder")
    check.add_argument("--json", action="store_true", help="print JSON, for programs")
    check.set_defaults(run=check_data)


def _add_prepare(actions: Subparsers) -> None:
    about = "compute once what training reads often: hybrid k-space of MRI, filtered back-projections of CT"
    prepare = actions.add_parser("prepare", help=about, description=f"{_sentence(about)}.")
    prepare.add_argument("folder", type=Path, nargs="?", metavar="DIR", help="the folder (the embedded data)")
    prepare.add_argument("--cache", type=Path, metavar="DIR", help="where to ($RECON_CACHE, or ~/.cache/recon)")
    prepare.add_argument("--filter", choices=("hann", "ramp"), help="of CT's back-projections (hann)")
    prepare.add_argument(
        "--frequency-scaling", type=float, metavar="F", help="of CT's filter: the share of frequencies that pass (1.0)"
    )
    prepare.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="for CT (%(default)s)")
    prepare.add_argument(
        "--on-bad-file", choices=("error", "skip"), default="error", help="stop, or go on without it (%(default)s)"
    )
    prepare.add_argument("--dry-run", action="store_true", help="say what would be done")
    prepare.set_defaults(run=prepare_data)


def _sentence(about: str) -> str:
    """Begin with a capital letter and leave the others: MRI is MRI."""
    return about[0].upper() + about[1:]
