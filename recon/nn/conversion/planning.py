"""The plan of an equivariant network: the followed steps, with all that look at neighbours or places replaced."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn

from recon.nn.blurs import make_blur
from recon.nn.conversion.choices import PhaseChoice
from recon.nn.conversion.grids import Grid, Placement
from recon.nn.conversion.placing import PlacedSteps
from recon.nn.conversion.settling import settle
from recon.nn.conversion.steps import Attribute, Step, Value, call, replaced
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


class Plan(PlacedSteps):
    """Goes through the steps of a followed network and collects those of the equivariant one.

    Args:
        network: whose weights the steps refer to.
        sampling: how phases are chosen.
        dims: spatial dimensions.
        slots: how many slots the steps and inputs fill.
    """

    def __init__(self, network: nn.Module, sampling: Sampling, *, dims: int, slots: int) -> None:
        super().__init__(network, dims=dims, slots=slots)
        self.sampling = sampling
        self.rows: list[Replaced] = []
        self.added = nn.ModuleDict({"choices": nn.ModuleList(), "downs": nn.ModuleList(), "blurs": nn.ModuleList()})
        self.anchor = self.new_slot()
        self._choices: dict[Grid, Value] = {}
        self._anchors: dict[Grid, Value] = {Grid(): self.anchor}

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
            return self.resolved(leaf)
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


def _channels(shapes: object) -> int:
    """The channels of a result, or of the first of several."""
    assert isinstance(shapes, tuple)  # of numbers, or of such tuples
    return shapes[1] if isinstance(shapes[0], int) else shapes[0][1]
