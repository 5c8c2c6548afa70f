"""Pickles of numbers, words and arrays, read without being loaded: nothing that they name is imported or called.

The standard library's `pickletools.genops` tells a file's opcodes apart and runs none. The few that CIFAR-10's files
consist of are followed here, in all protocols; all others, and all names but NumPy's own, are refused.
"""

from collections.abc import Callable
from pathlib import Path
from pickletools import genops

from recon.data.labels.pickled_arrays import StoredArray, built, called, known_name
from recon.errors import DataError

_PUSHED = {  # opcodes whose argument is a value
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_TEXTS = {"STRING", "BINSTRING", "SHORT_BINSTRING"}  # Python 2's, which are bytes
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PUTS = {"PUT", "BINPUT", "LONG_BINPUT"}
_GETS = {"GET", "BINGET", "LONG_BINGET"}


def read_pickle(path: Path) -> object:
    """Read a file's whole numbers, words, bytes, lists, tuples, dictionaries and NumPy arrays of whole numbers.

    Words that Python 2 wrote are given as bytes, as by pickle.loads(..., encoding="bytes"). Arrays share the memory of
    what was read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    try:
        return value_of(content)
    except DataError as error:
        raise DataError(
            f"{path} must be a pickle of numbers, words and arrays alone, as CIFAR-10's are, got {error}; it was not "
            f"loaded: unpack the original again"
        ) from error


def value_of(content: bytes) -> object:
    """Give the value that bytes stand for, or raise an error that says what else they hold."""
    machine, position = _Machine(), 0
    try:
        for opcode, argument, place in genops(content):
            position = place or 0
            machine.follow(opcode.name, argument)
        value = machine.result()
    except DataError as error:
        raise DataError(f"{error} at byte {position}") from error
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        raise DataError(f"{len(content)} bytes that are broken or cut off at byte {position} or after it") from error
    if position + 1 != len(content):
        raise DataError(f"{len(content) - position - 1} more bytes after its end")
    return value


class _Machine:
    """A stack of values, with marks in it, and a memory of values by number: what a pickle's opcodes work on."""

    def __init__(self) -> None:
        self.stack: list[object] = []
        self.below: list[list[object]] = []  # a stack for each mark that is still open
        self.memory: dict[object, object] = {}
        self.unbuilt: dict[int, object] = {}  # numbers in memory, by the identity of the array that lacks its values

    def follow(self, name: str, argument: object) -> None:
        """Do what an opcode says."""
        if name in _PUSHED:
            self.stack.append(argument)
        elif name in _TEXTS:
            self.stack.append(str(argument).encode("latin-1"))
        elif name in _PUTS:
            self.remember(argument)
        elif name in _GETS:
            self.stack.append(self.memory[argument])
        elif name in _TUPLES:
            self.stack.append(self.taken(_TUPLES[name]))
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _OTHERS:
            _OTHERS[name](self, argument)
        else:
            raise DataError(f"the opcode {name}")

    def push(self, value: object) -> None:
        """Put a value on the stack, which may be another one than before the value was taken."""
        self.stack.append(value)

    def result(self) -> object:
        """Give the one value that is left."""
        if self.below or len(self.stack) != 1:
            raise DataError(f"{len(self.stack)} values and {len(self.below)} open marks at its end")
        return self.stack[0]

    def taken(self, count: int) -> tuple[object, ...]:
        """Take the last values off the stack."""
        if count > len(self.stack):
            raise IndexError("the stack is too short")
        first = len(self.stack) - count
        values = tuple(self.stack[first:])
        del self.stack[first:]
        return values

    def marked(self) -> list[object]:
        """Take all values after the last mark, and the mark."""
        values, self.stack = self.stack, self.below.pop()
        return values

    def remember(self, number: object) -> None:
        """Keep the last value in memory."""
        value = self.stack[-1]
        self.memory[number] = value
        if isinstance(value, StoredArray):
            self.unbuilt[id(value)] = number

    def build(self) -> None:
        """Give an array, or its type, the state that belongs to it."""
        thing, state = self.taken(2)
        value = built(thing, state)
        self.stack.append(value)
        if isinstance(thing, StoredArray) and (number := self.unbuilt.pop(id(thing), None)) is not None:
            self.memory[number] = value


def _mark(machine: _Machine, argument: object) -> None:
    machine.below.append(machine.stack)
    machine.stack = []


def _extend(machine: _Machine, values: list[object]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, list):
        raise DataError(f"entries for a {type(target).__name__}, where a list must be")
    target.extend(values)


def _update(machine: _Machine, values: list[object]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, dict):
        raise DataError(f"entries for a {type(target).__name__}, where a dictionary must be")
    target.update(_entries(values))


def _entries(values: list[object]) -> dict[object, object]:
    keys = values[::2]
    for key in keys:
        if not isinstance(key, str | bytes | int):
            raise DataError(f"a key of the kind {type(key).__name__}")
    return dict(zip(keys, values[1::2], strict=True))


def _call(machine: _Machine, argument: object) -> None:
    name, arguments = machine.taken(2)
    machine.push(called(name, arguments))


def _stacked_name(machine: _Machine, argument: object) -> None:
    module, name = machine.taken(2)
    if not isinstance(module, str) or not isinstance(name, str):
        raise DataError("a name that is no word")
    machine.push(known_name(f"{module} {name}"))


_OTHERS: dict[str, Callable[[_Machine, object], None]] = {
    "PROTO": lambda machine, argument: None,
    "FRAME": lambda machine, argument: None,
    "STOP": lambda machine, argument: None,
    "MARK": _mark,
    "MEMOIZE": lambda machine, argument: machine.remember(len(machine.memory)),
    "EMPTY_LIST": lambda machine, argument: machine.push([]),
    "EMPTY_DICT": lambda machine, argument: machine.push({}),
    "LIST": lambda machine, argument: machine.push(machine.marked()),
    "DICT": lambda machine, argument: machine.push(_entries(machine.marked())),
    "TUPLE": lambda machine, argument: machine.push(tuple(machine.marked())),
    "APPEND": lambda machine, argument: _extend(machine, list(machine.taken(1))),
    "APPENDS": lambda machine, argument: _extend(machine, machine.marked()),
    "SETITEM": lambda machine, argument: _update(machine, list(machine.taken(2))),
    "SETITEMS": lambda machine, argument: _update(machine, machine.marked()),
    "GLOBAL": lambda machine, argument: machine.push(known_name(str(argument))),
    "STACK_GLOBAL": _stacked_name,
    "REDUCE": _call,
    "BUILD": lambda machine, argument: machine.build(),
}
