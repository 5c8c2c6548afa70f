"""What a file costs beside eager PyTorch: time in turns, and the memory of a process of its own."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from recon.records import Word

_FEWEST, _MOST, _ENOUGH = 5, 51, 3.0  # passes of each, and seconds of all
_LONGEST = 120.0  # seconds after which even few passes are enough
_TIMEOUT = 600  # seconds that a process of its own may take

_PEAK = """
import sys
kind, path, height, width, threads = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
if kind == "onnx":
    import numpy, onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    session.run(None, {session.get_inputs()[0].name: numpy.ones((1, 1, height, width), numpy.float32)})
else:
    import torch
    torch.set_num_threads(threads)
    if kind == "pt2":
        run = torch.export.load(path).module()
    elif kind == "torchscript":
        run = torch.jit.load(path)
    else:
        from recon.checkpoints import load
        run = load(path).to(memory_format=torch.channels_last)
    with torch.no_grad():
        run(torch.ones(1, 1, height, width))
with open("/proc/self/status") as status:
    print(*(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


@dataclass(frozen=True, slots=True)
class Seconds:
    """The medians of several passes."""

    wall: float
    processor: float
    passes: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What an image of `size` costs in a file and in eager PyTorch: seconds, and the most resident bytes if known."""

    size: tuple[int, int]
    threads: int
    eager: Seconds
    file: Seconds
    eager_memory: int | None
    file_memory: int | None

    @property
    def ratios(self) -> dict[str, float]:
        """The file's seconds over eager PyTorch's; none where those are too few for the clock."""
        pairs = {
            "wall": (self.file.wall, self.eager.wall),
            "processor": (self.file.processor, self.eager.processor),
        }
        return {name: of_file / of_eager for name, (of_file, of_eager) in pairs.items() if of_eager > 0}

    @property
    def words(self) -> dict[str, Word]:
        """What JSON can hold of it."""
        return {
            "size": list(self.size),
            "threads": self.threads,
            "seconds": {"eager": asdict(self.eager), "file": asdict(self.file)},
            "ratio": self.ratios,
            "peak_memory": {"eager": self.eager_memory, "file": self.file_memory},
        }


def timed(works: Mapping[str, Callable[[Tensor], Tensor]], images: Tensor, *, threads: int) -> dict[str, Seconds]:
    """Give the median wall and processor seconds of each work on the images, all in turns, by name.

    Where the machine is busy, processor time drifts less than wall time.
    """
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    with _threads(threads), torch.inference_mode():
        begun = time.perf_counter()
        for work in works.values():
            work(images)
        while _goes_on(len(next(iter(found.values()))), time.perf_counter() - begun):
            for name, work in works.items():
                wall, processor = time.perf_counter(), time.process_time()
                work(images)
                found[name].append((time.perf_counter() - wall, time.process_time() - processor))
    return {name: _medians(many) for name, many in found.items()}


def peak_memory(kind: str, path: Path, size: Sequence[int], *, threads: int) -> int | None:
    """Give the most bytes that a fresh process has resident which opens a file and reconstructs one image.

    `kind` is a format, or `eager` for a network's .safetensors. None where the system does not tell, or it failed.
    """
    if not Path("/proc/self/status").exists():
        return None
    path = path.resolve()  # the process works in its folder
    words = [sys.executable, "-W", "ignore", "-c", _PEAK, kind, str(path), *map(str, size), str(threads)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=_TIMEOUT, check=False, env=environment, cwd=path.parent
        )
    except subprocess.TimeoutExpired:
        return None
    number = done.stdout.split()[-1:] if done.returncode == 0 else []
    return 1024 * int(number[0]) if number and number[0].isdecimal() else None


def _goes_on(passes: int, spent: float) -> bool:
    if passes >= _MOST or (passes and spent > _LONGEST):
        return False
    return passes < _FEWEST or spent < _ENOUGH


def _medians(many: Sequence[tuple[float, float]]) -> Seconds:
    walls, processors = zip(*many, strict=True)
    return Seconds(statistics.median(walls), statistics.median(processors), len(many))


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
