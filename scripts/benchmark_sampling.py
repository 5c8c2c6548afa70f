"""Measure what every sampling costs beside the plain one: forward pass, blank images, training step, peak memory.

All networks run in one process in turn, so that they meet the same conditions; every figure is a median, and every
ratio the median of the ratios of single turns. Times are of the process (CPU) or of the wall clock around a
synchronised device. Peak memory is what a pass needs beyond the network and its input, each in a fresh process on a
CPU.

    python scripts/benchmark_sampling.py --network full narrow --channels-last --json benchmark.json
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from recon.errors import ConfigError, ReconError
from recon.nn import UNet

NETWORKS = {"full": (64, 128, 256, 512, 1024), "narrow": (16, 32, 64, 128, 256)}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
WORK = ("forward", "blank", "training")
DEFAULT_SAMPLINGS = ("plain", "aps", "mass", "mass-unpool", "lps", "lpf+tri-3", "aps+tri-3", "mass+tri-3", "lps+tri-3")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one sampling costs in one network at one kind of work; ratios are to the reference sampling."""

    network: str
    sampling: str
    work: str
    reference: str
    seconds: float
    ratio: float
    peak_mb: float | None
    peak_ratio: float | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit status."""
    options = _parser().parse_args(arguments)
    if options.json and (options.json.is_dir() or not options.json.absolute().parent.is_dir()):
        print(f"error: --json needs a file in a folder that exists, got {options.json}", file=sys.stderr)
        return 2
    torch.set_num_threads(options.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.tf32
    try:
        if options.device == "cuda" and not torch.cuda.is_available():
            raise ConfigError("--device cuda needs a GPU that torch can use, and torch finds none; pass --device cpu")
        if options.memory_of:
            print(_peak_in_this_process(options, *options.memory_of))
            return 0
        costs = [cost for network in options.network for cost in _costs(options, network)]
    except ReconError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: nothing written", file=sys.stderr)
        return 130
    _print_table(costs)
    if options.json:
        conditions = {key: str(value) for key, value in vars(options).items() if key not in ("json", "memory_of")}
        conditions |= {"torch": torch.__version__, "machine": platform.machine(), "device_name": _device_name(options)}
        text = json.dumps({"conditions": conditions, "costs": [asdict(cost) for cost in costs]}, indent=2)
        partial = options.json.with_name(options.json.name + ".part")
        partial.write_text(text + "\n")
        partial.replace(options.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=["full", "narrow"], help="width of the U-Net")
    parser.add_argument(
        "--samplings",
        nargs="+",
        default=list(DEFAULT_SAMPLINGS),
        metavar="NAME[+BLUR]",
        help="what to measure; with a blur the ratio is to lpf with that blur, otherwise to plain",
    )
    parser.add_argument(
        "--work",
        nargs="+",
        choices=WORK,
        default=list(WORK),
        help="what to time: a forward pass of an ordinary image, of a blank one (all phases tie), a training step",
    )
    parser.add_argument("--size", type=_positive, default=320, help="height and width of the image")
    parser.add_argument("--batch", type=_positive, default=1, help="images in a batch")
    parser.add_argument("--repeats", type=_positive, default=9, help="turns, after one to warm up")
    parser.add_argument("--threads", type=_positive, default=1, help="CPU threads")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where to run")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="float32, or autocast to another")
    parser.add_argument("--tf32", action="store_true", help="allow TF32 on a GPU")
    parser.add_argument("--channels-last", action="store_true", help="keep the channels of a pixel side by side")
    parser.add_argument("--compile", action="store_true", help="compile the networks first")
    parser.add_argument("--no-memory", dest="memory", action="store_false", help="do not measure peak memory")
    parser.add_argument("--json", type=Path, default=None, help="write the figures to this file as well")
    parser.add_argument("--memory-of", nargs=3, default=None, help=argparse.SUPPRESS)
    return parser


def _positive(text: str) -> int:
    """A whole number of at least 1, or argparse's own error."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text}")
    return value


def _costs(options: argparse.Namespace, network: str) -> Iterator[Cost]:
    """Time all samplings in one network, in turn."""
    names = list(dict.fromkeys([*(_reference(name) for name in options.samplings), *options.samplings]))
    for work in options.work:
        steps = {name: _step(options, network, name, work) for name in names}
        seconds: dict[str, list[float]] = {name: [] for name in names}
        for turn in range(options.repeats + 1):
            for i, name in enumerate(names):
                _progress(f"{network} {work}: turn {turn} of {options.repeats}, {i + 1} of {len(names)}")
                with _clock(options.device) as elapsed:
                    steps[name]()
                if turn:
                    seconds[name].append(elapsed[0])
        peaks = {name: _peak(options, network, name, work, steps[name]) for name in names} if options.memory else {}
        for name in names:
            reference = _reference(name)
            ratios = [a / b for a, b in zip(seconds[name], seconds[reference], strict=True)]
            peak, base = peaks.get(name), peaks.get(reference)
            yield Cost(
                network=network,
                sampling=name,
                work=work,
                reference=reference,
                seconds=statistics.median(seconds[name]),
                ratio=statistics.median(ratios),
                peak_mb=None if peak is None else peak / 1e6,
                peak_ratio=peak / base if peak and base else None,
            )
    _progress("")


def _reference(name: str) -> str:
    """What a sampling is compared with."""
    return f"lpf+{name.partition('+')[2]}" if "+" in name else "plain"


def _step(options: argparse.Namespace, network: str, name: str, work: str) -> Callable[[], object]:
    """Build a network and return one forward pass or training step of it."""
    sampling, plus, blur = name.partition("+")
    if plus and not blur:
        raise ConfigError(f"a blur must follow the +, got {name!r}; for instance {name}tri-3")
    torch.manual_seed(0)
    net: nn.Module = UNet(1, 1, NETWORKS[network], sampling=sampling, blur=blur or None).to(options.device)
    x = torch.randn(options.batch, 1, options.size, options.size, device=options.device)
    if work == "blank":
        x.zero_()
    if options.channels_last:
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    if options.compile:
        net = torch.compile(net)  # type: ignore[assignment]
    autocast = torch.autocast(options.device, DTYPES[options.dtype], enabled=options.dtype != "float32")

    def forward() -> Tensor:
        with torch.no_grad(), autocast:
            output: Tensor = net(x)
            return output

    def training() -> None:
        with autocast:
            loss = nn.functional.mse_loss(net(x).float(), x)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    if work != "training":
        net.eval()
        return forward
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-6)  # keeps no state: the networks share one memory
    return training


@contextmanager
def _clock(device: str) -> Iterator[list[float]]:
    """Measure the seconds of a block."""
    elapsed: list[float] = []
    now = time.process_time if device == "cpu" else time.perf_counter
    if device == "cuda":
        torch.cuda.synchronize()
    start = now()
    yield elapsed
    if device == "cuda":
        torch.cuda.synchronize()
    elapsed.append(now() - start)


def _peak(options: argparse.Namespace, network: str, name: str, work: str, step: Callable[[], object]) -> float:
    """Measure the bytes that one step needs at most."""
    _progress(f"{network} {work}: memory of {name}")
    if options.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        torch.cuda.synchronize()
        return float(torch.cuda.max_memory_allocated() - before)
    command = [sys.executable, __file__, "--memory-of", network, name, work]
    for option in ("size", "batch", "threads", "dtype"):
        command += [f"--{option}", str(getattr(options, option))]
    command += [
        flag for flag, given in (("--channels-last", options.channels_last), ("--compile", options.compile)) if given
    ]
    # Large blocks go back to the system when freed, so that the peak is of tensors and not of the allocator's history.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}
    finished = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if finished.returncode:
        raise ConfigError(f"measuring the memory of {name} failed: {finished.stderr.strip().splitlines()[-1]}")
    return float(finished.stdout)


def _peak_in_this_process(options: argparse.Namespace, network: str, name: str, work: str) -> float:
    """Measure by how much a step raises this process's resident memory at its highest, once all code is loaded."""
    step = _step(options, network, name, work)
    step()
    before = _highest_resident(reset=True)
    step()
    return _highest_resident() - before


def _highest_resident(*, reset: bool = False) -> float:
    """Give the most bytes that this process has held, since the last reset where the system can forget (Linux)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return float(fields["VmHWM"].split()[0]) * 1024


def _device_name(options: argparse.Namespace) -> str:
    return torch.cuda.get_device_name() if options.device == "cuda" else platform.processor() or "cpu"


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _print_table(costs: Sequence[Cost]) -> None:
    print(f"{'network':8} {'work':9} {'sampling':16} {'ms':>9} {'ratio':>6} {'of':10} {'peak MB':>8} {'ratio':>6}")
    for cost in costs:
        peak = "" if cost.peak_mb is None else f"{cost.peak_mb:8.0f}"
        peak_ratio = "" if cost.peak_ratio is None else f"{cost.peak_ratio:6.2f}"
        print(
            f"{cost.network:8} {cost.work:9} {cost.sampling:16} {cost.seconds * 1e3:9.1f} {cost.ratio:6.3f} "
            f"{cost.reference:10} {peak} {peak_ratio}"
        )


if __name__ == "__main__":
    sys.exit(main())
