"""A server of `recon serve` in a process of its own, and looks at what it does."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Served:
    """A running server: where it listens, its process, and what it logs."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process, self.log_file = process, log
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+) \(for research use only\)\n", first)
        assert found, f"{first!r}\n{log.read_text()}"
        self.port = int(found[1])

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self.log_file.read_text(encoding="utf-8")

    @property
    def sessions(self) -> int:
        """Count its processes."""
        pid = self.process.pid
        return len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    @property
    def resident(self) -> int:
        """Its memory in kB, without that of its sessions."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found
        return int(found[1])

    @property
    def files(self) -> int:
        """Count its open files."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it; give its exit status."""
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def served(model: Path, log: Path, *options: str) -> Iterator[Served]:
    """Start a server on a free port; it is ended at the end."""
    command = [sys.executable, "-m", "recon", "serve", str(model), "--port", "0", "--device", "cpu", *options]
    with log.open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        yield Served(process, log)
    finally:
        process.kill()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


def until(met: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.02)
