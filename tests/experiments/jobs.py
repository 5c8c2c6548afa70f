"""Work for workers in tests: functions that a new process can find."""

import os
import signal
import sys
import time
from pathlib import Path

from recon.errors import DataError
from recon.experiments.workers import News, Send, Worker


def count(worker: Worker, send: Send, upto: int) -> None:
    """Tell numbers."""
    sys.stdout.write("printed by a worker\n")
    for number in range(1, upto + 1):
        send(News(worker.number, "counting", done=number / upto, text=f"{worker.device}, {worker.threads}"))


def refuse(worker: Worker, send: Send) -> None:
    """Fail at once in one worker, while the others would go on for long."""
    if worker.number == 0:
        raise DataError("there must be a file,\n got none")
    time.sleep(60)


def break_down(worker: Worker, send: Send) -> None:
    """Fail as a mistake in the code does."""
    raise ZeroDivisionError("nought")


def die(worker: Worker, send: Send) -> None:
    """End as a process does that the machine has no memory for."""
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for_a_signal(worker: Worker, send: Send, folder: Path) -> None:
    """Save when asked to end, and say nothing more."""

    def save(*_: object) -> None:
        (folder / f"saved-{worker.number}").touch()
        sys.exit(143)

    signal.signal(signal.SIGTERM, save)
    send(News(worker.number, "waiting"))
    time.sleep(60)


def wait_for_the_asker(worker: Worker, send: Send, folder: Path) -> None:
    """Go on as long as somebody waits."""
    (folder / f"pid-{worker.number}").write_text(str(os.getpid()))
    for number in range(600):
        send(News(worker.number, "working", done=number / 600))
        time.sleep(0.1)
