"""A progress bar for loops over files and slices, on the terminal alone."""

import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

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
