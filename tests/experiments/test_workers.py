"""Workers hand on what they say, fail in words, and never outlive the process that asked."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from recon.errors import ReconError
from recon.experiments.workers import News, Worker, cpu_workers, gpu_workers, run_workers
from tests.experiments import jobs

ROOT = Path(__file__).parents[2]


def ignore(news: News) -> None:
    """Take news and do nothing."""


def is_alive(number: int) -> bool:
    """Tell whether a process runs; one that has ended but was not waited for does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_news_come_from_every_worker_in_order(tmp_path: Path) -> None:
    told: list[News] = []
    workers = [Worker(0, "cpu", 1, tmp_path / "0.txt"), Worker(1, "cuda:3", 2, tmp_path / "1.txt")]
    run_workers(jobs.count, workers, (4,), told.append)
    for worker in workers:
        mine = [news for news in told if news.worker == worker.number]
        assert [news.done for news in mine] == [0.25, 0.5, 0.75, 1.0]
        assert {news.text for news in mine} == {f"{worker.device}, {worker.threads}"}
        assert worker.log.read_text() == "printed by a worker\n"


def test_refusal_of_one_worker_ends_all_with_its_words(tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(ReconError, match=r"^there must be a file, got none$"):
        run_workers(jobs.refuse, cpu_workers(2, tmp_path), (), ignore)
    assert time.monotonic() - start < 30


def test_unexpected_error_is_named_with_the_log_that_has_it(tmp_path: Path) -> None:
    with pytest.raises(ReconError, match=r"unexpected error \(ZeroDivisionError: nought\); its log is .*worker-0.txt"):
        run_workers(jobs.break_down, cpu_workers(1, tmp_path), (), ignore)
    assert "Traceback" in (tmp_path / "worker-0.txt").read_text()


def test_killed_worker_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ReconError, match="ended with SIGKILL; the machine may have run out of memory: use fewer"):
        run_workers(jobs.die, cpu_workers(1, tmp_path), (), ignore)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_lets_workers_save_and_interrupts(tmp_path: Path, number: signal.Signals) -> None:
    waiting = []

    def told(news: News) -> None:
        waiting.append(news.worker)
        if len(waiting) == 2:
            threading.Timer(0.2, os.kill, (os.getpid(), number)).start()

    with pytest.raises(KeyboardInterrupt):
        run_workers(jobs.wait_for_a_signal, cpu_workers(2, tmp_path / "logs"), (tmp_path,), told)
    assert sorted(path.name for path in tmp_path.glob("saved-*")) == ["saved-0", "saved-1"]


def test_workers_end_when_their_asker_was_killed(tmp_path: Path) -> None:
    program = tmp_path / "asker.py"
    program.write_text(
        "from pathlib import Path\n"
        "from recon.experiments.workers import cpu_workers, run_workers\n"
        "from tests.experiments import jobs\n"
        "if __name__ == '__main__':\n"
        f"    folder = Path({str(tmp_path)!r})\n"
        "    run_workers(jobs.wait_for_the_asker, cpu_workers(2, folder), (folder,), lambda news: None)\n"
    )
    asker = subprocess.Popen([sys.executable, program], env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        deadline = time.monotonic() + 60
        while len(pids := [path.read_text() for path in tmp_path.glob("pid-*")]) < 2 or not all(pids):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        asker.kill()
        asker.wait()
    deadline = time.monotonic() + 20
    while any(is_alive(int(number)) for number in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(is_alive(int(number)) for number in pids)


def test_threads_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recon.experiments.workers.cores", lambda: 16)
    assert [worker.threads for worker in cpu_workers(4, Path("logs"))] == [4, 4, 4, 4]
    assert [(worker.device, worker.threads) for worker in gpu_workers(["cuda:0", "cuda:1"], Path("logs"))] == [
        ("cuda:0", 8),
        ("cuda:1", 8),
    ]
