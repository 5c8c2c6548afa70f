"""`recon demo`: everything in one command, on embedded synthetic data."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recon.cli.text import Subparsers

if TYPE_CHECKING:
    from recon.experiments.experiment import Experiment
    from recon.experiments.means import Means
    from recon.experiments.running import Shares

_EPILOG = """It makes synthetic knees and chests of 64 x 64 pixels in fastMRI's and LoDoPaB-CT's files, trains eight
networks on each (plain, plain with shift augmentation, low-pass filters, APS, APS with filters, MASS max-pooling,
MASS unpooling, LPS), measures them by every protocol, and writes a report. On two cores that takes about a quarter of
an hour, with --quick a few minutes. What was stopped goes on with the same command; what is done is not done again.

With --labels it is about classifiers and segmenters instead: synthetic pictures of shapes and textures in CIFAR-10's,
ImageNet's and PASCAL VOC's files; plain networks, filters (LPF, DDAC), APS, LPS and MASS side by side; and the weights
of trained plain networks under APS and MASS, without training and after three epochs of it."""


def add_command(commands: Subparsers) -> None:
    """Add the command's parser."""
    about = "make data, train, measure and report, in one command"
    parser = commands.add_parser(
        "demo",
        help=about,
        description=f"{about.capitalize()}.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="smaller and shorter: shows that everything works")
    parser.add_argument("--labels", action="store_true", help="classifiers and segmenters instead of reconstruction")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the folder (runs/demo, runs/quick-label-demo, ...)")
    add_means(parser)
    parser.set_defaults(run=run_demo)


def add_means(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what an experiment may use."""
    parser.add_argument(
        "--device", default="auto", help="cpu, cuda, cuda:1, or auto (default): all GPUs that there are"
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes at once (one for each GPU, or for each core)"
    )


def means_words(options: argparse.Namespace) -> list[str]:
    """Give those options again."""
    words = [] if options.device == "auto" else ["--device", options.device]
    return words + ([] if options.workers is None else ["--workers", str(options.workers)])


def run_demo(options: argparse.Namespace) -> int:
    """Run the demo, and print the headline table."""
    from recon.experiments.demo import demo
    from recon.experiments.done import is_finished
    from recon.experiments.label_demo import label_demo
    from recon.experiments.means import Means, gpus_of

    words = ["--quick"] * options.quick + ["--labels"] * options.labels
    name = "-".join([*["quick"] * options.quick, *["label"] * options.labels, "demo"])
    out = options.out or Path("runs") / name
    command = ["recon", "demo", *words, *(["--out", str(out)] if options.out else []), *means_words(options)]
    experiment = (label_demo if options.labels else demo)(out, quick=options.quick)
    gpus = [] if is_finished(experiment) else gpus_of(options.device)  # torch takes seconds to load
    status = run_experiment(experiment, Means(gpus, options.workers), command)
    if options.quick and status == 0:
        print("these networks have hardly been trained: `recon demo` without --quick trains them for longer")
    return status


def run_experiment(
    experiment: "Experiment", means: "Means", command: Sequence[str], *, shares: "Shares | None" = None
) -> int:
    """Run an experiment, and print what came of it; `command` runs it again."""
    from recon.experiments.running import run
    from recon.report.selection import grouped
    from recon.report.terminal import headline_text

    try:
        records = run(experiment, means, command=command, shares=shares)
    except KeyboardInterrupt:
        print(
            f"\nstopped; what is done is kept in {experiment.out}, go on with: {shlex.join(command)}", file=sys.stderr
        )
        return 130
    print(headline_text(grouped(records)))
    print(f"the report is in {experiment.report}; its figures are in {experiment.out / 'figures'}")
    return 0
