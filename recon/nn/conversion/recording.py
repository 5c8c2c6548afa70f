"""Following a network: it runs once on an example, and every call of torch that it makes is written down."""

import operator
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from recon.errors import ConfigError
from recon.nn.conversion.sizes import FollowedSize
from recon.nn.conversion.steps import Attribute, Size, Step, Value, call, leaves, named, replaced

# They behave differently in training, so they are called as modules; all others are followed into their functions.
_CALLED_WHOLE = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd, nn.RReLU)
_CALLED_WHOLE_BY_NAME = ("StochasticDepth", "DropPath", "DropBlock2d", "DropBlock3d")

_LOOKS_AT_VALUES = (
    *("__bool__", "__int__", "__float__", "__index__", "__complex__", "__contains__", "__array__", "item", "tolist"),
    *("numpy", "equal", "allclose", "is_nonzero", "nonzero", "unique", "argwhere"),
)
_CONVERSION = str(Path(__file__).parent) + os.sep
_RECON = str(Path(__file__).parents[2]) + os.sep
_TORCH = str(Path(torch.__file__).parent) + os.sep


class Recorder(TorchFunctionMode):
    """Writes down every call of torch that is made while it is entered, and what the arguments of each refer to.

    Args:
        network: whose parameters, buffers and modules are referred to by their paths.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self._network = network
        self._values: dict[int, Value | Attribute] = {}
        self._follows: set[int] = set()  # the ids of tensors that depend on the inputs
        self._alive: list[object] = []  # an id means a tensor only as long as the tensor lives
        self._slots = 0
        self._modules: list[str] = []
        self._inside_whole = 0
        for path, tensor in (*network.named_parameters(), *network.named_buffers()):
            self._values[id(tensor)] = Attribute(path)

    def input(self, tensor: Tensor) -> Value:
        """Take a tensor as an input."""
        value = self._next_slot()
        self._know(tensor, value, follows=True)
        return value

    def reference(self, leaf: object) -> object:
        """Give what a recorded argument or result refers to, or itself if it is a constant."""
        if isinstance(leaf, FollowedSize):
            return leaf.origin
        if isinstance(leaf, Tensor):
            return self._values.get(id(leaf), leaf)
        return leaf

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Make the call and write it down."""
        keywords = dict(kwargs or {})
        if self._inside_whole:
            return func(*args, **keywords)
        name = _name(func)
        follows = self._depends((args, keywords))
        if follows and name in _LOOKS_AT_VALUES:
            raise ConfigError(
                f"the network cannot be followed: {named(name, self._where())} looks at the values of an image, and "
                "what it does next would hold for that image alone; replace it, or wrap the network in recon.Canonical"
            )
        references = replaced(args, self.reference), replaced(keywords, self.reference)
        result = func(*args, **keywords)
        if name in ("shape", "size", "__len__"):
            return self._sizes(args, keywords, result)
        if name == "__setitem__" or any(isinstance(leaf, Tensor) for leaf in leaves(result)):
            self._write(_picklable(func, name), name, *references, result, follows=follows)
        return result

    @contextmanager
    def following(self) -> Iterator[None]:
        """Know, inside the with, which module makes a call, and call some modules whole."""
        hooks = []
        for path, module in self._network.named_modules():
            if isinstance(module, torch.jit.ScriptModule):
                raise ConfigError(
                    f"the network cannot be followed: {path or 'it'} is a scripted module; convert it before it is "
                    "scripted, or wrap the network in recon.Canonical"
                )
            enter, leave = self._hooks(path, module)
            hooks.append(module.register_forward_pre_hook(enter, with_kwargs=True))
            hooks.append(module.register_forward_hook(leave, with_kwargs=True))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _hooks(self, path: str, module: nn.Module) -> tuple[Callable[..., None], Callable[..., None]]:
        """What is done before and after a module runs."""
        name = _whole(module) if path else ""
        calls: list[tuple[object, object]] = []

        def enter(_: nn.Module, args: object, keywords: object) -> None:
            self._modules.append(path)
            if name:
                calls.append((replaced(args, self.reference), replaced(keywords, self.reference)))
                self._inside_whole += 1

        def leave(_: nn.Module, args: tuple[object, ...], keywords: dict[str, object], result: object) -> None:
            if name:
                self._inside_whole -= 1
                arguments, named = calls.pop()
                arguments = (Attribute(path), *arguments)  # type: ignore[misc]
                self._write(call, name, arguments, named, result, follows=self._depends((args, keywords)))
            self._modules.pop()

        return enter, leave

    def _write(
        self,
        function: Callable[..., object],
        name: str,
        arguments: object,
        keywords: object,
        result: object,
        *,
        follows: bool,
    ) -> None:
        """Write down a call, and know the tensors of its result."""
        value = self._next_slot()
        shapes = replaced(result, lambda leaf: tuple(map(int, leaf.shape)) if isinstance(leaf, Tensor) else None)
        step = Step(value.slot, function, arguments, keywords, name, self._where(), shapes)  # type: ignore[arg-type]
        self.steps.append(step)
        self._know(result, value, follows=follows)

    def _know(self, result: object, value: Value, *, follows: bool) -> None:
        """Know every tensor of a result."""
        if isinstance(result, Tensor):
            self._values[id(result)] = value
            self._alive.append(result)
            if follows:
                self._follows.add(id(result))
        elif isinstance(result, list | tuple):
            for number, item in enumerate(result):
                self._know(item, Value(value.slot, (*value.items, number)), follows=follows)

    def _depends(self, arguments: object) -> bool:
        """Whether any argument depends on the inputs."""
        found = False

        def look(leaf: object) -> None:
            nonlocal found
            found = found or id(leaf) in self._follows

        replaced(arguments, look)
        return found

    def _sizes(self, args: tuple[Any, ...], keywords: dict[str, Any], result: Any) -> object:  # noqa: ANN401
        """Give sizes as numbers that know whose sizes they are."""
        tensor = args[0]
        value = self._values.get(id(tensor))
        if not isinstance(value, Value):
            return result
        if isinstance(result, tuple):
            return torch.Size([FollowedSize(n, Size(value, axis)) for axis, n in enumerate(result)])
        axis = args[1] if len(args) > 1 else keywords.get("dim", 0)
        return FollowedSize(result, Size(value, axis % tensor.ndim))

    def _next_slot(self) -> Value:
        self._slots += 1
        return Value(self._slots - 1)

    def _where(self) -> str:
        """Name the module that is running, and the line of the network's own code, where it has any.

        torch's files and ours are passed over, and what called the network is no part of it.
        """
        module = next((path for path in reversed(self._modules) if path), "")
        frame = sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith(_CONVERSION) and file != __file__:
                break
            if not file.startswith((_TORCH, _RECON)):
                place = f"{file}:{frame.f_lineno}"
                return f"{module} ({place})" if module else place
            frame = frame.f_back  # type: ignore[assignment]
        return module


def _whole(module: nn.Module) -> str:
    """The name of the kind of a module that is called whole, or nothing."""
    if isinstance(module, _CALLED_WHOLE):
        return next(kind.__name__ for kind in type(module).__mro__ if kind.__module__.startswith("torch.nn."))
    return type(module).__name__ if type(module).__name__ in _CALLED_WHOLE_BY_NAME else ""


def _name(function: Callable[..., object]) -> str:
    """The name of a function of torch; of a property its own."""
    name: str = function.__name__
    return function.__self__.__name__ if name == "__get__" else name  # type: ignore[attr-defined]


def _picklable(function: Callable[..., object], name: str) -> Callable[..., object]:
    """A property as a function that can be copied and stored."""
    return operator.attrgetter(name) if function.__name__ == "__get__" else function
