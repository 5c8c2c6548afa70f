"""`recon train`: train a network; the options are Lightning's, and live in the configurations."""

import argparse
import sys

from recon.cli.text import Subparsers

_EPILOG = """examples:
  recon train --config configs/mri.yaml --config configs/sampling/aps3.yaml --data.init_args.data_dir data/fastmri
  recon train --config configs/ct.yaml --config configs/small.yaml --config configs/sampling/mass.yaml
  recon train --config configs/cifar10.yaml --config configs/sampling/mass.yaml
  recon train --config configs/voc.yaml --config configs/sampling/lps.yaml --data.init_args.data_dir data/VOCdevkit
  recon train --resume runs/mri-aps-tri-3-seed0 --trainer.max_epochs 60

several GPUs, and several machines, with torchrun (mind the --) or SLURM:
  recon train --config ... --trainer.devices 4 --trainer.strategy ddp
  torchrun --nproc-per-node 4 --no-python -- recon train --config ... --trainer.devices 4 --trainer.strategy ddp
  srun recon train --config ... --trainer.devices 4 --trainer.num_nodes 2 --trainer.strategy ddp

begin with the weights of another network, whatever its sampling (a file of recon's, or a state dict):
  recon train --config configs/imagenet.yaml --config configs/options/fine-tuning.yaml --network.sampling mass \\
    --weights resnet18.pth
a network of your own, made equivariant (module:factory, which is called):
  recon train --config configs/mri.yaml --config converted.yaml --network.factory my_networks:unet

Later configurations and options win. Without a data folder it trains on embedded synthetic data.
`recon train --options` lists all options (with --task classification, or --config, those of another task)."""


def add_command(commands: Subparsers) -> None:
    """Add the command's parser: it takes everything as it comes, for Lightning's own parser."""
    about = "train a network on MRI or CT data or on labelled images, or go on with a run"
    train = commands.add_parser(
        "train",
        help=about,
        description="Train a network on MRI or CT data or on labelled images, or go on with a run.",
        add_help=False,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="recon train --config FILE [--config FILE ...] [--network.sampling NAME ...] | --resume RUN [...]",
        prefix_chars="\0",  # options are not argparse's
    )
    train.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    train.set_defaults(run=train_network, parser=train)


def train_network(options: argparse.Namespace) -> int:
    """Train, and say where the run is."""
    if {"-h", "--help"} & set(options.arguments) or not options.arguments:
        options.parser.print_help()
        return 0 if options.arguments else 2
    from pytorch_lightning.utilities import rank_zero_only

    from recon.training.checkpointing import StoppedError
    from recon.training.command import print_options, train

    if "--options" in options.arguments:
        print_options([argument for argument in options.arguments if argument != "--options"])
        return 0
    say = rank_zero_only(print)  # once, however many processes there are
    try:
        folder = train(options.arguments)
    except StoppedError as stop:
        say(f"\n{stop}", file=sys.stderr)
        return stop.status
    say(f"the run is in {folder}; {folder / 'HOW-TO.txt'} says what to do with it")
    return 0
