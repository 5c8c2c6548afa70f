"""The errors that recon raises for a user's mistake, and the few checks that raise them."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class ReconError(Exception):
    """Base of every error that a user can cause and mend: its message says what must hold, what came, what to do."""


class ShapeError(ReconError, ValueError):
    """A tensor's shape does not fit."""


class DataError(ReconError, ValueError):
    """The values of a tensor or the contents of a file cannot be used."""


class ConfigError(ReconError, ValueError):
    """An option, name or combination of options does not exist or does not make sense."""


def require_known(value: str, known: Iterable[str], *, name: str) -> str:
    """Return value if it is one of the known words; otherwise raise an error that names the nearest.

    >>> require_known("ps", ["aps", "lpf"], name="sampling")
    Traceback (most recent call last):
    recon.errors.ConfigError: sampling must be one of aps, lpf, got 'ps'; did you mean 'aps'?
    """
    words = list(known)
    if value in words:
        return value
    near = get_close_matches(str(value), words, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ConfigError(f"{name} must be one of {', '.join(words)}, got {value!r}{hint}")


def require_at_least(value: int, least: int, *, name: str) -> int:
    """Return value if it is a whole number of at least `least`; otherwise raise an error."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return value


def require_pair(value: Sequence[int] | None, *, name: str) -> None:
    """Raise an error unless value is None or two whole numbers of at least 1."""
    whole = value is not None and all(isinstance(n, int) and not isinstance(n, bool) and n >= 1 for n in value)
    if value is not None and not (whole and len(value) == 2):
        raise ConfigError(f"{name} must be two whole numbers of at least 1 (rows, columns), got {value!r}")
