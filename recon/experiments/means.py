"""What an experiment may use: GPUs or processors, and how many processes at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from recon.errors import ConfigError, require_at_least
from recon.experiments.workers import Worker, cores, cpu_workers, gpu_workers


@dataclass(frozen=True, slots=True)
class Means:
    """Devices and processes.

    Args:
        gpus: `cuda:0`, ...; with none it computes on the CPU.
        workers: processes at once; None takes one for each GPU, or for each core.
    """

    gpus: Sequence[str] = ()
    workers: int | None = None

    def __post_init__(self) -> None:
        """Refuse what is no number of processes."""
        if self.workers is not None:
            require_at_least(self.workers, 1, name="workers")

    @property
    def device(self) -> str:
        """The first device."""
        return self.gpus[0] if self.gpus else "cpu"

    @property
    def words(self) -> str:
        """Say what it is."""
        count = len(self.gpus) or cores()
        return f"{count} {'GPU' if self.gpus else 'core'}{'' if count == 1 else 's'}"

    @property
    def most(self) -> int:
        """How many processes there are at most."""
        return self.workers or len(self.gpus) or cores()

    def workers_for(self, pieces: int, log: Path) -> list[Worker]:
        """Give the workers for some pieces of work."""
        count = max(1, min(self.most, pieces))
        if self.gpus:
            return gpu_workers([self.gpus[number % len(self.gpus)] for number in range(count)], log)
        return cpu_workers(count, log)

    def one(self, log: Path) -> list[Worker]:
        """Give the one worker that measures time: one thread on a CPU, whose times vary least."""
        return gpu_workers(self.gpus[:1], log) if self.gpus else [Worker(0, "cpu", 1, log / "worker-0.txt")]

    def fitting(self, memory: int, free: int | None) -> "Means":
        """Give as many processes as have room for so many bytes each, on a CPU and unless their number was chosen."""
        if self.gpus or self.workers is not None or free is None:
            return self
        return replace(self, workers=max(1, min(cores(), free // max(memory, 1))))


def gpus_of(device: str) -> list[str]:
    """Give the GPUs that a word names: `auto` takes all that there are, `cuda` too; `cpu` none; `cuda:1` that one."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "cpu" or (device == "auto" and not count):
        return []
    number = device.removeprefix("cuda:")
    if device not in ("auto", "cuda") and (not device.startswith("cuda:") or not number.isdigit()):
        raise ConfigError(f"device must be auto, cpu, cuda or cuda:N, got {device!r}")
    if not count:
        raise ConfigError(f"device {device} must be there, got none: torch sees no GPU; pass --device cpu")
    if device in ("auto", "cuda"):
        return [f"cuda:{place}" for place in range(count)]
    if int(number) >= count:
        raise ConfigError(f"device {device} must be there, got {count} GPUs, counted from cuda:0")
    return [device]
