"""`recon evaluate`: measure networks under shifts, and everything beside it."""

import argparse
import shlex
import sys
from pathlib import Path

from recon.cli.text import Subparsers, counted

_EPILOG = """what can be evaluated ([NAME=] before it gives it another name in the tables):
  runs/mri-aps-seed0            a run of `recon train` (its best checkpoint)
  network.safetensors           a network's file
  network.onnx, network.pt2     an ONNX file (needs onnxruntime), a program of torch.export
  package.module:function       any function from images (B, C, H, W) to images, or to the logits of their labels;
                                module:factory() for a network
  zero-filling, fbp, identity   what leaves its input as it is

what is measured (--protocol; without it, all that the data have):
  mri, ct                  quality, equivariance, worst, ood, hard, subpixel, border, physics, stability, layers, cost
  cifar10, imagenet, voc   accuracy, consistency (circular shifts), crops, adversary (every shift), cost

examples:
  recon evaluate runs/mri-plain-seed0 runs/mri-aps-seed0 zero-filling --out runs/evaluation
  recon evaluate runs/mri-aps-seed0 --protocol worst,hard --limit 16 --out runs/worst
  recon evaluate runs/cifar10-plain-seed0 runs/cifar10-mass-seed0 --out runs/labels
  recon evaluate "torchvision.models:resnet18()" --modality imagenet --data imagenet --out runs/torchvision
  recon report runs/evaluation --out report.html

An evaluation that was stopped goes on with the same command; the same command started several times shares the work."""


def add_command(commands: Subparsers) -> None:
    """Add the command's parser."""
    about = "measure networks: quality or accuracy, equivariance, the worst shift, and more"
    parser = commands.add_parser(
        "evaluate",
        help=about,
        description="Measure networks on the test data, and write records.jsonl and records.csv.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("specs", nargs="+", metavar="[NAME=]NETWORK", help="what to evaluate; see below")
    parser.add_argument("--out", type=Path, required=True, help="folder for the records")
    parser.add_argument(
        "--protocol",
        action="append",
        metavar="NAME[,NAME...]",
        help="what to measure (default: everything that the data have); see below",
    )
    parser.add_argument(
        "--data", type=Path, help="folder of the test data (default: that of the training, or the embedded data)"
    )
    parser.add_argument(
        "--modality",
        choices=("mri", "ct", "cifar10", "imagenet", "voc"),
        help="for networks that do not say what they are for",
    )
    parser.add_argument(
        "--factory",
        metavar="MODULE:FUNCTION",
        help="what builds a network of your own, for files of such networks; its code is run",
    )
    parser.add_argument(
        "--ood",
        type=Path,
        help="ood: folder of images out of the training distribution (default: embedded photographs)",
    )
    parser.add_argument(
        "--other",
        type=Path,
        metavar="DIR",
        help="ood: a folder of data of the other modality (default: the embedded data)",
    )
    parser.add_argument(
        "--limit",
        type=int,
        metavar="N",
        help="at most N slices or images in each protocol, each still under all shifts (default: all; for adversary "
        "500 images of 32 x 32, fewer of larger ones)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of shifts and noise (default: 0)")
    shifts = parser.add_mutually_exclusive_group()
    shifts.add_argument("--every-shift", action="store_true", help="worst, adversary: try each of the H x W shifts")
    shifts.add_argument("--ten-shifts", action="store_true", help="worst: try the paper's ten random shifts alone")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, or auto (default): a GPU if there is one")
    parser.add_argument(
        "--precision", choices=("float32", "bfloat16", "float16"), default="float32", help="by autocast"
    )
    parser.add_argument("--batch-size", type=int, default=8, metavar="N", help="images at once (default: 8)")
    parser.add_argument("--checkpoint", choices=("best", "last"), default="best", help="of a run (default: best)")
    parser.set_defaults(run=evaluate_networks)


def evaluate_networks(options: argparse.Namespace) -> int:
    """Evaluate, and say where the records are."""
    from recon.evaluation.loading import Place
    from recon.evaluation.session import Wishes, chosen_device, run

    names = [name for words in options.protocol or [] for name in words.split(",") if name]
    wishes = Wishes(
        specs=options.specs,
        out=options.out,
        protocols=tuple(dict.fromkeys(names)),
        data=options.data,
        modality=options.modality,
        ood=options.ood,
        other=options.other,
        limit=options.limit,
        seed=options.seed,
        every_shift=options.every_shift,
        ten_shifts=options.ten_shifts,
        factory=options.factory,
        place=Place(chosen_device(options.device), options.precision, options.batch_size, options.checkpoint),
    )
    try:
        outcome = run(wishes)
    except KeyboardInterrupt:
        print(f"\nstopped; what was measured is kept in {options.out}, go on with the same command", file=sys.stderr)
        return 130
    for (name, protocol), reason in outcome.left_out.items():
        print(f"left out: {protocol} of {name}: {reason}", file=sys.stderr)
    print(f"{counted(len(outcome.records), 'record')} in {options.out / 'records.jsonl'} and records.csv")
    command = shlex.join(["recon", "report", str(options.out), "--out", str(options.out / "report.html")])
    print(f"a report of them: {command}")
    return 0
