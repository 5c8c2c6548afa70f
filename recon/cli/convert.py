"""`recon convert`: make a network that is there equivariant, and measure it before and after."""

import argparse
from pathlib import Path

from recon.cli.text import Subparsers
from recon.errors import ConfigError

_EPILOG = """what can be converted:
  runs/mri-plain-seed0          a run of `recon train` (its best checkpoint); of a network of your own with --factory
  network.safetensors           a network's file
  unet_state_dict.pt            a checkpoint of fastMRI's U-Net (.pt, .pth, .ckpt), or of another network with
                                --architecture or --factory
  a_monai_bundle                the folder of a MONAI bundle
  package.module:factory        what a function of yours makes when it is called; its code is run

examples:
  recon convert runs/mri-plain-seed0 --method mass --out converted
  recon convert torchvision.models:resnet18 --method mass --example 3,64,64 --out converted
  recon convert my_networks:unet --method aps --blur tri-3 --modality mri --data data/knees --out converted
  recon convert knee_sc_leaderboard_state_dict.pt --method mass --out converted
  recon train --config converted/config.yaml      trains the converted network on, for three epochs

The weights stay as they are. Networks are measured on the data that they were trained on, or on --data; those of your
own on data if --modality says which kind, else on noise, a photograph and a blank image, which says nothing of quality.
A conversion that was stopped is gone on with by the same command."""


def add_command(commands: Subparsers) -> None:
    """Add the command's parser."""
    about = "make a network that is there shift-equivariant, and measure it before and after"
    parser = commands.add_parser(
        "convert",
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("spec", metavar="CHECKPOINT|module:factory", help="what to convert; see below")
    parser.add_argument("--method", default="mass", help="a sampling that `recon samplings` lists (default: mass)")
    parser.add_argument("--blur", help="a blur filter after every operation that samples (default: the method's own)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument(
        "--example", metavar="C,H,W", help="an image's shape, for networks of your own (default: guessed)"
    )
    parser.add_argument(
        "--factory",
        metavar="MODULE:FUNCTION",
        help="what builds the network of your own that a run or file holds; its code is run",
    )
    parser.add_argument(
        "--architecture",
        type=Path,
        metavar="FILE",
        help="JSON or YAML with MONAI's words (network_def) for weights that do not say what network they are of",
    )
    parser.add_argument("--checkpoint", choices=("best", "last"), default="best", help="of a run (default: best)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="data to measure on (default: those of the training)")
    parser.add_argument(
        "--modality", choices=("mri", "ct", "cifar10", "imagenet", "voc"), help="what a network of your own is for"
    )
    parser.add_argument(
        "--limit",
        type=int,
        metavar="N",
        help="measure at most N images (default: all, and a few of them under every shift); without data, N shifts",
    )
    parser.add_argument("--seed", type=int, default=0, help="of shifts, and of weights that are new (default: 0)")
    parser.add_argument("--batch-size", type=int, default=8, metavar="N", help="images at once (default: 8)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, or auto (default): a GPU if there is one")
    parser.set_defaults(run=convert)


def convert(options: argparse.Namespace) -> int:
    """Convert, write, and measure."""
    from recon.cli.converting import Asked, convert_network
    from recon.conversion.measuring import Data
    from recon.evaluation.loading import Place
    from recon.evaluation.session import chosen_device

    place = Place(chosen_device(options.device), batch_size=options.batch_size, checkpoint=options.checkpoint)
    asked = Asked(
        spec=options.spec,
        method=options.method,
        blur=options.blur,
        out=options.out,
        example=_shape(options.example),
        factory=options.factory,
        data=Data(options.data, options.modality, options.limit, options.seed, place),
        command=_command(options),
        architecture=options.architecture,
    )
    return convert_network(asked)


def _shape(text: str | None) -> tuple[int, ...] | None:
    """Read an example's shape."""
    if text is None:
        return None
    words = text.replace("x", ",").split(",")
    if not all(word.strip().isdecimal() for word in words):
        raise ConfigError(f"--example must be whole numbers such as 1,64,64 (channels first), got {text!r}")
    return tuple(int(word) for word in words)


def _command(options: argparse.Namespace) -> list[str]:
    """Give the command again, for the report."""
    words = ["recon", "convert", options.spec, "--method", options.method, "--out", str(options.out)]
    for name in ("blur", "example", "factory", "architecture", "data", "modality", "limit"):
        value = getattr(options, name)
        words += [] if value is None else [f"--{name}", str(value)]
    words += ["--checkpoint", "last"] if options.checkpoint == "last" else []
    return words + (["--seed", str(options.seed)] if options.seed else [])
