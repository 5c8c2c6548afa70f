"""Measure `recon serve`: sessions a second, their latency, and the memory and files of the server over many of them.

Clients stream a synthetic volume, all at once as often as asked for, and compare every image with the first session's.
The network is a small untrained one unless MODEL is given: what is measured is the serving, not the network.

    python scripts/benchmark_serving.py --sessions 500 --at-once 16
"""

import argparse
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from recon.checkpoints import save
from recon.clinical.mrd.client import stream
from recon.clinical.mrd.feeding import feed_of
from recon.clinical.mrd.protocol import Bounds
from recon.data.synthetic.mri import Scan, write_volume
from recon.errors import DataError, ReconError
from recon.nn import UNet


@dataclass(slots=True)
class Tally:
    """What the clients have seen so far."""

    first: list[bytes] | None = None
    seconds: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)  # kB of the server, without its sessions
    lock: threading.Lock = field(default_factory=threading.Lock)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            model = options.model or _small_network(Path(folder) / "aps.safetensors")
            volume = Path(folder) / "volume.h5"
            write_volume(volume, Scan(options.size, options.slices, "PD"), seed=(0,))
            return _measure(model, volume, options)
    except ReconError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _measure(model: Path, volume: Path, options: argparse.Namespace) -> int:
    command = [sys.executable, "-m", "recon", "serve", str(model), "--port", "0", "--device", options.device]
    with subprocess.Popen(
        [*command, "--max-sessions", str(options.at_once)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout is not None
            port = int(re.findall(r":(\d+) ", server.stdout.readline())[0])
            _run(port, volume, Tally(), options.at_once, options.at_once, server.pid)  # memory settles
            files, tally, start = _files(server.pid), Tally(), time.perf_counter()
            _run(port, volume, tally, options.sessions, options.at_once, server.pid)
            took = time.perf_counter() - start
            _print(tally, took, options, files, _files(server.pid))
        finally:
            server.send_signal(signal.SIGTERM)
            print(f"exit status of the server: {server.wait(60)}")
    return 0


def _run(port: int, volume: Path, tally: Tally, sessions: int, at_once: int, server: int) -> None:
    """Have clients stream the volume, each in a thread."""
    feed = feed_of(volume)
    lines = list(feed.lines)
    left, failures = list(range(sessions)), list[ReconError]()

    def client() -> None:
        while left and not failures:
            left.pop()
            start = time.perf_counter()
            try:
                reply = stream("127.0.0.1", port, feed.xml, lines, bounds=Bounds(silence=600))
                images = [image.pixels.tobytes() for image in reply.images]
                with tally.lock:
                    tally.first = images if tally.first is None else tally.first
                    if reply.texts or images != tally.first:
                        raise DataError(f"every session must give the same images, got another: {reply.texts}")
                    tally.seconds.append(time.perf_counter() - start)
                    tally.resident.append(_resident(server))
            except ReconError as error:
                failures.append(error)

    threads = [threading.Thread(target=client) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _print(tally: Tally, took: float, options: argparse.Namespace, before: int, after: int) -> None:
    early, late = (statistics.median(part) for part in (tally.resident[:20], tally.resident[-20:]))
    print(f"{len(tally.seconds)} sessions of {options.slices} slices, {options.at_once} at once: {took:.1f} s")
    print(f"a session: median {statistics.median(tally.seconds):.2f} s, longest {max(tally.seconds):.2f} s")
    print(f"server's memory: {early / 1024:.1f} MiB early, {late / 1024:.1f} MiB late, {late - early:+.0f} kB")
    print(f"server's open files: {before} before, {after} after")
    print("all images the same to the bit")


def _small_network(path: Path) -> Path:
    torch.manual_seed(0)
    data = {"folder": None, "modality": "mri", "synthetic": True, "slices": {}, "settings": {"clamp": 6.0}}
    save(UNet(1, 1, channels=(4, 8, 16), sampling="aps").eval(), path, about={"data": data})
    return path


def _resident(pid: int) -> int:
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0])


def _files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?", metavar="MODEL", help="a network for MRI (default: a small one)")
    parser.add_argument("--sessions", type=int, default=500, help="default: 500")
    parser.add_argument("--at-once", type=int, default=16, help="default: 16")
    parser.add_argument("--size", type=int, default=32, help="of the slices (default: 32)")
    parser.add_argument("--slices", type=int, default=4, help="default: 4")
    parser.add_argument("--device", default="cpu", help="default: cpu")
    return parser


if __name__ == "__main__":
    sys.exit(main())
