"""The command `recon`. Heavy libraries are imported by the commands that need them, so that help comes at once."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from math import isinf
from textwrap import fill

from recon import __version__
from recon.errors import ReconError
from recon.filters import FILTERS
from recon.samplings import SAMPLINGS, Sampling

_MISTAKE = 2  # argparse's status for a wrong option, too
_INTERRUPTED = 130  # as a shell counts a death by SIGINT
_PIPE_CLOSED = 141  # and by SIGPIPE

_EXACT = (
    "exact: with circular padding and in eval mode, shifting the input by whole pixels shifts the output likewise, "
    "bit for bit."
)
_HEAD = ("name", "exact", "selection", "looks at", "down", "up", "blur")
_MORE_BLURS = "rect-N, tri-N and bin-N of other lengths N; or adaptive-3 (or another size)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status: 0, or 2 after a mistake that the user can mend."""
    try:
        try:
            return _run(arguments)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # meets a closed pipe here, not while Python shuts down
    except ReconError as error:
        print(f"recon: error: {' '.join(str(error).split())}", file=sys.stderr)
        return _MISTAKE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED


def _run(arguments: Sequence[str] | None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help(sys.stderr)
        return _MISTAKE
    command: Callable[[argparse.Namespace], None] = options.run
    command(options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="recon", description="Shift-equivariant image reconstruction for MRI and CT.")
    parser.add_argument("--version", action="version", version=f"recon {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    about = "list the named samplings (matched pairs of a down and an up layer) and the blur filters"
    samplings = commands.add_parser("samplings", help=about, description=f"{about.capitalize()}.")
    samplings.add_argument("--json", action="store_true", help="print JSON, for programs")
    samplings.set_defaults(run=_print_samplings)
    return parser


def _print_samplings(options: argparse.Namespace) -> None:
    print(_samplings_json() if options.json else _samplings_text())


def _samplings_json() -> str:
    samplings = [asdict(sampling) | {"equivariant": sampling.equivariant} for sampling in SAMPLINGS.values()]
    for sampling in samplings:
        sampling["p"] = str(sampling["p"]) if isinf(sampling["p"]) else sampling["p"]  # JSON has no infinity
    return json.dumps({"samplings": samplings, "filters": FILTERS}, indent=2)


def _samplings_text() -> str:
    width = max(map(len, SAMPLINGS))
    return "\n".join(
        [
            *_columns([_HEAD, *map(_row, SAMPLINGS.values())]),
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


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
