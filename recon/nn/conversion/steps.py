"""What a followed network is made of: steps, each one call, whose arguments refer to inputs, results and weights."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from recon.errors import ReconError


@dataclass(frozen=True, slots=True)
class Value:
    """A result: that of the step (or the input) that fills this slot, or an item of it.

    Args:
        slot: which result.
        items: the way into a result of several tensors.
    """

    slot: int
    items: tuple[int | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attribute:
    """A parameter, buffer or module of the network, by its path."""

    path: str


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a result along one axis."""

    value: Value
    axis: int


@dataclass(frozen=True, slots=True)
class Computed:
    """A number computed from sizes."""

    function: Callable[..., int]
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One call.

    Args:
        slot: where its result goes.
        function: what is called.
        arguments: positional arguments, in which the four kinds of references above stand for what they refer to.
        keywords: keyword arguments, likewise.
        name: what the operation is called.
        where: the module that made the call, and the file and line, for people.
        shapes: shapes of the tensors of the result, in the structure of the result, as the example had them.
    """

    slot: int
    function: Callable[..., object]
    arguments: tuple[object, ...] = ()
    keywords: Mapping[str, object] = field(default_factory=dict)
    name: str = ""
    where: str = ""
    shapes: object = None

    def __str__(self) -> str:
        """Name the operation and its place."""
        return named(self.name, self.where)


def named(operation: str, where: str) -> str:
    """Name an operation and its place, where there is one to name."""
    return f"{operation} in {where}" if where else operation


def replaced(structure: object, change: Callable[[object], object]) -> object:
    """Rebuild a structure of tuples, lists, dicts and slices with every leaf changed; changed is what change gives.

    >>> replaced({"a": (1, [2])}, lambda leaf: leaf * 10 if isinstance(leaf, int) else leaf)
    {'a': (10, [20])}
    """
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)._make(  # type: ignore[attr-defined]  # a named tuple
            replaced(item, change) for item in structure
        )
    if isinstance(structure, list | tuple):
        items = [replaced(item, change) for item in structure]
        if hasattr(structure, "n_sequence_fields"):  # torch's own named tuples
            return type(structure)(items)
        return items if isinstance(structure, list) else tuple(items)
    if isinstance(structure, dict):
        pairs = {key: replaced(item, change) for key, item in structure.items()}
        return pairs if type(structure) is dict else type(structure)(pairs)
    if isinstance(structure, slice):
        return slice(*(replaced(part, change) for part in (structure.start, structure.stop, structure.step)))
    return change(structure)


def changed(step: Step, change: Callable[[object], object]) -> tuple[tuple[object, ...], dict[str, object]]:
    """Give the arguments of a step with every leaf changed."""
    arguments = tuple(replaced(argument, change) for argument in step.arguments)
    return arguments, {name: replaced(argument, change) for name, argument in step.keywords.items()}


def leaves(structure: object) -> Iterator[object]:
    """Give the leaves of a structure, in the order of `replaced`."""
    found: list[object] = []
    replaced(structure, found.append)
    yield from found


def values_in(structure: object) -> Iterator[Value]:
    """Give the results that a structure of arguments refers to."""
    for leaf in leaves(structure):
        if isinstance(leaf, Value):
            yield leaf
        elif isinstance(leaf, Size):
            yield leaf.value
        elif isinstance(leaf, Computed):
            yield from values_in(leaf.arguments)


def run(network: nn.Module, steps: tuple[Step, ...], results: dict[int, object], output: object) -> object:
    """Make the calls one after the other, from the inputs that results holds, and give the output."""
    last = last_uses(steps, output)

    def looked_up(leaf: object) -> object:
        if isinstance(leaf, Value):
            found = results[leaf.slot]
            for item in leaf.items:
                found = found[item]  # type: ignore[index]
            return found
        if isinstance(leaf, Attribute):
            return attribute(network, leaf.path)
        if isinstance(leaf, Size):
            tensor = looked_up(leaf.value)
            assert isinstance(tensor, Tensor)  # sizes are recorded of tensors alone
            return tensor.shape[leaf.axis]
        if isinstance(leaf, Computed):
            return leaf.function(*(looked_up(argument) for argument in leaf.arguments))
        return leaf

    for step in steps:
        arguments, keywords = changed(step, looked_up)
        try:
            results[step.slot] = step.function(*arguments, **keywords)
        except ReconError as error:
            raise type(error)(f"{step}: {error}") from error
        for slot in last[step.slot]:
            del results[slot]
    return replaced(output, looked_up)


def last_uses(steps: tuple[Step, ...], output: object) -> dict[int, list[int]]:
    """Say after which step which results are needed no more."""
    kept = {value.slot for value in values_in(output)}
    done: dict[int, list[int]] = {}
    for step in reversed(steps):
        used = {step.slot, *(value.slot for value in values_in((step.arguments, dict(step.keywords))))}
        done[step.slot] = sorted(used - kept)
        kept |= used
    return done


def call(function: Callable[..., object], *arguments: object, **keywords: object) -> object:
    """Call a module that is itself an argument of a step."""
    return function(*arguments, **keywords)


def attribute(network: nn.Module, path: str) -> object:
    """Give the attribute of that path, which goes through modules and lists of them."""
    found: object = network
    for name in path.split("."):
        found = getattr(found, name)
    return found
