"""How files are gone through and counted for a description: all of them, or some spread evenly."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from PIL import Image

from recon.data.images import FORMATS
from recon.data.inspection.kinds import DataFolder
from recon.data.inspection.records import PartDescription, SizeCount
from recon.data.progress import tracked
from recon.errors import DataError

IMAGES = 1000  # images whose sizes are looked at, spread evenly, unless all are
_FEW = 200  # that are looked at without a progress bar

T = TypeVar("T")


def evenly(items: Sequence[T], count: int) -> list[T]:
    """Give at most `count` of the items, spread evenly over all of them.

    >>> evenly(range(10), 3)
    [1, 5, 8]
    """
    n = min(count, len(items))
    return [items[(2 * place + 1) * len(items) // (2 * n)] for place in range(n)]


def shown(items: Sequence[T], title: str) -> Iterator[T]:
    """Give the items one after the other, with a progress bar if they are many."""
    return tracked(items, title) if len(items) > _FEW else iter(items)


def read_parts(
    parts: Mapping[str, Sequence[Path]], read: Callable[[Path], T]
) -> tuple[dict[str, list[T]], tuple[str, ...]]:
    """Read what every file says of itself, by part, and say why others could not be read."""
    found: dict[str, list[T]] = {name: [] for name in parts}
    bad = []
    for name, path in shown([(name, path) for name, files in parts.items() for path in files], "looking at files"):
        try:
            found[name].append(read(path))
        except DataError as error:
            bad.append(str(error))
        except (OSError, RuntimeError, LookupError) as error:  # what HDF5 has for files whose insides are broken
            bad.append(f"{path} cannot be read: {error}")
    return found, tuple(bad)


def parts_described(
    found: DataFolder, by_part: Mapping[str, Sequence[T]], slices: Callable[[T], int]
) -> tuple[PartDescription, ...]:
    """Count what each part has: its files, what was read of them, the slices of that, the bytes."""
    return tuple(
        PartDescription(
            name,
            len(files),
            len(by_part[name]),
            sum(map(slices, by_part[name])),
            sum(path.stat().st_size for path in files if path.exists()),
        )
        for name, files in found.parts.items()
    )


def sizes_counted(sizes: Iterable[tuple[int, ...]]) -> tuple[SizeCount, ...]:
    """Count how often each size (rows, columns) occurs."""
    return tuple(SizeCount((size[0], size[1]), count) for size, count in Counter(sizes).most_common())


def image_size(path: Path) -> tuple[int, int]:
    """Read the rows and columns of an image without its pixels."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            return image.height, image.width
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
