"""`recon stream`: send a measurement to a server as a scanner would, and keep the images that come back."""

import argparse
from pathlib import Path

from recon.cli.text import Subparsers
from recon.errors import ConfigError, DataError

_EPILOG = """FILE is MRD (ISMRMRD) raw data, or a single-coil volume of fastMRI, which is sent line by line.

examples:
  recon stream 127.0.0.1:9002 file1000000.h5 -o images.h5

OUT.h5 is an MRD file: dataset/image_0 has header, attributes and data (images, channels, z, y, x), with x along the
readout."""


def add_command(commands: Subparsers) -> None:
    """Add the command's parser."""
    about = "send a measurement to `recon serve` (or another MRD server) as a scanner would"
    parser = commands.add_parser(
        "stream",
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("server", metavar="HOST:PORT", help="where the server listens")
    parser.add_argument("file", type=Path, metavar="FILE", help="what is sent")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT.h5", help="a new file for the images")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    parser.add_argument("--config", default="recon", metavar="NAME", help="configuration to name (default: recon)")
    parser.add_argument(
        "--timeout", type=float, default=600.0, metavar="S", help="seconds to wait for each message (default: 600)"
    )
    parser.add_argument(
        "--wait", type=float, default=0.0, metavar="S", help="seconds for a server that is starting (default: 0)"
    )
    parser.set_defaults(run=stream)


def stream(options: argparse.Namespace) -> int:
    """Send, receive, write."""
    host, _, port = options.server.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigError(f"the server must be HOST:PORT such as 127.0.0.1:9002, got {options.server!r}")
    if options.out.exists() and not options.force:
        raise ConfigError(f"{options.out} must not be there yet, got a file; pass --force to write over it")
    if not options.timeout > 0:
        raise ConfigError(f"--timeout must be positive, got {options.timeout:g}")

    from recon.clinical.mrd.client import stream as send
    from recon.clinical.mrd.feeding import feed_of
    from recon.clinical.mrd.files import write_images
    from recon.clinical.mrd.protocol import Bounds

    feed = feed_of(options.file)
    bounds = Bounds(silence=options.timeout)
    address = (host.strip("[]"), int(port))
    reply = send(*address, feed.xml, feed.lines, config=options.config, bounds=bounds, wait=options.wait)
    for text in reply.texts:
        if text.startswith("error: "):
            raise DataError(f"the server refused {options.file.name}: {text.removeprefix('error: ')}")
        print(text)
    if not reply.images:
        raise DataError(f"the server must send images of {options.file.name}, got none; see its own messages")
    write_images(options.out, feed.xml, reply.images)
    print(f"{len(reply.images)} images in {options.out} (for research use only)")
    return 0
