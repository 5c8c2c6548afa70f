"""What a person sees of an experiment while it runs: how far it is in all, what each worker does, and the time left."""

import sys
import time
from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

_LINES = 20  # of a log, at most, that say how far it is


class Board:
    """A bar for the whole, and a line for each worker; where standard error is no terminal, lines for a log.

    Args:
        shares: the stages' names in their order, with the parts of the time that they are expected to take.
    """

    def __init__(self, shares: Mapping[str, float]) -> None:
        total = sum(shares.values()) or 1.0
        self._shares = {name: share / total for name, share in shares.items()}
        self._before = self._inside = 0.0
        self._stage = ""
        self._skipped = 0.0  # what was done already before, and says nothing about speed
        self._start = time.monotonic()
        self._said = -1
        self._console = Console(file=sys.stderr)
        self._progress: Progress | None = None
        self._whole: TaskID | None = None
        self._workers: dict[int, TaskID] = {}

    def __enter__(self) -> "Board":
        self._start = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self._hide()

    @property
    def fraction(self) -> float:
        """How much of the whole is done."""
        return min(self._before + self._shares.get(self._stage, 0.0) * self._inside, 1.0)

    @property
    def seconds_left(self) -> float:
        """How long the rest takes if it goes on as it did; NaN where that cannot be told yet."""
        done = self.fraction - self._skipped
        elapsed = time.monotonic() - self._start
        return float("nan") if done < 0.01 or elapsed < 1 else elapsed / done * (1 - self.fraction)

    def begin(self, stage: str, text: str) -> None:
        """Begin a stage; `text` says what it does. Its share counts from here on."""
        self._stage, self._inside = stage, 0.0
        self._say(f"{stage}: {text}")
        self._show()

    def end(self, *, skipped: bool = False) -> None:
        """End the stage; `skipped` says that it was done already."""
        share = self._shares.get(self._stage, 0.0)
        self._skipped += share * (1 - self._inside) if skipped else 0.0
        self._before, self._inside, self._stage = self._before + share, 0.0, ""
        self._hide()

    def advance(self, inside: float) -> None:
        """Say how much of the stage is done, from 0 to 1."""
        self._inside = min(max(inside, self._inside), 1.0)
        if self._progress is not None and self._whole is not None:
            self._progress.update(self._whole, completed=self.fraction)
            return
        twentieth = int(self.fraction * _LINES)
        if twentieth > self._said:
            self._said = twentieth
            self._say(f"{self.fraction:.0%} done, {left_text(self.seconds_left)}")

    def pause(self) -> None:
        """Take the bar away, since something else draws one; the next stage shows it again."""
        self._hide()

    def already(self, inside: float) -> None:
        """Say how much of the stage had been done before."""
        self._skipped += self._shares.get(self._stage, 0.0) * inside
        self.advance(inside)

    def tell(self, worker: int, text: str) -> None:
        """Say what a worker does; nothing removes its line."""
        if self._progress is None:
            return
        if worker not in self._workers:
            self._workers[worker] = self._progress.add_task(text, total=None)
        self._progress.update(self._workers[worker], description=text, visible=bool(text))

    def note(self, text: str) -> None:
        """Write a line that stays."""
        self._say(text)

    def _show(self) -> None:
        if not self._console.is_terminal:
            return
        columns = (TextColumn("{task.description}"), _WholeBar(), _WholeTime(self))
        self._progress = Progress(*columns, console=self._console, transient=True)
        self._progress.start()
        self._whole = self._progress.add_task("in all", total=1.0)
        self._progress.update(self._whole, completed=self.fraction)
        self._workers = {}

    def _hide(self) -> None:
        if self._progress is not None:
            self._progress.stop()
        self._progress = None

    def _say(self, text: str) -> None:
        console = self._console if self._progress is None else self._progress.console
        console.print(text, highlight=False, soft_wrap=True, markup=False)


def left_text(seconds: float) -> str:
    """Write the time left.

    >>> left_text(75.0), left_text(2.0), left_text(90000.0), left_text(float("nan"))
    ('1:15 min left', '0:02 min left', '1 d 1:00 h left', 'time left not known yet')
    """
    return "time left not known yet" if seconds != seconds else f"{duration_text(seconds)} left"


def duration_text(seconds: float) -> str:
    """Write a duration.

    >>> duration_text(75.0), duration_text(4000.0)
    ('1:15 min', '1:06 h')
    """
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    return f"{f'{days} d ' if days else ''}{hours}:{minutes:02d} h"


class _WholeBar(BarColumn):
    """A bar for what has a total alone."""

    def render(self, task: Task) -> Text:  # type: ignore[override]
        """Draw."""
        return Text() if task.total is None else super().render(task)  # type: ignore[return-value]


class _WholeTime(ProgressColumn):
    """The percentage, and the time that has passed and is left."""

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board

    def render(self, task: Task) -> Text:
        """Write."""
        if task.total is None:
            return Text()
        passed = duration_text(time.monotonic() - self._board._start)
        return Text(f"{self._board.fraction:.0%}  {passed} passed, {left_text(self._board.seconds_left)}")
