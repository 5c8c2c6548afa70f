"""Words that JSON holds, taken out of a certificate with their kinds checked."""

import json
import math
from collections.abc import Mapping, Sequence

from recon.errors import DataError
from recon.records import Word

FORMAT, VERSION = "recon certificate", 2
KEY = "recon-certificate"  # under which an ONNX file and a bundle's metadata hold it
SEAL = "seal"

_LARGEST = 2**63
_NUMBER = "$number"  # marks a number that JSON does not have


def canonical(words: Mapping[str, Word]) -> bytes:
    """Give the one way to write words: keys in order, no blanks, ASCII; what the seal is of, without the seal itself.

    Numbers that JSON does not have become {"$number": "inf"}.

    >>> canonical({"b": 1.0, "a": "x", "seal": {}})
    b'{"a":"x","b":1.0}'
    """
    kept = {name: value for name, value in words.items() if name != SEAL}
    return json.dumps(_spelt(kept), sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def to_text(words: Mapping[str, Word]) -> str:
    """Write words as JSON that people can read, too."""
    return json.dumps(_spelt(words), sort_keys=True, indent=1, allow_nan=False) + "\n"


def from_text(text: str, *, where: str) -> Mapping[str, Word]:
    """Read a certificate's words; `where` is what errors call it."""
    try:
        words = json.loads(text, object_pairs_hook=_understood, parse_int=_whole)
        if not isinstance(words, dict) or words.get("format") != FORMAT or type(words.get("version")) is not int:
            raise ValueError("it is something else")
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(
            f"{where} must be a certificate that `recon certify` wrote, got one that cannot be understood ({error}); "
            f"certify the model again"
        ) from error
    if words["version"] > VERSION:
        raise DataError(f"{where} is of version {words['version']}, and this recon knows {VERSION}; update recon")
    if words["version"] < VERSION:
        raise DataError(
            f"{where} must be of version {VERSION}, got {words['version']}, which an earlier recon wrote; certify the "
            f"model again, or verify with that recon"
        )
    return words


def mapping(words: Mapping[str, Word], name: str) -> Mapping[str, Word]:
    """Take out a mapping."""
    found = words.get(name)
    if not isinstance(found, Mapping):
        raise _missing(name, "a mapping", found)
    return found


def rows(words: Mapping[str, Word], name: str) -> list[Mapping[str, Word]]:
    """Take out a list of mappings."""
    found = words.get(name)
    if isinstance(found, str) or not isinstance(found, Sequence):
        raise _missing(name, "a list", found)
    if not all(isinstance(one, Mapping) for one in found):
        raise _missing(name, "a list of mappings", found)
    return [one for one in found if isinstance(one, Mapping)]


def text(words: Mapping[str, Word], name: str) -> str:
    """Take out a text."""
    found = words.get(name)
    if not isinstance(found, str):
        raise _missing(name, "a text", found)
    return found


def number(words: Mapping[str, Word], name: str) -> float | None:
    """Take out a number; None where there is none."""
    found = words.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise _missing(name, "a number", found)
    return float(found)


def _missing(name: str, wanted: str, found: Word) -> DataError:
    return DataError(
        f"a certificate must hold {wanted} as {name}, got {type(found).__name__}; it is altered or cut short, certify "
        f"the model again"
    )


def _spelt(value: Word) -> Word:
    if isinstance(value, float) and not math.isfinite(value):
        return {_NUMBER: str(value)}
    if isinstance(value, Mapping):
        return {name: _spelt(entry) for name, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_spelt(entry) for entry in value]
    return value


def _whole(digits: str) -> int:
    """Refuse whole numbers that no computer counts with."""
    value = int(digits)
    if abs(value) >= _LARGEST:
        raise ValueError(f"a number of {len(digits)} digits")
    return value


def _understood(pairs: list[tuple[str, Word]]) -> Word:
    """Refuse a key that is there twice, of which readers would see different ones."""
    words = dict(pairs)
    if len(words) != len(pairs):
        raise ValueError("a key is there twice")
    if words.keys() == {_NUMBER}:
        return float(str(words[_NUMBER]))
    return words
