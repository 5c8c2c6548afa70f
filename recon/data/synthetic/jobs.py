"""The files of a data set made one after the other, here or in processes, each job in one thread."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context

import torch
from threadpoolctl import threadpool_limits

Job = Callable[[], None]


def running(jobs: Sequence[Job], workers: int) -> Iterator[None]:
    """Do the jobs, here or in processes, and give a sign after each."""
    if workers == 1 or len(jobs) == 1:
        for job in jobs:
            _alone(job)
            yield
        return
    with ProcessPoolExecutor(min(workers, len(jobs)), get_context("spawn")) as pool:
        with _interrupts_ignored():  # which the workers inherit: this process stops them
            submitted = [pool.submit(_alone, job) for job in jobs]
        try:
            for done in as_completed(submitted):
                done.result()
                yield
        except BaseException:
            pool.shutdown(cancel_futures=True)  # after Ctrl-C, what has not begun is not begun
            raise


def _alone(job: Job) -> None:
    """Do a job in one thread: many small products are done, for which several threads wait longer than they work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            job()
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # where signals do not come
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
