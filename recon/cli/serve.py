"""`recon serve`: reconstruct what a scanner streams, while it measures."""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from recon.cli.opening import add_opening, opening_of
from recon.cli.text import Subparsers
from recon.errors import ConfigError

if TYPE_CHECKING:
    from recon.clinical.models import ClinicalModel, Opening

_EPILOG = """MODEL is a run of `recon train`, its network's .safetensors, an .onnx or .pt2 file of `recon export`, or a
bundle's folder.

The MRD (ISMRMRD) streaming protocol: a client sends a configuration (which changes nothing), the XML header, lines of
single-coil Cartesian 2-D slices, and CLOSE; it gets MRD images, or a text that begins with `error: ` and says what is
wrong. Images come as soon as as many slices as --batch-size are whole, in their order.

examples:
  recon serve runs/mri-mass-seed0                        then, from another terminal:
  recon stream 127.0.0.1:9002 measurement.h5 -o images.h5

There is no encryption and no password: whoever can connect is served. Leave --bind as it is unless the network is one
where that is right. SIGINT (Ctrl-C) or SIGTERM stops it: sessions have some seconds to finish, and the exit status is
1 where one could not. For research use only."""


def add_command(commands: Subparsers) -> None:
    """Add the command's parser."""
    about = "reconstruct raw data that scanners stream (MRD), one process a connection"
    parser = commands.add_parser(
        "serve",
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="a network for MRI; see below")
    parser.add_argument("--port", type=int, default=9002, help="to listen on; 0 takes a free one (default: 9002)")
    parser.add_argument(
        "--bind", default="127.0.0.1", metavar="HOST", help="an address of this machine (default: 127.0.0.1, loopback)"
    )
    parser.add_argument(
        "--max-sessions", type=int, default=16, metavar="N", help="at once; further ones wait (default: 16)"
    )
    parser.add_argument(
        "--timeout", type=float, default=60.0, metavar="S", help="seconds in which each message must come (default: 60)"
    )
    parser.add_argument(
        "--threads", type=int, metavar="N", help="of each session (default: the processor's, shared out)"
    )
    add_opening(parser, modality="of a network whose file does not say it")
    parser.set_defaults(run=serve)


def serve(options: argparse.Namespace) -> int:
    """Open the model, and serve until a signal comes."""
    for name, least in (("port", 0), ("max_sessions", 1)):
        if getattr(options, name) < least:
            raise ConfigError(f"--{name.replace('_', '-')} must be at least {least}, got {getattr(options, name)}")
    if not options.timeout > 0 or (options.threads is not None and options.threads < 1):
        raise ConfigError("--timeout must be positive and --threads at least 1; leave them out for the defaults")
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"  # a process with threads is not fit to be forked; sessions set their own number
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"  # nor is one that has asked CUDA itself for its devices

    import torch

    from recon.clinical.mrd.protocol import Bounds
    from recon.clinical.mrd.server import Server, Serving, listening

    torch.set_num_threads(1)
    opening = opening_of(options)
    with listening(options.bind, options.port) as opened:
        serving = Serving(
            model=_model(options.model, opening),
            log=_log,
            bounds=Bounds(silence=options.timeout),
            sessions=options.max_sessions,
            threads=options.threads or max((os.cpu_count() or 1) // options.max_sessions, 1),
        )
        host, port = opened.getsockname()[:2]
        if not _is_loopback(host):
            _log(f"listening beyond this machine, on {host}: whoever reaches it is served, unencrypted")
        shown = f"[{host}]" if ":" in host else host
        print(f"listening on {shown}:{port} (for research use only)", flush=True)
        return Server(opened, serving).run()


class _Opened:
    """A model that is there already, or one that each session's process opens."""

    def __init__(self, spec: str, opening: "Opening", model: "ClinicalModel | None") -> None:
        self.spec, self.opening, self.model = spec, opening, model

    def __call__(self) -> "ClinicalModel":
        from recon.clinical.models import open_model

        return self.model if self.model is not None else _for_mri(open_model(self.spec, self.opening))


def _model(spec: str, opening: "Opening") -> _Opened:
    """Open the model here if it can be forked, else only see that it opens."""
    from recon.clinical.models import open_model
    from recon.clinical.mrd.server import probe

    if opening.place.device == "cpu" and not spec.endswith((".onnx", ".pt2", ".ts")):
        return _Opened(spec, opening, _for_mri(open_model(spec, opening)))
    opened = _Opened(spec, opening, None)
    probe(opened)
    return opened


def _for_mri(model: "ClinicalModel") -> "ClinicalModel":
    if model.identity.modality != "mri":
        raise ConfigError(
            f"raw data of scanners need a network for MRI, got {model.name} for {model.identity.modality}"
        )
    return model


def _is_loopback(host: str) -> bool:
    return host.startswith("127.") or host == "::1"


def _log(line: str) -> None:
    print(f"recon serve: {line}", file=sys.stderr, flush=True)
