"""The options by which every command of the clinic opens a model, and what they mean."""

import argparse
from typing import TYPE_CHECKING

from recon.errors import require_at_least

if TYPE_CHECKING:
    from recon.clinical.models import Opening


def add_opening(parser: argparse.ArgumentParser, *, modality: str) -> None:
    """Add them; `modality` says what --modality is for."""
    parser.add_argument(
        "--pad",
        choices=("refuse", "circular", "reflect"),
        default="refuse",
        help="what to do with sizes that the network does not take (default: refuse them)",
    )
    parser.add_argument("--modality", choices=("mri", "ct"), help=modality)
    parser.add_argument("--factory", metavar="MODULE:FUNCTION", help="what builds a network of your own; it is run")
    parser.add_argument("--checkpoint", choices=("best", "last"), default="best", help="of a run (default: best)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, or auto (default): a GPU if there is one")
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "float16"),
        default="float32",
        help="by autocast (default: float32)",
    )
    parser.add_argument("--batch-size", type=int, default=8, metavar="N", help="slices at once (default: 8)")


def opening_of(options: argparse.Namespace) -> "Opening":
    """Give how a model is to be opened."""
    from recon.clinical.models import Opening
    from recon.evaluation.devices import chosen_device
    from recon.evaluation.loading import Place

    batch = require_at_least(options.batch_size, 1, name="--batch-size")
    place = Place(chosen_device(options.device), options.precision, batch, options.checkpoint)
    return Opening(place, options.pad, options.modality, options.factory)
