"""Rules for reductions: over all the pixels, or over axes on which none lie."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from torch import Tensor

from recon.nn.conversion.binding import Bound, axes_of
from recon.nn.conversion.grids import NOWHERE, Placement
from recon.nn.conversion.planning import Plan
from recon.nn.conversion.pointwise import everywhere, mean_over, only_pixel, sum_over
from recon.nn.conversion.rules_layout import image_of, without
from recon.nn.conversion.rules_pointwise import pointwise
from recon.nn.conversion.steps import Size, Step, Value

SUMS = ("mean", "sum")
EXTREMA = ("amax", "amin", "all", "any")
EXTREMA_AND_PLACES = ("max", "min", "argmax", "argmin")


def reduce(plan: Plan, step: Step) -> None:
    """A sum, a mean or an extremum."""
    given = Bound(plan, step, ("input", "dim", "keepdim"), keepdim=False)
    dim = step.keywords.get("axis", given["dim"])
    if isinstance(dim, Value):  # the larger of two
        pointwise(plan, step)
        return
    x, placement, ndim = image_of(plan, step, given["input"])
    if dim is None:
        plan.refuse(step, "it must say over which axes it goes")
    axes = axes_of(plan, step, dim, ndim)
    removed = () if given["keepdim"] else axes
    pixels = tuple(axis for axis in axes if axis in placement.axes)
    if 0 in axes or 0 < len(pixels) < len(placement.axes):
        plan.refuse(step, "it goes over the batch, or over some axes of the image only")
    left = NOWHERE if pixels else replace(placement, axes=without(placement.axes, removed))
    if step.name in SUMS:
        others = tuple(axis for axis in axes if axis not in pixels)
        _add_up(plan, step, x, pixels, others, removed, left)
    elif pixels and step.name in EXTREMA_AND_PLACES:
        plan.refuse(step, "it gives a place in the image")
    else:
        plan.keep(step, left)


def pool_to_size(plan: Plan, step: Step) -> None:
    """Adaptive pooling to one pixel; to more only of an image of one pixel, which is repeated."""
    x = step.arguments[0]
    placement = plan.image(step, x)
    assert isinstance(x, Value)  # it lies on a grid
    old, new = plan.shape(x)[2:], step.shapes[2:]  # type: ignore[index]
    if all(n == 1 for n in new):
        plan.finish(step, NOWHERE, _largest if "max" in step.name else mean_over, x, placement.axes)
    elif all(n == 1 for n in old):
        pixel = plan.call(step, only_pixel, x, placement.axes)
        plan.finish(step, Placement(None, placement.axes), everywhere, pixel, placement.axes, new)
    else:
        plan.refuse(step, f"it pools to {' x '.join(map(str, new))} pixels; only one pixel stays where it is")


def _add_up(
    plan: Plan,
    step: Step,
    x: Value,
    pixels: tuple[int, ...],
    others: tuple[int, ...],
    removed: tuple[int, ...],
    left: Placement,
) -> None:
    """A sum or a mean, exact over pixels and in one order over other axes."""
    y = plan.call(step, mean_over, x, pixels) if pixels else x
    y = plan.call(step, sum_over, y, others) if others else y
    is_mean = step.name == "mean"
    factors = tuple(Size(x, axis) for axis in (others if is_mean else pixels))
    plan.finish(step, left, _scaled, y, factors, removed, divides=is_mean)


def _scaled(x: Tensor, factors: Sequence[int], removed: Sequence[int], *, divides: bool) -> Tensor:
    """Multiply by factors or divide by them, and drop axes of size 1."""
    y = x / prod(factors) if divides else x * prod(factors)
    return y.squeeze(tuple(removed)) if removed else y


def _largest(x: Tensor, axes: Sequence[int]) -> Tensor:
    return x.amax(tuple(axes), keepdim=True)
