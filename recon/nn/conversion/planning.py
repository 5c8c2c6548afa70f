"""The plan of an equivariant network: the followed steps, with all that look at neighbours or places replaced."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from torch import Tensor, nn

from recon.errors import ConfigError
from recon.nn.blurs import make_blur
from recon.nn.conversion.choices import PhaseChoice
from recon.nn.conversion.grids import NOWHERE, Grid, Placement
from recon.nn.conversion.settling import settle
from recon.nn.conversion.steps import (
    Attribute,
    Computed,
    Size,
    Step,
    Value,
    attribute,
    call,
    changed,
    leaves,
    replaced,
    values_in,
)
from recon.nn.conversion.windows import SampleDown, Windowed, descend, return_to_grid
from recon.nn.selectors import FixedSelector, LearnedSelector, NormSelector, Selector
from recon.samplings import Sampling

ADDED = "equivariance"  # the child of the network that holds what conversion adds


@dataclass(frozen=True, slots=True)
class Replaced:
    """One operation that was replaced.

    Args:
        name: the module that made the call, and its place.
        operation: what is done.
        stride: 1, or by how much it samples down (2) or up (1/2).
        grid: the grid of the result.
        selection: how the phase is found.
    """

    name: str
    operation: str
    stride: str
    grid: str
    selection: str


class Plan:
    """Goes through the steps of a followed network and collects those of the equivariant one.

    Args:
        network: whose weights the steps refer to.
        sampling: how phases are chosen.
        dims: spatial dimensions.
        slots: how many slots the steps and inputs fill.
    """

    def __init__(self, network: nn.Module, sampling: Sampling, *, dims: int, slots: int) -> None:
        self.network, self.sampling, self.dims = network, sampling, dims
        self.steps: list[Step] = []
        self.rows: list[Replaced] = []
        self.added = nn.ModuleDict({"choices": nn.ModuleList(), "downs": nn.ModuleList(), "blurs": nn.ModuleList()})
        self.anchor = Value(slots)
        self._slots = slots + 1
        self._placements: dict[int, Placement] = {}
        self._shapes: dict[int, object] = {}
        self._same: dict[int, Value] = {}  # a step that nothing is left of has the result of another
        self._choices: dict[Grid, Value] = {}
        self._anchors: dict[Grid, Value] = {Grid(): self.anchor}

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
        arguments, keywords = changed(step, self._resolved)
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
        value = self._new_slot()
        added = Step(value.slot, function, arguments, options, step.name, step.where)
        arguments, keywords = changed(added, self._resolved)
        self.steps.append(replace(added, arguments=arguments, keywords=keywords))
        return value

    def sample_down(
        self, step: Step, operation: Windowed, stride: int, x: Value, tensors: Sequence[object] = ()
    ) -> None:
        """Replace a strided operation by the same at the phase that the image chooses."""
        above = self.placement(x)
        assert above.grid is not None  # the rules have looked
        if above.grid.enlargement % stride == 0:
            grid = Grid(enlargement=above.grid.enlargement // stride)
            self._tell(step, str(stride), grid, "first")
            self.finish(step, Placement(grid, above.axes), operation.at, x, None, stride, *tensors)
            return
        if above.grid.enlargement > 1:
            self.refuse(step, f"it samples the grid {above.grid} down by {stride}, which an image's shifts do not fill")
        grid, channels = Grid(above.grid, stride), _channels(step.shapes)
        several = not isinstance(step.shapes, tuple) or not all(isinstance(n, int) for n in step.shapes)
        if several and (self.sampling.blur or self.sampling.selection == "learned"):
            self.refuse(step, "a blur or a learned selection mixes phases, and maxima cannot be unpooled to that")
        blur = make_blur(self.sampling.blur, channels, dims=self.dims)
        down = SampleDown(operation, stride, blur)
        chooses = grid not in self._choices
        path = self._choose(step, grid, down, x, tensors, channels) if chooses else self._add("downs", down)
        self._tell(step, str(stride), grid, "chooses" if chooses else "follows")
        self.finish(step, Placement(grid, above.axes), call, Attribute(path), x, self._choices[grid], *tensors)

    def sample_up(
        self,
        step: Step,
        factor: int,
        function: Callable[..., object],
        x: Value,
        tensors: Sequence[object] = (),
        **options: object,
    ) -> None:
        """Replace an upsampling by the same on a circle, moved to the grid that its pixels come from."""
        below = self.placement(x)
        assert below.grid is not None  # the rules have looked
        found = below.grid.above(factor)
        if found is None:
            self.refuse(
                step, f"it samples the grid {below.grid} up by {factor}, to between the grids that it came from"
            )
        grid, left = found
        y = self.call(step, function, x, *tensors, **options)
        if self.sampling.blur and factor > 1:
            blur = make_blur(self.sampling.blur, _channels(step.shapes), dims=self.dims, delayed=True)
            assert blur is not None  # it has a name
            y = self.call(step, call, Attribute(self._add("blurs", blur)), y)
        phases, strides = [self._choices[level] for level in left], [level.stride for level in left]
        self._tell(step, f"1/{factor}" if factor > 1 else "1", grid, "returns" if left else "")
        if left:
            scale = grid.enlargement if grid.finer is None else 1
            self.finish(step, Placement(grid, below.axes), return_to_grid, y, phases, strides, scale=scale)
        else:
            self.same(step, y, Placement(grid, below.axes))

    def dense(self, step: Step, operation: Windowed, x: Value, tensors: Sequence[object] = ()) -> None:
        """Replace an operation of stride 1 by the same on a circle."""
        placement = self.placement(x)
        assert placement.grid is not None  # the rules have looked
        self._tell(step, "1", placement.grid, "")
        self.finish(step, Placement(placement.grid, placement.axes), operation, x, *tensors)

    def output(self, structure: object) -> object:
        """Give what the network gives, in terms of the plan's results; those on the input's grid are settled."""
        return replaced(structure, self._settled)

    def _settled(self, leaf: object) -> object:
        if not isinstance(leaf, Value):
            return leaf
        placement = self.placement(leaf)
        step = Step(leaf.slot, settle, name="the output")
        self.unpadded(step, placement)
        if placement.grid is None or placement.grid.finer is not None:
            return self._resolved(leaf)
        enlargement = placement.grid.enlargement
        return self.call(step, settle, leaf, self.anchor, axes=placement.axes, enlargement=enlargement)

    def _choose(
        self, step: Step, grid: Grid, down: SampleDown, x: Value, tensors: Sequence[object], channels: int
    ) -> str:
        """Add the choice of a phase, and the anchor of the new grid; give the path of the operation."""
        assert grid.finer is not None  # it was just left
        look = self.sampling.look if self.sampling.selection != "learned" else "result"
        path = self._add("choices", PhaseChoice(self._selector(grid.stride, channels), down, look=look))
        anchor = self._anchors[grid.finer]
        phase = self.call(step, call, Attribute(path), x, anchor, *tensors)
        self._choices[grid] = phase
        self._anchors[grid] = self.call(step, descend, anchor, phase, x, grid.stride)
        return f"{path}.down"

    def _selector(self, stride: int, channels: int) -> Selector:
        """Build the selector of a grid."""
        if self.sampling.selection == "fixed":
            return FixedSelector(stride=stride, offset=(0,) * self.dims)
        if self.sampling.selection == "learned":
            return LearnedSelector(channels, stride=stride, dims=self.dims)
        return NormSelector(stride=stride, p=self.sampling.p, largest=self.sampling.largest)

    def _add(self, kind: str, module: nn.Module) -> str:
        """Add a module to the network, and give its path."""
        modules = self.added[kind]
        assert isinstance(modules, nn.ModuleList)  # as built above
        modules.append(module)
        return f"{ADDED}.{kind}.{len(modules) - 1}"

    def _tell(self, step: Step, stride: str, grid: Grid, selection: str) -> None:
        self.rows.append(Replaced(step.where, step.name, stride, str(grid), selection))

    def _resolved(self, leaf: object) -> object:
        """What stands for a reference in the plan."""
        if isinstance(leaf, Value):
            return self._resolved_value(leaf)
        if isinstance(leaf, Size):
            return replace(leaf, value=self._resolved_value(leaf.value))
        if isinstance(leaf, Computed):
            return replace(leaf, arguments=tuple(self._resolved(argument) for argument in leaf.arguments))
        return leaf

    def _resolved_value(self, value: Value) -> Value:
        """What holds a result."""
        found = self._same.get(value.slot)
        return value if found is None else Value(found.slot, (*found.items, *value.items))

    def _new_slot(self) -> Value:
        self._slots += 1
        return Value(self._slots - 1)


def _channels(shapes: object) -> int:
    """The channels of a result, or of the first of several."""
    assert isinstance(shapes, tuple)  # of numbers, or of such tuples
    return shapes[1] if isinstance(shapes[0], int) else shapes[0][1]
