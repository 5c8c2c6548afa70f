"""`recon export`: write a trained network as a file that runs without recon, checked before it gets its name."""

import argparse
from pathlib import Path

from recon.cli.text import Subparsers
from recon.errors import ConfigError

_EPILOG = """formats (several with commas, or --format again); VARIANT is the network's, such as aps-tri-3:
  onnx          VARIANT.onnx: for ONNX Runtime and everything that reads ONNX
  pt2           VARIANT.pt2: a program of torch.export, for torch alone
  torchscript   VARIANT.ts: for torch alone, C++ included
  bundle        VARIANT-bundle: a MONAI bundle, with configurations, documentation and weights

examples:
  recon export runs/mri-aps-seed0 --format onnx --out exported
  recon export runs/mri-aps-seed0 --format onnx --precision float16 --out exported
  recon export runs/mri-aps-seed0/checkpoints/last.safetensors --format pt2,torchscript --scaling outside --out exported

By default intensities go in and come out, as a scanner has them: any for MRI, HU for CT. Any number of images is taken,
of any height and width that are multiples of the network's total stride. Each file is opened in its own runtime and
compared with the checkpoint before it gets its name: on several sizes and batches, on shifts that choose every phase,
on blank and periodic images; and its own equivariance is measured. What was found lies beside it (VARIANT.onnx.json).
Exact samplings must be exact there, bit for bit. A file that fails a check is not written. For research use only."""


def add_command(commands: Subparsers) -> None:
    """Add the command's parser."""
    about = "write a trained network as ONNX, a torch program, TorchScript or a MONAI bundle, checked first"
    parser = commands.add_parser(
        "export",
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="RUN", help="a run's folder, or a network's .safetensors")
    parser.add_argument(
        "--format", action="append", required=True, metavar="NAME[,NAME...]", help="onnx, pt2, torchscript, bundle"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="the folder of the files")
    parser.add_argument(
        "--scaling",
        choices=("inside", "outside"),
        default="inside",
        help="inside (default): the file takes intensities, scales them as in training, and scales its result back; "
        "outside: it takes and gives scaled images",
    )
    parser.add_argument(
        "--precision",
        choices=("float32", "float16"),
        default="float32",
        help="what an ONNX file computes in; it takes and gives float32 (default: float32)",
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    parser.add_argument("--checkpoint", choices=("best", "last"), default="best", help="of a run (default: best)")
    parser.add_argument("--modality", choices=("mri", "ct"), help="for networks that do not say what they are for")
    parser.add_argument(
        "--factory",
        metavar="MODULE:FUNCTION",
        help="what builds a network of your own, for files of such networks; its code is run",
    )
    parser.add_argument("--opset", type=int, default=20, metavar="N", help="of ONNX's operators (default: 20)")
    parser.add_argument("--no-timing", action="store_true", help="leave time and memory out")
    parser.add_argument(
        "--size",
        metavar="HxW",
        help="of the image whose time is taken (default: the crop of the training data, or 320x320)",
    )
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="by which the time is taken (default: 1)")
    parser.set_defaults(run=export)


def export(options: argparse.Namespace) -> int:
    """Export, and print what was found."""
    from recon.cli.exporting import export_model
    from recon.clinical.export.wishes import Wishes
    from recon.clinical.models import Opening
    from recon.clinical.room import require_room
    from recon.evaluation.loading import Place

    names = [name.strip() for words in options.format for name in words.split(",") if name.strip()]
    wishes = Wishes(
        out=options.out,
        formats=tuple(dict.fromkeys(names)),
        scaling=options.scaling,
        precision=options.precision,
        force=options.force,
        opset=options.opset,
        size=_size(options.size),
        threads=options.threads,
        timing=not options.no_timing,
    )
    require_room(options.out)
    opening = Opening(Place(checkpoint=options.checkpoint), modality=options.modality, factory=options.factory)
    return export_model(options.model, opening, wishes)


def _size(text: str | None) -> tuple[int, int] | None:
    """Read a size."""
    if text is None:
        return None
    words = text.lower().replace(",", "x").split("x")
    if len(words) != 2 or not all(word.strip().isdecimal() for word in words):
        raise ConfigError(f"--size must be a height and a width such as 320x320, got {text!r}")
    return int(words[0]), int(words[1])
