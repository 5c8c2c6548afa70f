"""NumPy's arrays as pickles describe them, made here from their parts: type, shape and bytes."""

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recon.errors import DataError

_TYPE = re.compile(r"b1|[iu][1248]")
_ORDERS = ("<", ">", "=", "|")

NAMES = {  # what a pickle may name, and what it stands for; Python 2 and NumPy 1 have names of their own
    "numpy.core.multiarray _reconstruct": "array",
    "numpy._core.multiarray _reconstruct": "array",
    "numpy.core.numeric _frombuffer": "whole array",
    "numpy._core.numeric _frombuffer": "whole array",
    "numpy ndarray": "kind of array",
    "numpy dtype": "type",
    "_codecs encode": "bytes",  # how protocol 2 of Python 3 writes them
    "__builtin__ bytes": "no bytes",
    "builtins bytes": "no bytes",
}


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a pickle may use, by what it stands for."""

    meaning: str


@dataclass(slots=True, eq=False)
class StoredType:
    """The type of an array's numbers: kind and size as in `u1`, and the order of bytes."""

    code: str
    order: str = "|"

    def numpy(self) -> np.dtype[np.generic]:
        """Give NumPy's type."""
        return np.dtype(self.order + self.code)


class StoredArray:
    """An array whose state is still to come."""


def known_name(name: str) -> Name:
    """Tell what a name (its module, a space, itself) stands for, or refuse it."""
    if name not in NAMES:
        raise DataError(f"the name {name.replace(' ', '.')!r}")
    return Name(NAMES[name])


def called(name: object, arguments: object) -> object:
    """Give what a known name makes of its arguments."""
    match name, arguments:
        case Name("array"), (Name("kind of array"), (0,), b"b" | "b"):
            return StoredArray()
        case Name("whole array"), (buffer, StoredType() as kind, tuple() as shape, str() | bytes() as order):
            return _array(buffer, kind, shape, fortran=_text(order) == "F")
        case Name("type"), (str() | bytes() as code, 0 | 1, 0 | 1) if _TYPE.fullmatch(_text(code)):
            return StoredType(_text(code))
        case Name("type"), (str() | bytes() as code, *_) if not _TYPE.fullmatch(_text(code)):
            raise DataError(f"an array of the type {_text(code)!r}, where whole numbers must be")
        case Name("bytes"), (str() as text, "latin1" | "latin-1" | b"latin1" | b"latin-1"):
            return text.encode("latin-1")
        case Name("no bytes"), ():
            return b""
    meaning = name.meaning if isinstance(name, Name) else type(name).__name__
    raise DataError(f"arguments that make no {meaning}")


def built(thing: object, state: object) -> object:
    """Give an array its type, shape and bytes, or a type its order of bytes."""
    match thing, state:
        case StoredArray(), (1, tuple() as shape, StoredType() as kind, bool() | int() as fortran, buffer):
            return _array(buffer, kind, shape, fortran=bool(fortran))
        case StoredType(), (int(), str() | bytes() as order, None, None, None, *_) if _text(order) in _ORDERS:
            thing.order = _text(order)
            return thing
    raise DataError("a state that fits neither an array nor its type")


def _array(buffer: object, kind: StoredType, shape: tuple[object, ...], *, fortran: bool) -> NDArray[np.generic]:
    lengths = [length for length in shape if isinstance(length, int) and length >= 0]
    if len(lengths) != len(shape) or not isinstance(buffer, bytes | bytearray):
        raise DataError("an array whose shape is none, or whose numbers are not bytes")
    type_ = kind.numpy()
    needed = math.prod(lengths) * type_.itemsize
    if needed != len(buffer):
        raise DataError(f"an array that needs {needed} bytes and has {len(buffer)}")
    return np.frombuffer(buffer, type_).reshape(lengths, order="F" if fortran else "C")


def _text(word: str | bytes) -> str:
    return word if isinstance(word, str) else word.decode("latin-1")
