"""The blur filters by name: their taps in one dimension, as plain numbers and without torch."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from math import comb, fsum

from recon.errors import ConfigError

_DESIGNS: dict[str, tuple[float, ...]] = {
    "window-3": (1, 1.57, 1),
    "window-6": (-1, 1.67, 5, 5, 1.67, -1),
    "window-7": (-1, 0, 3, 4.71, 3, 0, -1),
    "ls-3": (1, 1.63, 1),
    "ls-7": (-1, 0, 3.80, 6.13, 3.80, 0, -1),
}

FILTERS: tuple[str, ...] = (
    "delta-1",
    *(f"rect-{n}" for n in range(2, 8)),
    *(f"tri-{n}" for n in (3, 5, 7)),
    *(f"bin-{n}" for n in range(4, 8)),
    *_DESIGNS,
)
"""The 19 filters of Zhang (2019), table 1, in its order."""


def filter_taps(name: str) -> tuple[float, ...]:
    """Give the taps of a blur filter, which sum to 1.

    `delta-1` leaves the image as it is. `rect-N` is a box of N taps, `tri-N` (N odd) the convolution of a box of
    (N + 1) / 2 taps with itself, and `bin-N` row N - 1 of Pascal's triangle, tap k = (N - 1 choose k) / 2^(N - 1), for
    N from 1 to 999. `window-3`, `window-6`, `window-7`, `ls-3` and `ls-7` are windowed and least-squares designs; the
    longer ones have negative taps. Every filter is symmetric; one with an even number of taps delays by half a sample.

    Reference: Zhang 2019, Making convolutional networks shift-invariant again, table 1.

    >>> filter_taps("tri-3")
    (0.25, 0.5, 0.25)
    >>> filter_taps("bin-5")
    (0.0625, 0.25, 0.375, 0.25, 0.0625)
    """
    weights = _weights(name)
    total = fsum(weights)
    return tuple(weight / total for weight in weights)


def _weights(name: str) -> Sequence[float]:
    if name == "delta-1":
        return (1,)
    if name in _DESIGNS:
        return _DESIGNS[name]
    match = re.fullmatch(r"(rect|tri|bin)-([1-9][0-9]{0,2})", name, flags=re.ASCII)
    if match is None:
        raise _unknown(name)
    length = int(match[2])
    if match[1] == "rect":
        return (1,) * length
    if match[1] == "bin":
        return [comb(length - 1, k) for k in range(length)]
    if length % 2 == 0:
        raise ConfigError(f"tri-N needs an odd N, got {name!r}; take 'tri-{length + 1}' or 'bin-{length}'")
    return [min(k + 1, length - k) for k in range(length)]  # box * box


def _unknown(name: str) -> ConfigError:
    near = get_close_matches(name, FILTERS, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    designs = ", ".join(_DESIGNS)
    return ConfigError(
        f"a filter must be delta-1, rect-N, tri-N (N odd) or bin-N with a whole N from 1 to 999, or one of {designs}, "
        f"got {name!r}{hint}"
    )
