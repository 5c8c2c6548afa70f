"""Processes that share an experiment's work: one for each GPU, or for each core; they end with the one that asks."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from recon.errors import ReconError

_TICK = 0.2  # seconds between two looks at the workers
_GRACE = 120.0  # seconds for saving what is under way


@dataclass(frozen=True, slots=True)
class Worker:
    """One process: its number, its device (`cpu`, `cuda:1`), how many threads it may use, and its log."""

    number: int
    device: str
    threads: int
    log: Path


@dataclass(frozen=True, slots=True)
class News:
    """What a worker says: which piece of work it is at, how much of it is done (0 to 1), and what a person may read.

    `failed` says that it has ended, and why.
    """

    worker: int
    piece: str = ""
    done: float = 0.0
    text: str = ""
    failed: str = ""


Send = Callable[[News], None]
Work = Callable[..., None]  # (worker, send, *arguments); a function of a module, since it is named to the process


def cores() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_workers(count: int, log: Path) -> list[Worker]:
    """Give workers that share the processors out."""
    return [Worker(number, "cpu", max(1, cores() // count), _log_of(log, number)) for number in range(count)]


def gpu_workers(devices: Sequence[str], log: Path) -> list[Worker]:
    """Give a worker for each GPU."""
    share = max(1, cores() // len(devices))
    return [Worker(number, device, share, _log_of(log, number)) for number, device in enumerate(devices)]


def run_workers(work: Work, workers: Sequence[Worker], arguments: Sequence[Any], told: Send) -> None:
    """Let every worker do `work(worker, send, *arguments)`, and hand on what they say; return when all are done.

    Ctrl-C and SIGTERM end the workers, which save what they can, and then raise KeyboardInterrupt here; a second Ctrl-C
    does not wait for that. Where a worker fails, the others end likewise, and its words are raised.
    """
    context = get_context("spawn")
    running: dict[BaseProcess, Connection] = {}
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        for worker in workers:
            ours, theirs = context.Pipe(duplex=False)
            process: BaseProcess = context.Process(
                target=_main, args=(work, worker, theirs, tuple(arguments)), daemon=False
            )
            process.start()
            theirs.close()
            running[process] = ours
        _follow(running, workers, told)
    except BaseException:
        _end(list(running))
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
        for process, connection in running.items():
            connection.close()
            process.join()


def _follow(running: dict[BaseProcess, Connection], workers: Sequence[Worker], told: Send) -> None:
    """Hand on news until all connections are closed."""
    logs = dict(zip(running, (worker.log for worker in workers), strict=True))
    listening = {connection: process for process, connection in running.items()}
    while listening:
        for connection in wait(list(listening), timeout=_TICK):
            assert isinstance(connection, Connection)
            try:
                news = connection.recv()
            except (EOFError, OSError):
                process = listening.pop(connection)
                process.join()
                if process.exitcode:
                    raise WorkerError(_died(process.exitcode, logs[process])) from None
                continue
            if news.failed:
                raise WorkerError(news.failed)
            told(news)


class WorkerError(ReconError):
    """A worker failed; the message is its own."""


def _died(status: int, log: Path) -> str:
    reason = signal.Signals(-status).name if status < 0 else f"status {status}"
    hint = "; the machine may have run out of memory: use fewer workers" if -status == signal.SIGKILL else ""
    return f"a worker must go on to its end, got one that ended with {reason}{hint}; its log is {log}"


def _end(processes: Sequence[BaseProcess]) -> None:
    """Ask processes to end, which lets them save; kill them after a while, or at a second Ctrl-C."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _GRACE
    with suppress(KeyboardInterrupt):
        for process in processes:
            process.join(max(0.0, deadline - time.monotonic()))
    for process in processes:
        if process.is_alive():
            process.kill()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _log_of(folder: Path, number: int) -> Path:
    return folder / f"worker-{number}.txt"


def _main(work: Work, worker: Worker, connection: Connection, arguments: tuple[Any, ...]) -> None:
    """Be a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asked ends this one
    _write_to(worker.log)
    asked = parent_process()

    def send(news: News) -> None:
        if asked is not None and not asked.is_alive():
            os.kill(os.getpid(), signal.SIGTERM)  # nobody waits for it any more
            return
        with suppress(BrokenPipeError):
            connection.send(news)

    try:
        work(worker, send, *arguments)
    except ReconError as error:
        send(News(worker.number, failed=" ".join(str(error).split())))
    except SystemExit:
        raise
    except BaseException as error:
        traceback.print_exc()
        sys.stderr.flush()
        said = str(error).strip().splitlines()
        words = f"{type(error).__name__}{f': {said[0]}' if said else ''}"
        send(News(worker.number, failed=f"a worker met an unexpected error ({words}); its log is {worker.log}"))
    finally:
        connection.close()


def _write_to(log: Path) -> None:
    """Let all that is printed, by libraries too, go into the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)
