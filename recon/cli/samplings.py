"""`recon samplings`: the table of samplings and blur filters."""

import argparse
import json
from dataclasses import asdict
from math import isinf
from textwrap import fill

from recon.cli.text import Subparsers, aligned
from recon.filters import FILTERS
from recon.samplings import SAMPLINGS, Sampling

_EXACT = (
    "exact: with circular padding and in eval mode, shifting the input by whole pixels shifts the output likewise, "
    "bit for bit."
)
_HEAD = ("name", "exact", "selection", "looks at", "down", "up", "blur")
_MORE_BLURS = "rect-N, tri-N and bin-N of other lengths N; or adaptive-3 (or another size)"


def add_command(commands: Subparsers) -> None:
    """Add the command's parser."""
    about = "list the named samplings (matched pairs of a down and an up layer) and the blur filters"
    samplings = commands.add_parser("samplings", help=about, description=f"{about.capitalize()}.")
    samplings.add_argument("--json", action="store_true", help="print JSON, for programs")
    samplings.set_defaults(run=print_samplings)


def print_samplings(options: argparse.Namespace) -> int:
    """Print the table, as text or JSON."""
    print(_json() if options.json else _text())
    return 0


def _json() -> str:
    samplings = [asdict(sampling) | {"equivariant": sampling.equivariant} for sampling in SAMPLINGS.values()]
    for sampling in samplings:
        sampling["p"] = str(sampling["p"]) if isinf(sampling["p"]) else sampling["p"]  # JSON has no infinity
    return json.dumps({"samplings": samplings, "filters": FILTERS}, indent=2)


def _text() -> str:
    width = max(map(len, SAMPLINGS))
    return "\n".join(
        [
            *aligned([_HEAD, *map(_row, SAMPLINGS.values())]),
            "",
            *(f"{sampling.name:{width}}  {sampling.meaning}" for sampling in SAMPLINGS.values()),
            "",
            fill(_EXACT, 100),
            fill(f"blur: any sampling takes any of {', '.join(FILTERS)}; {_MORE_BLURS}.", 100),
        ]
    )


def _row(sampling: Sampling) -> tuple[str, ...]:
    choice = f"{'largest' if sampling.largest else 'smallest'} {sampling.p:g}-norm"
    return (
        sampling.name,
        "yes" if sampling.equivariant else "no",
        {"fixed": "always phase 0", "norm": choice, "learned": "learned"}[sampling.selection],
        "-" if sampling.selection == "fixed" else sampling.look,
        sampling.down,
        sampling.up,
        sampling.blur or "-",
    )
