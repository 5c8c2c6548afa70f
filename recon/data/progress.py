"""Progress bars for loops over files and slices and for counted work, on the terminal alone."""

import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

T = TypeVar("T")


def tracked(items: Iterable[T], title: str, *, total: int | None = None) -> Iterator[T]:
    """Give the items one after the other, and show on a terminal's standard error how far it is and how long it takes.

    `total` says how many there are where they cannot be counted. Where standard error is not a terminal, a line at the
    start and one at the end say the same to a log.
    """
    console = Console(file=sys.stderr)
    count = len(items) if total is None and isinstance(items, Sized) else total
    if not console.is_terminal:
        console.print(f"{title}: {count} to do", highlight=False, soft_wrap=True)
        yield from items
        console.print(f"{title}: done", highlight=False, soft_wrap=True)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=console) as progress:
        yield from progress.track(items, total=count, description=title)


class Counter:
    """A progress bar for work that is counted as it is done, with how much of it there is in a second.

    Where standard error is not a terminal, lines at a tenth of the way each say the same to a log.
    """

    def __init__(self, title: str, total: int, *, unit: str) -> None:
        self.title, self.total, self.unit = title, total, unit
        self.done = 0
        self._console = Console(file=sys.stderr)
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> "Counter":
        if self.total and self._console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(self.unit))
            times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
            self._progress = Progress(*columns, *times, console=self._console)
            self._progress.start()
            self._task = self._progress.add_task(self.title, total=self.total)
        elif self.total:
            self._say(f"{self.title}: {self.total} {self.unit} to do")
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def describe(self, what: str) -> None:
        """Say what is being done."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=what)

    def advance(self, count: int) -> None:
        """Count what was done."""
        before, self.done = self.done, self.done + count
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task, count)
        elif self.total and before * 10 // self.total < self.done * 10 // self.total:
            self._say(f"{self.title}: {self.done} of {self.total} {self.unit}")

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)
