"""The command `recon`. Heavy libraries are imported by the commands that need them, so that help comes at once."""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper

from recon import __version__
from recon.cli import (
    certify,
    convert,
    data,
    demo,
    evaluate,
    export,
    node,
    reconstruct,
    report,
    reproduce,
    samplings,
    serve,
    stream,
    train,
)
from recon.errors import ReconError

_MISTAKE = 2  # argparse's status for a wrong option, too
_INTERRUPTED = 130  # as a shell counts a death by SIGINT
_PIPE_CLOSED = 141  # and by SIGPIPE
_COMMANDS = (
    samplings,
    data,
    train,
    evaluate,
    report,
    convert,
    export,
    reconstruct,
    certify,
    node,
    serve,
    stream,
    demo,
    reproduce,
)  # each module adds its parser with `add_command`, and sets what runs as `run`


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status: 0, or 2 after a mistake that the user can mend."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be valid text
    try:
        try:
            return _run(arguments)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # meets a closed pipe here, not while Python shuts down
    except ReconError as error:
        print(f"recon: error: {' '.join(str(error).split())}", file=sys.stderr)
        for note in getattr(error, "__notes__", ()):  # such as a tree of folders, whose lines must stay
            print(f"\n{note}", file=sys.stderr)
        return _MISTAKE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"recon: error: the output cannot be written: {error}", file=sys.stderr)
        return _MISTAKE


def _run(arguments: Sequence[str] | None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help(sys.stderr)
        return _MISTAKE
    command: Callable[[argparse.Namespace], int] = options.run
    return command(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="recon", description="Shift-equivariant image reconstruction for MRI and CT.")
    parser.add_argument("--version", action="version", version=f"recon {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for module in _COMMANDS:
        module.add_command(commands)
    return parser
