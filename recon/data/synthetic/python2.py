"""Pickles as Python 2 wrote them, in protocol 2: what CIFAR-10's files are. They are written here, and never loaded."""

import struct
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Value: TypeAlias = "Mapping[str, Value] | Sequence[Value] | NDArray[np.uint8] | str | bytes | int | None"

_AT_ONCE = 1000  # items that one operation puts into a list
_ARRAY = ("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")
_UINT8 = (3, "|", None, None, None, -1, -1, 0)  # the type's state: version, byte order, .., sizes and flags


def pickled(content: Mapping[str, Value]) -> bytes:
    """Give a dictionary of whole numbers, strings, lists, tuples and arrays of bytes as Python 2 pickled it.

    Its strings are of bytes, and arrays are put together by numpy.core.multiarray, as in the real files: Python 3's
    own pickles have other operations, and numpy 2's other names.
    """
    machine = _Machine()
    machine.write(content)
    return b"\x80\x02" + b"".join(machine.operations) + b"."


class _Machine:
    """Operations of the pickle machine in their order; every object is remembered by a number, as Python 2 does."""

    def __init__(self) -> None:
        self.operations: list[bytes] = []
        self._remembered = 0

    def write(self, value: Value) -> None:
        """Write any value."""
        match value:
            case None | bool():
                self._add({None: b"N", False: b"\x89", True: b"\x88"}[value])
            case int():
                self._number(value)
            case str() | bytes():
                self._string(value.encode("ascii") if isinstance(value, str) else value)
            case np.ndarray():
                self._array(value)
            case tuple():
                self._tuple(value)
            case Mapping():
                self._add(b"}", remember=True)
                self._all([one for item in value.items() for one in item], b"u")
            case _:
                self._add(b"]", remember=True)
                for start in range(0, len(value), _AT_ONCE):
                    self._all(value[start : start + _AT_ONCE], b"e")

    def _number(self, value: int) -> None:
        if 0 <= value < 1 << 8:
            self._add(b"K" + struct.pack("<B", value))
        elif 0 <= value < 1 << 16:
            self._add(b"M" + struct.pack("<H", value))
        else:
            self._add(b"J" + struct.pack("<i", value))

    def _string(self, value: bytes) -> None:
        short = len(value) < 1 << 8
        self._add(b"U" + struct.pack("<B", len(value)) if short else b"T" + struct.pack("<i", len(value)))
        self._add(value, remember=True)

    def _tuple(self, values: Sequence[Value]) -> None:
        if not 1 <= len(values) <= 3:
            self._all(values, b"t", remember=True)
            return
        for value in values:
            self.write(value)
        self._add((b"\x85", b"\x86", b"\x87")[len(values) - 1], remember=True)

    def _array(self, values: NDArray[np.uint8]) -> None:
        """Write an empty array, and the state that it is given: version, shape, type, order, bytes."""
        reconstruct, array, dtype = _ARRAY
        self._called(reconstruct, [array], [(0,), "b"])
        self._add(b"(")
        self.write(1)
        self.write(values.shape)
        self._called(dtype, [], ["u1", 0, 1])
        self.write(_UINT8)
        self._add(b"b")
        self.write(False)
        self.write(values.tobytes())
        self._add(b"t", remember=True)
        self._add(b"b")

    def _called(self, name: tuple[str, str], named: Sequence[tuple[str, str]], others: Sequence[Value]) -> None:
        """Call a function of three arguments, the first ones given by their names."""
        for module, attribute in (name, *named):
            self._add(f"c{module}\n{attribute}\n".encode("ascii"), remember=True)
        for value in others:
            self.write(value)
        self._add(b"\x87", remember=True)
        self._add(b"R", remember=True)

    def _all(self, values: Sequence[Value], end: bytes, *, remember: bool = False) -> None:
        self._add(b"(")
        for value in values:
            self.write(value)
        self._add(end, remember=remember)

    def _add(self, operation: bytes, *, remember: bool = False) -> None:
        self.operations.append(operation)
        if remember:
            self._remembered += 1
            few = self._remembered < 1 << 8
            number = struct.pack("<B", self._remembered) if few else struct.pack("<i", self._remembered)
            self.operations.append((b"q" if few else b"r") + number)
