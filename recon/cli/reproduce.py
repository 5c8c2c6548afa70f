"""`recon reproduce`: a table of the papers, from training to the report with the published figures beside."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from recon.cli.demo import add_means, means_words, run_experiment
from recon.cli.text import Subparsers, counted, grouped, size_on_disk
from recon.errors import require_at_least

if TYPE_CHECKING:
    from recon.experiments.experiment import Experiment
    from recon.experiments.means import Means
    from recon.experiments.plan import Counts, Estimate, Speed

_REPORT_SECONDS = 20.0  # about
_EPILOG = """the tables of Chaman and Dokmanic (2021):
  aps-table1   equivariance and quality on fastMRI's knees, PD and PDFS apart
  aps-table2   the worst change of PSNR by ten random shifts of each slice
  aps-table3   equivariance of the same networks on natural images (--ood: ImageNet's validation set)
  aps-table4   equivariance and quality on LoDoPaB-CT

the tables of MASS:
  mass-table2  accuracy and consistency on CIFAR-10, ResNet-18 (mass-table2-resnet20: ResNet-20)
  mass-table3  a ResNet-18's weights under APS and MASS without training, on ImageNet
  mass-table4  the same under MASS, trained on for three epochs
  mass-table5  mIoU and consistency of DeepLabV3+ on PASCAL VOC

examples:
  recon reproduce aps-table1 --data data/fastmri --dry-run
  recon reproduce aps-table3 --data data/fastmri --ood data/imagenet/val
  recon reproduce aps-table4 --scale small
  recon reproduce aps-table1 --data data/fastmri --config configs/options/bf16.yaml
  recon reproduce mass-table2 --data data/cifar10 --dry-run

Every APS table trains the paper's nine variants and four more (MASS, MASS with filters, MASS unpooling, LPS) by the
paper's recipe; tables of one data set share their networks. Where MASS takes official weights (tables 3 and 4, and
table 5's backbone), networks are trained from scratch by configs/imagenet.yaml and configs/voc.yaml. What was stopped
goes on with the same command; several machines that see the same folder share the work when each is given it."""


def add_command(commands: Subparsers) -> None:
    """Add the command's parser."""
    about = "train and measure what a table of a paper shows"
    parser = commands.add_parser(
        "reproduce",
        help=about,
        description=f"{about[0].upper()}{about[1:]}, and report it with the published figures beside.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("table", metavar="TABLE", help="aps-table1 to 4, or mass-table2 to 5")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data (default: the embedded synthetic data)")
    parser.add_argument("--ood", type=Path, metavar="DIR", help="aps-table3: images (default: embedded photographs)")
    parser.add_argument(
        "--other", type=Path, metavar="DIR", help="aps-table3: CT data, measured too (default: embedded)"
    )
    parser.add_argument(
        "--scale",
        choices=("paper", "small"),
        default="paper",
        help="paper (default): the paper's network and epochs; small: narrow networks and few epochs, for two cores",
    )
    parser.add_argument("--variants", metavar="NAME[,NAME...]", help="which networks, as in configs/sampling (all)")
    parser.add_argument(
        "--config",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="a configuration of `recon train`, laid over the recipe; may be given several times",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="at most N test images and N natural images (all)")
    parser.add_argument("--seed", type=int, default=0, help="of training and of shifts (default: 0)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the folder (runs/aps-mri, runs/mass-voc-small, ...)")
    parser.add_argument("--dry-run", action="store_true", help="print the plan, and train and measure nothing")
    add_means(parser)
    parser.set_defaults(run=reproduce)


def reproduce(options: argparse.Namespace) -> int:
    """Print the plan, then carry it out."""
    from recon.experiments.done import is_finished, untrained
    from recon.experiments.means import Means, gpus_of
    from recon.experiments.paper import Choices, reproduction
    from recon.experiments.plan import counts_of, estimate_of, free_memory, speed_of, whole_trainings
    from recon.experiments.running import Shares

    if options.limit is not None:
        require_at_least(options.limit, 1, name="limit")
    choices = Choices(
        data=options.data,
        ood=options.ood,
        other=options.other,
        scale=options.scale,
        variants=[name for name in (options.variants or "").split(",") if name],
        configs=options.config,
        limit=options.limit,
        seed=require_at_least(options.seed, 0, name="seed"),
    )
    experiment = reproduction(options.table, choices, out=options.out)
    if is_finished(experiment) and not options.dry_run:
        return run_experiment(experiment, Means(), _command(options))
    means = Means(gpus_of(options.device), options.workers)
    counts = counts_of(experiment)
    speed = speed_of(counts, means.device)
    left = whole_trainings(untrained(experiment), counts)
    estimate = estimate_of(experiment, counts, speed, left=left, gpus=len(means.gpus))
    means = means.fitting(estimate.memory, free_memory(means.device))
    print("\n".join(_plan_lines(experiment, counts, speed, estimate, means)))
    if options.dry_run:
        return 0
    shares = Shares(
        data=0.0, training=estimate.training, measuring=estimate.measuring, timing=0.0, report=_REPORT_SECONDS
    )
    return run_experiment(experiment, means, _command(options), shares=shares)


def _plan_lines(
    experiment: "Experiment", counts: "Counts", speed: "Speed", estimate: "Estimate", means: "Means"
) -> list[str]:
    """Say what will be done, and what it takes."""
    from recon.evaluation.modalities import IMAGES
    from recon.experiments.board import duration_text
    from recon.experiments.done import untrained
    from recon.experiments.plan import free_disk, free_memory

    branch = experiment.branches[0]
    data = "the embedded synthetic data" if branch.data is None else str(branch.data)
    size = " x ".join(map(str, counts.size))
    left = len(untrained(experiment))
    processes = len(means.workers_for(max(left, 1), experiment.out))
    free = free_memory(means.device)
    names = [training.variant for training in experiment.trainings(branch)]
    unit = "slice" if branch.modality in IMAGES else "image"
    return [
        f"{experiment.title}",
        f"  networks  {len(names)}: {', '.join(names)}; {left} of them still to be trained",
        f"            {grouped(counts.parameters)} parameters ({counts.words}), "
        f"{counted(counts.epochs, 'epoch')} in batches of {counts.batch_size}",
        f"  data      {data}: {counted(counts.train, f'training {unit}')}, {counts.validation} for validation, "
        f"{counts.test} for testing, of {size}",
        f"  time      about {duration_text(estimate.training + estimate.measuring)}: training "
        f"{duration_text(estimate.training)}, measuring {duration_text(estimate.measuring)} on {means.words} "
        f"(timed here with plain: {1000 * speed.step:.3g} ms a training {unit}, {1000 * speed.forward:.3g} ms an "
        f"image; other samplings take up to half as long again when narrow)",
        f"  memory    about {size_on_disk(estimate.memory)} in each of {counted(processes, 'process')}"
        + ("" if free is None else f"; {size_on_disk(free)} are free"),
        f"  disk      about {size_on_disk(estimate.disk)} in {experiment.out} and the cache; "
        f"{size_on_disk(free_disk(experiment.out))} are free",
    ]


def _command(options: argparse.Namespace) -> list[str]:
    """Give the command again, for the report."""
    words = ["recon", "reproduce", options.table]
    for name in ("data", "ood", "other", "variants", "limit", "out"):
        value = getattr(options, name)
        words += [] if value is None else [f"--{name}", str(value)]
    words += ["--scale", options.scale] if options.scale != "paper" else []
    words += [word for config in options.config for word in ("--config", str(config))]
    return words + (["--seed", str(options.seed)] if options.seed else []) + means_words(options)
