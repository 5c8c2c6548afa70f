"""`recon node`: take DICOM series from scanners and archives, reconstruct them, and send the results on."""

import argparse
import signal
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from recon.cli.opening import add_opening, opening_of
from recon.cli.text import Subparsers
from recon.errors import ConfigError

_TICK = 0.1  # seconds between looks for a signal
_EPILOG = """what MODEL can be:
  runs/mri-aps-seed0            a run of `recon train` (its best checkpoint)
  network.safetensors           a network's file
  model.onnx, model.pt2         what `recon export` wrote, or the folder of a bundle

examples:
  recon node runs/mri-aps-seed0 --forward 127.0.0.1:4242:ORTHANC
  recon node model.onnx --forward archive:104:ARCHIVE --bind 0.0.0.0 --calling SCANNER1 --calling SCANNER2

A series is complete when who sent of it is gone and nothing of it has come for a while. Results are kept until the
other side has them, also over a stop. A series that cannot be reconstructed, or that ends the node three times, is put
aside. Messages name no patient. For research use only: not for diagnosis or treatment."""


def add_command(commands: Subparsers) -> None:
    """Add the command's parser."""
    about = "a DICOM node: take series, reconstruct them, send the results on"
    parser = commands.add_parser(
        "node",
        help=about,
        description=f"{about[0].upper()}{about[1:]}. For research use only.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="what reconstructs; see below")
    parser.add_argument("--forward", required=True, metavar="HOST:PORT:AET", help="where results are sent")
    parser.add_argument("--port", type=int, default=11112, help="where the node listens (default: 11112)")
    parser.add_argument("--aet", default="RECON", help="its application entity title (default: RECON)")
    parser.add_argument(
        "--bind", default="127.0.0.1", metavar="ADDRESS", help="the address to listen at (default: this machine alone)"
    )
    parser.add_argument(
        "--calling", action="append", default=[], metavar="AET", help="take images from this title alone; repeatable"
    )
    parser.add_argument(
        "--spool", type=Path, default=Path("spool"), metavar="DIR", help="what is not delivered yet (default: spool)"
    )
    parser.add_argument(
        "--quiet",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="a series is complete when nothing of it has come for so long (default: 10)",
    )
    parser.add_argument(
        "--at-release",
        action="store_true",
        help="or as soon as the last association that brought some of it is released",
    )
    add_opening(parser, modality="for networks that do not say what they are for")
    parser.set_defaults(run=run_node)


def run_node(options: argparse.Namespace) -> int:
    """Work until SIGINT or SIGTERM; what is not delivered stays in the spool."""
    try:
        from recon.clinical.dicom.node import running
        from recon.clinical.dicom.peers import Settings, peer_from
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"a DICOM node needs pydicom and pynetdicom, got: {error}; pip install '.[clinical]' in recon's folder"
        ) from error
    from recon.clinical.models import open_model
    from recon.clinical.words import RESEARCH_ONLY

    settings = Settings(
        aet=options.aet,
        port=options.port,
        forward=peer_from(options.forward),
        spool=options.spool,
        bind=options.bind,
        calling=options.calling,
        quiet_time=options.quiet,
        at_release=options.at_release,
    )
    model = open_model(options.model, opening_of(options))
    signals: list[int] = []
    stopping = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda got, _: signals.append(got)) for number in stopping}
    try:
        with running(model, settings, _say) as node:
            _say(
                f"{settings.aet} listens at {settings.bind}:{node.port} with {model.name}, "
                f"and sends to {settings.forward}"
            )
            _say(RESEARCH_ONLY)
            if not settings.calling and settings.bind not in ("127.0.0.1", "::1", "localhost"):
                _say(
                    "anyone who can reach this address may send images; "
                    "--calling AET takes them from known titles alone"
                )
            while not signals:
                time.sleep(_TICK)
            _say("stops; what is not delivered stays in the spool")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _say(text: str) -> None:
    """Print a line with its time, at once; what cannot be printed, as on a full disk, stops nothing."""
    with suppress(OSError):
        print(f"{datetime.now():%Y-%m-%d %H:%M:%S}  {text}", flush=True)
