"""The scripts that train one modality: a few short options in front of those of `recon train`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from recon.errors import ReconError
from recon.recipes import recipe
from recon.training.checkpointing import StoppedError
from recon.training.command import train


def run(modality: Literal["mri", "ct"], description: str, arguments: Sequence[str]) -> int:
    """Train as the arguments of a script say, and give the exit status."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--sampling", default="aps", help="a name that `recon samplings` lists (%(default)s)")
    parser.add_argument("--blur", help="a blur filter that `recon samplings` lists")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data folder (embedded synthetic data)")
    parser.add_argument("--small", action="store_true", help="configs/small.yaml: for the embedded data and two cores")
    chosen, rest = parser.parse_known_args(arguments)
    configs = [recipe(modality), *([recipe("small")] if chosen.small else [])]
    options = [argument for config in configs for argument in ("--config", str(config))]
    options += ["--network.sampling", chosen.sampling]
    if chosen.blur:
        options += ["--network.blur", chosen.blur]
    if chosen.data:
        options += ["--data.init_args.data_dir", str(chosen.data)]
    try:
        train([*options, *rest])
    except ReconError as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return 2
    except StoppedError as stop:
        sys.stderr.write(f"\n{stop}\n")
        return stop.status
    return 0
