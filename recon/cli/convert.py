"""`recon convert`: make a network that is there equivariant, and measure it before and after."""

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from recon.cli.text import Subparsers, aligned, counted
from recon.errors import ConfigError

if TYPE_CHECKING:
    from recon.conversion.agreement import Agreement
    from recon.conversion.convert import AnyNetwork
    from recon.conversion.measuring import Data
    from recon.conversion.originals import Original
    from recon.records import Word

_EPILOG = """what can be converted:
  runs/mri-plain-seed0          a run of `recon train` (its best checkpoint)
  network.safetensors           a network's file
  package.module:factory        what a function of yours makes when it is called; its code is run

examples:
  recon convert runs/mri-plain-seed0 --method mass --out converted
  recon convert torchvision.models:resnet18 --method mass --example 3,64,64 --out converted
  recon convert my_networks:unet --method aps --blur tri-3 --modality mri --data data/knees --out converted
  recon train --config converted/config.yaml      trains the converted network on, for three epochs

The weights stay as they are. Networks of recon are measured on the data that they were trained on, or on --data; others
on data if --modality says which kind, else on noise, a photograph and a blank image."""


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
    parser.add_argument("--checkpoint", choices=("best", "last"), default="best", help="of a run (default: best)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="data to measure on (default: those of the training)")
    parser.add_argument(
        "--modality", choices=("mri", "ct", "cifar10", "imagenet", "voc"), help="what a network of your own is for"
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="measure at most N images (default: all, and a few under every shift)"
    )
    parser.add_argument("--batch-size", type=int, default=8, metavar="N", help="images at once (default: 8)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, or auto (default): a GPU if there is one")
    parser.set_defaults(run=convert)


def convert(options: argparse.Namespace) -> int:
    """Convert, write, and measure."""
    from recon.conversion.convert import converted
    from recon.conversion.measuring import Data, can_be_measured
    from recon.conversion.originals import find_original
    from recon.conversion.writing import command_words, require_new, write_config, write_found, write_network
    from recon.evaluation.loading import Place
    from recon.evaluation.session import chosen_device

    require_new(options.out)
    place = Place(chosen_device(options.device), batch_size=options.batch_size, checkpoint=options.checkpoint)
    data = Data(options.data, options.modality, options.limit, place)
    original = find_original(options.spec, checkpoint=options.checkpoint, example=_shape(options.example))
    network, new = converted(original, options.method, blur=options.blur)
    _say_replaced(network, options.out)
    file = write_network(network, options.out, original, options.method, new)
    write_config(network, options.out, original)
    if new:
        print(f"not trained yet: {counted(len(new), 'weight tensor')} of the {options.method} sampling")
    try:
        if can_be_measured(original, data):
            found = _measured(original, file, options, data)
        else:
            found = _tried(original, network)
    except KeyboardInterrupt:
        print(f"\nstopped; the converted network is in {file}, and was not measured", file=sys.stderr)
        return 130
    write_found(options.out, {"from": original.spec, "method": options.method, "blur": options.blur, **found})
    print(f"the converted network is in {file}")
    print(f"train it on: recon train {command_words(options.out, original)}")
    return 0


def _say_replaced(network: "AnyNetwork", out: Path) -> None:
    """Print what was replaced, and write it down."""
    from recon.conversion.convert import summary_of
    from recon.files import written_whole

    text = summary_of(network)
    with written_whole(out / "replaced.txt") as partial:
        partial.write_text(text + "\n", encoding="utf-8")
    print(text, end="\n\n")


def _measured(original: "Original", file: Path, options: argparse.Namespace, data: "Data") -> dict[str, "Word"]:
    """Measure on data, and print the table."""
    from recon.conversion.measuring import AFTER, BEFORE, compared, measure_on_data
    from recon.conversion.writing import write_original

    files = (write_original(options.out, original), file)
    records = measure_on_data(original, files, options.out, data, _command(options))
    rows = compared(records)
    synthetic = ", synthetic data" if any(record.source.synthetic for record in records) else ""
    print(f"\n{records[0].source.name}{synthetic if 'synthetic' not in records[0].source.name else ''}")
    print("\n".join(aligned([("", BEFORE, AFTER), *(row.texts for row in rows)], right=[1, 2])), end="\n\n")
    print(f"the report is in {options.out / 'report.html'}")
    measured = {row.measure.name: {BEFORE: row.before, AFTER: row.after} for row in rows}
    return {"data": records[0].source.name, "measured": measured}


def _tried(original: "Original", network: "AnyNetwork") -> dict[str, "Word"]:
    """Try shifts of a few images, and print the table."""
    from recon.conversion.measuring import measure_without_data

    found = measure_without_data(original, network)
    rows = [(together[0].image, *map(_said, together)) for together in zip(*found.values(), strict=True)]
    print("\nlargest error under circular shifts (bitwise equal of tried):")
    print("\n".join(aligned([("", *found), *rows], right=range(1, len(found) + 1))), end="\n\n")
    print("the change of quality was not measured: say with --modality and --data on which data to measure it")
    return {
        "shifts": {
            name: [
                {"image": one.image, "compared": one.compared, "bitwise": one.bitwise, "nmse": one.nmse} for one in many
            ]
            for name, many in found.items()
        }
    }


def _said(agreement: "Agreement") -> str:
    error = "0.0" if agreement.nmse == 0 else f"{agreement.nmse:.1e}"
    return f"{error} ({agreement.bitwise} of {agreement.compared})"


def _shape(text: str | None) -> tuple[int, ...] | None:
    """Read an example's shape."""
    if text is None:
        return None
    words = text.replace("x", ",").split(",")
    if not all(word.strip().isdigit() for word in words):
        raise ConfigError(f"--example must be whole numbers such as 1,64,64 (channels first), got {text!r}")
    return tuple(int(word) for word in words)


def _command(options: argparse.Namespace) -> list[str]:
    """Give the command again, for the report."""
    words = ["recon", "convert", options.spec, "--method", options.method, "--out", str(options.out)]
    for name in ("blur", "data", "modality", "limit"):
        value = getattr(options, name)
        words += [] if value is None else [f"--{name}", str(value)]
    return [shlex.quote(word) for word in words]
