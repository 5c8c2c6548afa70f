"""Reading the arguments of a followed call."""

from collections.abc import Sequence

from recon.nn.conversion.planning import Plan
from recon.nn.conversion.steps import Step


class Bound:
    """The arguments of a step by name.

    Args:
        plan: which refuses what does not fit.
        step: the call.
        names: of its positional arguments, in order.
        defaults: what arguments are that were not given.
    """

    def __init__(self, plan: Plan, step: Step, names: Sequence[str], **defaults: object) -> None:
        self._plan, self._step = plan, step
        given = dict(zip(names, step.arguments, strict=False)) | dict(step.keywords)
        self._values: dict[str, object] = {**defaults, **given}

    def __getitem__(self, name: str) -> object:
        """Give an argument, or its default."""
        return self._values.get(name)

    def set(self, name: str, value: object) -> None:
        """Give an argument another value."""
        self._values[name] = value

    def numbers(self, name: str) -> tuple[int, ...]:
        """Give an argument that is one number for every axis, or one for all."""
        value = self[name]
        if isinstance(value, Sequence) and len(value) == 1:
            value = value[0]
        given = tuple(value) if isinstance(value, Sequence) else (value,) * self._plan.dims
        values = tuple(n for n in given if isinstance(n, int))
        if not len(values) == len(given) == self._plan.dims:
            self._plan.refuse(self._step, f"its {name} must be {self._plan.dims} fixed whole numbers, got {value}")
        return values

    def stride(self, name: str = "stride") -> int:
        """Give an argument that is the same number for every axis."""
        values = self.numbers(name)
        if len(set(values)) > 1:
            self._plan.refuse(self._step, f"its {name} must be the same along every axis, got {values}")
        return values[0]


def axes_of(plan: Plan, step: Step, value: object, ndim: int) -> tuple[int, ...]:
    """Give axes, from one number or several, all counted from the front."""
    axes: tuple[object, ...] = tuple(value) if isinstance(value, Sequence) else (value,)
    numbers = tuple(int(axis) % ndim for axis in axes if isinstance(axis, int))
    if len(numbers) < len(axes):
        plan.refuse(step, f"its axes must be fixed numbers, got {value}")
    return numbers
