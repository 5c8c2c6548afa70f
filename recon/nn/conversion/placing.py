"""Where the pixels of every result lie, and the steps that are put in the places of the followed ones."""

from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

from torch import Tensor, nn

from recon.errors import ConfigError
from recon.nn.conversion.grids import NOWHERE, Grid, Placement
from recon.nn.conversion.steps import (
    Attribute,
    Computed,
    Size,
    Step,
    Value,
    attribute,
    changed,
    leaves,
    values_in,
)


class PlacedSteps:
    """The steps of a new network as they are put together, and the placements of their results.

    Args:
        network: whose weights the steps refer to.
        dims: spatial dimensions.
        slots: how many slots the followed steps and the inputs fill.
    """

    def __init__(self, network: nn.Module, *, dims: int, slots: int) -> None:
        self.network, self.dims = network, dims
        self.steps: list[Step] = []
        self._slots = slots
        self._placements: dict[int, Placement] = {}
        self._shapes: dict[int, object] = {}
        self._same: dict[int, Value] = {}  # a step that nothing is left of has the result of another

    def start(self, value: Value, tensor: Tensor, *, moves: bool) -> None:
        """Place an input, which may move with the image."""
        placement = Placement(Grid(), tuple(range(2, tensor.ndim))) if moves else NOWHERE
        self._placements[value.slot], self._shapes[value.slot] = placement, tuple(tensor.shape)

    def placement(self, leaf: object) -> Placement:
        """Say where the pixels of an argument lie."""
        return self._placements.get(leaf.slot, NOWHERE) if isinstance(leaf, Value) else NOWHERE

    def shape(self, leaf: object) -> tuple[int, ...]:
        """Give the shape of an argument, as the example had it; of a number ()."""
        if isinstance(leaf, Value):
            found = self._shapes[leaf.slot]
            for item in leaf.items:
                found = found[item]  # type: ignore[index]
            return found  # type: ignore[return-value]
        if isinstance(leaf, Attribute):
            leaf = attribute(self.network, leaf.path)
        return tuple(leaf.shape) if isinstance(leaf, Tensor) else ()

    def placed(self, step: Step) -> list[tuple[Value, Placement]]:
        """Give the arguments of a step that lie on a grid."""
        values = [leaf for leaf in leaves((step.arguments, dict(step.keywords))) if isinstance(leaf, Value)]
        return [(value, self.placement(value)) for value in values if self.placement(value).grid is not None]

    def image(self, step: Step, leaf: object, *, margin: bool = False) -> Placement:
        """Give the placement of an argument that must be an image (B, C, *spatial) on a grid."""
        placement = self.placement(leaf)
        if placement.grid is None or placement.axes != tuple(range(2, 2 + self.dims)):
            self.refuse(step, f"it needs an image (batch, channels, {self.dims} spatial axes)")
        if len(self.shape(leaf)) != self.dims + 2:
            self.refuse(step, f"it needs a tensor of {self.dims + 2} axes, got {self.shape(leaf)}")
        if not margin:
            self.unpadded(step, placement)
        return placement

    def unpadded(self, step: Step, placement: Placement) -> None:
        """Refuse an image that was padded, where no convolution takes the padding up."""
        if any(width for pair in placement.margin for width in pair):
            self.refuse(step, "the image was padded before it, and only convolutions and pooling take a padding up")

    def padded_sizes(self, step: Step) -> None:
        """Refuse a step that takes the size of a padded image, which is never made."""
        numbers = [leaf for leaf in leaves((step.arguments, dict(step.keywords))) if isinstance(leaf, Size | Computed)]
        if any(self.placement(value).margin for value in values_in(numbers)):
            self.refuse(step, "it takes the size of an image that was padded")

    def refuse(self, step: Step, why: str) -> NoReturn:
        """Raise the error that names an operation."""
        raise ConfigError(
            f"{step} cannot be made equivariant: {why}; replace it, or wrap the network in recon.Canonical"
        )

    def same(self, step: Step, value: Value, placement: Placement) -> None:
        """Let a step's result be an earlier one."""
        self._same[step.slot] = self._resolved_value(value)
        self._placements[step.slot] = placement
        self._shapes[step.slot] = step.shapes

    def keep(self, step: Step, placement: Placement) -> None:
        """Keep a step as it is."""
        arguments, keywords = changed(step, self.resolved)
        self.steps.append(replace(step, arguments=arguments, keywords=keywords))
        self._placements[step.slot], self._shapes[step.slot] = placement, step.shapes

    def owning(self, step: Step) -> Step:
        """Give a step that changes its first argument a copy of it, where that stands for several results."""
        first = step.arguments[0] if step.arguments else None
        shared = {*self._same, *(value.slot for value in self._same.values())}
        if not isinstance(first, Value) or first.slot not in shared:
            return step
        copy = self.call(step, Tensor.clone, first)
        self._placements[copy.slot], self._shapes[copy.slot] = self.placement(first), self.shape(first)
        return replace(step, arguments=(copy, *step.arguments[1:]))

    def finish(
        self,
        step: Step,
        placement: Placement,
        function: Callable[..., object],
        *arguments: object,
        **options: object,
    ) -> None:
        """Put another call in the place of a step."""
        self.keep(replace(step, function=function, arguments=arguments, keywords=options), placement)

    def call(self, step: Step, function: Callable[..., object], *arguments: object, **options: object) -> Value:
        """Add a call before what becomes of a step."""
        value = self.new_slot()
        added = Step(value.slot, function, arguments, options, step.name, step.where)
        arguments, keywords = changed(added, self.resolved)
        self.steps.append(replace(added, arguments=arguments, keywords=keywords))
        return value

    def resolved(self, leaf: object) -> object:
        """Give what stands for a reference in the new network."""
        if isinstance(leaf, Value):
            return self._resolved_value(leaf)
        if isinstance(leaf, Size):
            return replace(leaf, value=self._resolved_value(leaf.value))
        if isinstance(leaf, Computed):
            return replace(leaf, arguments=tuple(self.resolved(argument) for argument in leaf.arguments))
        return leaf

    def new_slot(self) -> Value:
        """Give a slot that nothing fills yet."""
        self._slots += 1
        return Value(self._slots - 1)

    def _resolved_value(self, value: Value) -> Value:
        """What holds a result."""
        found = self._same.get(value.slot)
        return value if found is None else Value(found.slot, (*found.items, *value.items))
