"""What a network costs: parameters, time and memory."""

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from recon.evaluation.models import Model
from recon.evaluation.protocol import Measured, Protocol
from recon.evaluation.studies import AnyStudy, Unit
from recon.records import Word

WARM_UPS, FEWEST = 2, 5  # passes
SHORTEST, LONGEST = 0.3, 20.0  # seconds of one round
ROUNDS = 5


class CostProtocol(Protocol[AnyStudy]):
    """Parameters, seconds for one image, images a second in batches, and the most memory that an image takes.

    Time is measured in rounds, each of all networks in turn, so that ratios hold where the machine's speed drifts; the
    rest in the first round alone.
    """

    name, title = "cost", "parameters, time and memory"
    version, in_turns = 2, True

    def convention(self, study: AnyStudy) -> str:
        """Say how."""
        memory = (
            "the most that torch has allocated on the GPU during a pass, less what it had before"
            if study.device.type == "cuda"
            else "the most bytes of tensors that a pass allocates on the CPU and holds at once, by torch's profiler, "
            "without the working memory of libraries beneath torch; not known for what does not run in torch"
        )
        return (
            f"white noise of the images' size, weights channels last where they are recon's; seconds: wall time of one "
            f"image, in {ROUNDS} rounds of all networks in turn, in each the median of at least {FEWEST} passes after "
            f"{WARM_UPS}, for {SHORTEST:g} to {LONGEST:g} seconds, whatever else the machine does; ratios: medians of "
            f"those of each round; throughput: images a second in batches, measured alike; peak_memory: of one image, "
            f"in bytes: {memory}; parameters: learnt numbers"
        )

    def units(self, model: Model, study: AnyStudy) -> Sequence[Unit]:
        """Take it as a whole, several times."""
        return [Unit(f"round {number}", (number,)) for number in range(ROUNDS)]

    def passes(self, model: Model, unit: Unit, study: AnyStudy) -> int:
        """Count the least number of images: how many fit into the time shows only then."""
        return (WARM_UPS + FEWEST) * (1 if unit.indices[0] else 1 + model.batch_size)

    def measure(self, model: Model, unit: Unit, study: AnyStudy) -> Iterator[Measured]:
        """Measure time; in the first round, the rest too."""
        values = study.generator("cost").standard_normal((model.batch_size, *study.shape))
        batch = torch.from_numpy(values).float().to(model.device)
        (number,) = unit.indices
        measures = {"seconds": median_seconds(_pass_of(model, batch[:1]), model.device)}
        if number == 0:
            measures |= _once(model, batch)
        settings: dict[str, Word] = {
            "size": list(study.size),
            "threads": torch.get_num_threads(),
            "batch_size": model.batch_size,
            "round": number,
        }
        yield Measured("set", "", measures, settings=settings)


def _once(model: Model, batch: Tensor) -> dict[str, float]:
    """Measure what does not drift, or is not compared: parameters, throughput and memory."""
    seconds = median_seconds(_pass_of(model, batch), model.device)
    measures = {"throughput": len(batch) / seconds}
    if model.subject.parameters is not None:
        measures["parameters"] = float(model.subject.parameters)
    if model.device.type == "cuda" or model.subject.kind != "onnx":
        measures["peak_memory"] = float(peak_memory(_pass_of(model, batch[:1]), model.device))
    return measures


def median_seconds(
    work: Callable[[], object],
    device: torch.device,
    *,
    warm_ups: int = WARM_UPS,
    fewest: int = FEWEST,
    shortest: float | None = None,
) -> float:
    """Give the median wall time of some work, which is waited for where it runs on a GPU.

    It is done at least `fewest` times (unless that takes very long), and for at least `shortest` seconds (None: those
    of one round).
    """
    enough = SHORTEST if shortest is None else shortest
    for _ in range(warm_ups):
        work()
    times: list[float] = []
    spent = 0.0
    while spent < (enough if len(times) >= fewest else LONGEST):
        _wait(device)
        start = time.perf_counter()
        work()
        _wait(device)
        times.append(time.perf_counter() - start)
        spent += times[-1]
    return statistics.median(times)


def peak_memory(work: Callable[[], object], device: torch.device) -> int:
    """Give the most bytes that some work allocates and holds at once, on a GPU or in tensors on the CPU."""
    if device.type == "cuda":
        _wait(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        _wait(device)
        return torch.cuda.max_memory_allocated(device) - before
    with _quiet_profiler(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    held = highest = 0
    for change in _allocations(profiler):
        held += change
        highest = max(highest, held)
    return highest


def _pass_of(model: Model, images: Tensor) -> Callable[[], object]:
    """Give a pass of the network alone, as `Model` runs it but without its checks."""
    enabled = model.precision != "float32"

    @torch.no_grad()
    def work() -> object:
        with torch.autocast(model.device.type, getattr(torch, model.precision), enabled=enabled):
            return model.function(images)

    return work


def _allocations(profiler: profile) -> list[int]:
    """Give the bytes that were allocated (+) and freed (-), in their order."""
    with TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    of_memory = [event for event in events if event.get("name") == "[memory]" and event["args"]["Device Type"] == 0]
    return [int(event["args"]["Bytes"]) for event in sorted(of_memory, key=lambda event: float(event["ts"]))]


@contextmanager
def _quiet_profiler() -> Iterator[None]:
    """Keep the profiler from writing notes to the terminal when it first starts."""
    name = "KINETO_LOG_LEVEL"
    if name in os.environ:
        yield
        return
    os.environ[name] = "99"
    try:
        yield
    finally:
        del os.environ[name]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
