"""`recon reconstruct`: run a trained network over files and folders of what scanners and archives keep."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recon.cli.opening import add_opening, opening_of
from recon.cli.text import Subparsers, counted, grouped
from recon.errors import ConfigError, DataError

if TYPE_CHECKING:
    from recon.clinical.formats import Found
    from recon.clinical.models import ClinicalModel
    from recon.clinical.reconstruct import Outcome

_FORMATS = ("fastmri", "lodopab", "mrd", "dicom", "nifti", "npy")
_SHOWN = 5  # names of files that are listed
_FAILED, _MISTAKE, _INTERRUPTED = 1, 2, 130

_EPILOG = """what MODEL can be:
  runs/mri-aps-seed0            a run of `recon train` (its best checkpoint)
  network.safetensors           a network's file
  model.onnx, model.pt2         what `recon export` wrote, or the folder of a bundle

what INPUT can be, and what is written:
  fastMRI, single coil (.h5)    k-space; an .h5 file with `reconstruction`, as fastMRI's evaluation reads it
  LoDoPaB-CT (.hdf5)            observations; `data`, in the same unit as the ground truths
  MRD (.h5, .mrd)               raw data; images
  DICOM                         series of CT (HU) or MR; a folder with a new series
  NIfTI (.nii, .nii.gz)         CT in HU, or MR magnitudes; the same grid and header in float32
  NumPy (.npy)                  (H, W), (N, H, W) or (N, 1, H, W), likewise; the same shape in float32

examples:
  recon reconstruct runs/mri-aps-seed0 data/knees/singlecoil_test -o results
  recon reconstruct runs/mri-aps-seed0 knee.nii.gz -o knee-aps.nii.gz
  recon reconstruct model.onnx series1 series2 -o results --pad reflect

Folders are searched through, and results lie as their inputs do. A command that was stopped goes on with --resume.
For research use only: not for diagnosis or treatment."""


def add_command(commands: Subparsers) -> None:
    """Add the command's parser."""
    about = "reconstruct files and folders: fastMRI, LoDoPaB-CT, MRD, DICOM, NIfTI, NumPy"
    parser = commands.add_parser(
        "reconstruct",
        help=about,
        description="Reconstruct volumes with a trained network, and write each in its own format. Research use only.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="what reconstructs; see below")
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="files and folders; see below")
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="OUT", help="a folder, or a file where INPUT is one file"
    )
    there = parser.add_mutually_exclusive_group()
    there.add_argument("--force", action="store_true", help="overwrite results that are there")
    there.add_argument("--resume", action="store_true", help="keep results that are there, and do the others")
    parser.add_argument("--format", choices=_FORMATS, help="read this format alone (default: each file tells its own)")
    parser.add_argument(
        "--undersample",
        action="store_true",
        help="fastMRI: take columns away from k-space that has no mask, as the model's training did",
    )
    parser.add_argument(
        "--slice-axis",
        type=int,
        choices=(0, 1, 2),
        metavar="AXIS",
        help="NIfTI: the axis that counts slices, 0 to 2 (default: what the header says, else 2)",
    )
    add_opening(parser, modality="what the data are, where neither their files nor the model say it")
    parser.set_defaults(run=reconstruct_volumes)


def reconstruct_volumes(options: argparse.Namespace) -> int:
    """Find the volumes, reconstruct them, and say what was done."""
    from recon.clinical.formats import find_all
    from recon.clinical.formats.files import Reading
    from recon.clinical.models import open_model
    from recon.clinical.nearby import require_model
    from recon.clinical.planning import planned
    from recon.clinical.reconstruct import run
    from recon.clinical.room import require_room
    from recon.data.progress import Counter

    opening = opening_of(options)
    _require_order(options.model, options.inputs)
    _require_inputs(options.inputs, options.out)
    require_room(options.out, or_file=True)
    require_model(Path(options.model))
    found = find_all(options.inputs, options.format, leave_out=options.out)
    model = open_model(options.model, opening)
    plan = planned(
        found.sources,
        model,
        options.out,
        inputs=options.inputs,
        force=options.force,
        resume=options.resume,
        reading=Reading(undersample=options.undersample, slice_axis=options.slice_axis),
        modality=options.modality,
    )
    _tell_found(found)
    with Counter("reconstructing", plan.slices, unit="slice" if plan.slices == 1 else "slices") as counter:
        outcome = run(plan, model, on_slice=counter.advance)
    outcome.failed += [(str(path), reason) for path, reason in found.broken]
    return _told(outcome, model, options.out, planned_slices=plan.slices)


def _require_order(model: str, inputs: Sequence[Path]) -> None:
    """Refuse a model among the inputs."""
    from recon.clinical.nearby import is_model

    found = [path for path in inputs if is_model(path)]
    if found and not is_model(Path(model)):
        raise ConfigError(f"MODEL must come before INPUT, got {model} before {found[0]}; swap them")


def _require_inputs(inputs: Sequence[Path], out: Path) -> None:
    """Refuse inputs that are not there, and results in the place of one."""
    from recon.clinical.nearby import hint_for_missing
    from recon.files import holds

    for path in inputs:
        if not holds(path.exists):
            raise DataError(f"{path} must be a file or a folder, {hint_for_missing(path)}")
        if path.is_dir() and path.resolve() == out.resolve():
            raise ConfigError(f"--out must be another folder than INPUT, got {out} for both")


def _tell_found(found: "Found") -> None:
    """Say which files were no volumes."""
    reasons: dict[str, list[Path]] = {}
    for path, reason in found.left_out:
        reasons.setdefault(reason, []).append(path)
    for reason, paths in {**reasons, "of no format that is read": found.unknown}.items():
        if paths:
            names = ", ".join(path.name for path in paths[:_SHOWN]) + (", ..." if len(paths) > _SHOWN else "")
            print(f"left out: {counted(len(paths), 'file')} ({names}): {reason}", file=sys.stderr)


def _told(outcome: "Outcome", model: "ClinicalModel", out: Path, *, planned_slices: int) -> int:
    """Say what was done, and give the exit status."""
    from recon.clinical.words import RESEARCH_ONLY

    some = bool(outcome.done or outcome.kept)
    failed = [reason if name in reason else f"{name}: {reason}" for name, reason in outcome.failed]
    if len(failed) == 1 and not (some or outcome.interrupted or outcome.untried):
        raise DataError(failed[0])
    for note, count in outcome.notes.items():
        print(f"{counted(count, 'volume')}: {note}", file=sys.stderr)
    for reason in failed:
        print(f"failed: {' '.join(reason.split())}", file=sys.stderr)
    if outcome.untried:
        print(f"not tried: {counted(outcome.untried, 'volume')}; --resume goes on with them", file=sys.stderr)
    if outcome.kept:
        print(f"kept: {counted(len(outcome.kept), 'volume')} that {'was' if len(outcome.kept) == 1 else 'were'} there")
    if outcome.done:
        slices, seconds = sum(done.slices for done in outcome.done), sum(done.seconds for done in outcome.done)
        volumes = len(outcome.done) + len(failed) + outcome.untried
        print(
            f"{_of(len(outcome.done), volumes, 'volume')}, {_of(slices, planned_slices, 'slice')} in {out}, "
            f"{seconds / slices:.3f} s a slice, by {model.name} (weights {model.identity.weights[:12]}, "
            f"{model.runtime})"
        )
        print(RESEARCH_ONLY)
    if outcome.interrupted:
        print("stopped; what was finished is kept", file=sys.stderr)
        return _INTERRUPTED
    if outcome.failed:
        return _FAILED if some else _MISTAKE
    return 0


def _of(count: int, whole: int, noun: str) -> str:
    return counted(whole, noun) if count == whole else f"{grouped(count)} of {counted(whole, noun)}"
