"""Measure filtered back-projection at LoDoPaB's geometry beside odl's: seconds for a slice, and how far they differ.

Both run in one process in turn on the same noisy sinograms (4096 photons for each cell), so that they meet the same
conditions. Every figure is a median over the turns, and every ratio the median of the ratios of single turns. Times are
of the process on a CPU, summed over its threads, and of the wall clock around a synchronised GPU. odl takes one slice
at a time and always runs on the CPU, with astra (pip install '.[astra]'); without astra it is left out.
"""

import argparse
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from recon.errors import ConfigError, ReconError
from recon.ops.filtered_back_projection import FILTERS, Filter, filtered_back_projection
from recon.ops.parallel_beam import LODOPAB, project

ODL_FILTERS = {"hann": "Hann", "ramp": "Ram-Lak"}
PHOTONS, MU_MAX = 4096, 81.35858

Reconstruct = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one batch size costs, beside odl where that is there."""

    batch: int
    seconds: float  # for each slice
    odl_seconds: float | None
    ratio: float | None  # odl's seconds over ours
    difference: float | None  # relative L2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit status."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    try:
        if options.device == "cuda" and not torch.cuda.is_available():
            raise ConfigError("--device cuda needs a GPU that torch can use, and torch finds none; pass --device cpu")
        reference = None if options.no_odl else _odl(options.filter, options.frequency_scaling)
        costs = [_cost(options, batch, reference) for batch in options.batch]
    except ReconError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    _progress("")
    if reference is None:
        print("without odl: " + ("--no-odl" if options.no_odl else "astra is missing; pip install '.[astra]'"))
    _print_table(costs, options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--batch", type=_positive, nargs="+", default=[1, 16, 32], help="slices in a batch")
    parser.add_argument("--filter", choices=FILTERS, default="hann", help="window of the ramp filter")
    parser.add_argument("--frequency-scaling", type=float, default=1.0, help="highest frequency that passes, up to 1")
    parser.add_argument("--repeats", type=_positive, default=5, help="turns, after one to warm up")
    parser.add_argument("--odl-slices", type=_positive, default=2, help="slices that odl reconstructs in each turn")
    parser.add_argument("--threads", type=_positive, default=1, help="CPU threads of torch; keep 1 on busy cores")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where ours runs")
    parser.add_argument("--no-odl", action="store_true", help="measure ours alone")
    return parser


def _positive(text: str) -> int:
    """A whole number of at least 1, or argparse's own error."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text}")
    return value


def _odl(filter: Filter, frequency_scaling: float) -> Reconstruct | None:
    """Build odl's operator for a sinogram (n_angles, n_detectors), or give None without astra."""
    if importlib.util.find_spec("astra") is None:
        return None
    import numpy as np  # noqa: PLC0415  (seconds to import, and for this comparison alone)
    import odl  # noqa: PLC0415

    space = odl.uniform_discr([-0.13, -0.13], [0.13, 0.13], (362, 362), dtype=np.float32)
    scan = odl.tomo.parallel_beam_geometry(space, num_angles=1000, det_shape=(513,))
    transform = odl.tomo.RayTransform(space, scan, impl="astra_cpu")
    operator = odl.tomo.fbp_op(transform, filter_type=ODL_FILTERS[filter], frequency_scaling=frequency_scaling)
    return lambda sinogram: torch.from_numpy(np.asarray(operator(sinogram.numpy())))


def _cost(options: argparse.Namespace, batch: int, reference: Reconstruct | None) -> Cost:
    """Time one batch size, ours and odl's in turn."""
    sinograms = _sinograms(batch)
    ours = sinograms.to(options.device)
    few = min(batch, options.odl_slices)
    seconds: list[float] = []
    odl_seconds: list[float] = []
    differences: list[float] = []
    for turn in range(options.repeats + 1):
        _progress(f"batch {batch}: turn {turn} of {options.repeats}")
        start = _now(options.device)
        with torch.no_grad():
            output = filtered_back_projection(
                ours, LODOPAB, filter=options.filter, frequency_scaling=options.frequency_scaling
            )
        elapsed = (_now(options.device) - start) / batch
        start = time.process_time() if options.device == "cpu" else time.perf_counter()
        images = [reference(sinogram[0]) for sinogram in sinograms[:few]] if reference else []
        odl_elapsed = ((time.process_time() if options.device == "cpu" else time.perf_counter()) - start) / few
        if turn:
            seconds.append(elapsed)
            odl_seconds.append(odl_elapsed)
        elif images:
            expected = torch.stack(images)
            differences = [float((output[:few, 0].cpu() - expected).norm() / expected.norm())]
    ratios = [theirs / mine for mine, theirs in zip(seconds, odl_seconds, strict=True)]
    return Cost(
        batch,
        statistics.median(seconds),
        statistics.median(odl_seconds) if reference else None,
        statistics.median(ratios) if reference else None,
        differences[0] if differences else None,
    )


def _sinograms(batch: int) -> Tensor:
    """Measure disks of random size, place and value with 4096 photons for each cell: (batch, 1, 1000, 513) float32."""
    generator = torch.Generator().manual_seed(0)
    axis = torch.linspace(-0.13, 0.13, 362)
    images = torch.zeros(batch, 1, 362, 362)
    for image in images:
        for y, x, radius, value in torch.rand(10, 4, generator=generator).tolist():
            distance = (axis[:, None] - 0.16 * (y - 0.5)) ** 2 + (axis - 0.16 * (x - 0.5)) ** 2
            image += 0.2 * value * (distance < (0.01 + 0.04 * radius) ** 2)
    lines = torch.cat([project(part, LODOPAB) for part in images.split(16)])
    counts = torch.poisson(PHOTONS * torch.exp(-lines * MU_MAX), generator).clamp(min=0.1)
    return -torch.log(counts / PHOTONS) / MU_MAX


def _now(device: str) -> float:
    """Read the clock that counts for the device."""
    if device == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _print_table(costs: Sequence[Cost], options: argparse.Namespace) -> None:
    clock = "CPU ms" if options.device == "cpu" else "ms"
    print(
        f"{options.filter}, frequency scaling {options.frequency_scaling}, threads: {options.threads}, {options.device}"
    )
    print(f"{'batch':>5} {clock + ' a slice':>15} {'odl ' + clock:>12} {'odl / ours':>10} {'relative L2':>11}")
    for cost in costs:
        odl = (
            ""
            if cost.odl_seconds is None
            else f"{cost.odl_seconds * 1e3:12.1f} {cost.ratio:10.2f} {cost.difference:11.1e}"
        )
        print(f"{cost.batch:5} {cost.seconds * 1e3:15.1f} {odl}")


if __name__ == "__main__":
    sys.exit(main())
