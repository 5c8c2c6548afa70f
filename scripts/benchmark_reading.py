"""Measure how many slices a second one worker reads: fastMRI's own pipeline, recon's, and recon's prepared files.

The readers take turns over the same volumes with the same masks in one process and one thread, so that they meet the
same conditions; each figure is the median over the turns, and each ratio the median of the turns' ratios to fastMRI's.
Without --data, synthetic volumes of fastMRI's size are made in a temporary folder.

    python scripts/benchmark_reading.py --volumes 2 --slices 16 --turns 9
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from fastmri.data.mri_data import SliceDataset
from fastmri.data.subsample import create_mask_for_mask_type
from fastmri.data.transforms import UnetDataTransform

from recon.data.fastmri import FastMRISlices
from recon.data.preparation import preparation_of, prepare_all
from recon.data.samples import Sample
from recon.data.synthetic.mri import Scan, write_volume
from recon.errors import ReconError

THEIRS, OURS, PREPARED = "fastMRI's SliceDataset and UnetDataTransform", "recon", "recon, prepared"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit status."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            data = options.data or _made(Path(folder) / "singlecoil_val", options)
            _measure(data, Path(folder) / "cache", options)
    except ReconError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _measure(data: Path, cache: Path, options: argparse.Namespace) -> None:
    prepare_all(preparation_of(data), cache)
    mask = create_mask_for_mask_type("random", [0.08], [4])
    theirs = SliceDataset(data, "singlecoil", UnetDataTransform("singlecoil", mask))
    ours, prepared = FastMRISlices(data), FastMRISlices(data, cache=cache)
    count = min(options.at_most, len(ours))
    print(f"{count} of {len(ours)} slices of {data}, k-space {' x '.join(map(str, ours.volumes[0].shape[1:]))}")
    print(f"largest relative difference of an input: {_difference(ours, theirs, count):.1e}")
    print(f"                              prepared: {_difference(prepared, theirs, count):.1e}")
    readers: dict[str, Callable[[int], object]] = {
        THEIRS: theirs.__getitem__,
        OURS: ours.__getitem__,
        PREPARED: prepared.__getitem__,
    }
    turns = [{name: _seconds(reader, count) for name, reader in readers.items()} for _ in range(options.turns)]
    print(f"{'reader':46} slices/s  ratio")
    for name in readers:
        rate = count / statistics.median(turn[name] for turn in turns)
        ratio = statistics.median(turn[THEIRS] / turn[name] for turn in turns)
        print(f"{name:46} {rate:8.0f}  {ratio:5.2f}")


def _seconds(reader: Callable[[int], object], count: int) -> float:
    """Give the process time of reading the first slices."""
    start = time.process_time()
    for index in range(count):
        reader(index)
    return time.process_time() - start


def _difference(ours: FastMRISlices, theirs: SliceDataset, count: int) -> float:
    """Give the largest relative difference in norm between our inputs and theirs."""
    largest = 0.0
    for index in range(count):
        sample, expected = ours[index], theirs[index].image
        assert isinstance(sample, Sample)
        largest = max(largest, ((sample.input[0] - expected).norm() / expected.norm()).item())
    return largest


def _made(folder: Path, options: argparse.Namespace) -> Path:
    print(f"making {options.volumes} synthetic volumes of fastMRI's size")
    for volume in range(options.volumes):
        write_volume(folder / f"file{1000000 + volume}.h5", Scan(320, options.slices, "PD"), seed=(0, volume))
    return folder


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="benchmark_reading.py"
    )
    parser.add_argument("--data", type=Path, help="a folder of fastMRI volumes, such as singlecoil_val")
    parser.add_argument("--volumes", type=int, default=2, help="synthetic volumes (default: 2)")
    parser.add_argument("--slices", type=int, default=16, help="slices of each synthetic volume (default: 16)")
    parser.add_argument("--turns", type=int, default=9, help="turns of each reader (default: 9)")
    parser.add_argument("--at-most", type=int, default=64, metavar="N", help="slices of each turn (default: 64)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
