"""How the commands write: aligned columns, counted words, sizes on disk."""

import argparse
from collections.abc import Sequence
from typing import TypeAlias

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def aligned(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Give rows of cells as lines with aligned columns; those whose numbers are in `right` end flush.

    >>> aligned([("part", "files"), ("train", "7")], right=[1])
    ['part   files', 'train      7']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:{'>' if column in right else '<'}{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def counted(count: int, noun: str) -> str:
    """Give a number with its noun.

    >>> counted(1, "file"), counted(1200, "file"), counted(2, "patch"), counted(3, "epoch")
    ('1 file', '1 200 files', '2 patches', '3 epochs')
    """
    sharp = noun.endswith(("ch", "s", "x")) and not noun.endswith("poch")
    ending = "" if count == 1 else "es" if sharp else "s"
    return f"{grouped(count)} {noun}{ending}"


def grouped(count: int) -> str:
    """Give a number with its thousands apart.

    >>> grouped(35820)
    '35 820'
    """
    return f"{count:,}".replace(",", " ")


def size_on_disk(count: int) -> str:
    """Give a number of bytes in the largest unit that leaves a number of at least 1.

    >>> size_on_disk(999), size_on_disk(1000), size_on_disk(23_456_789)
    ('999 bytes', '1.0 kB', '23.5 MB')
    """
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{count} {_UNITS[0]}" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"
