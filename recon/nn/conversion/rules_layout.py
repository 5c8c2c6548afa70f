"""Rules for what moves the axes of a tensor, or takes parts of its channels."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from recon.nn.conversion.binding import Bound, axes_of
from recon.nn.conversion.grids import NOWHERE, Placement
from recon.nn.conversion.planning import Plan
from recon.nn.conversion.pointwise import only_pixel
from recon.nn.conversion.steps import Step, Value


def permute(plan: Plan, step: Step) -> None:
    """A permutation of axes."""
    given = Bound(plan, step, ("input", "dims"))
    _, placement, ndim = image_of(plan, step, given["input"])
    order = axes_of(plan, step, axes_given(step, "dims"), ndim)
    if order[0] != 0:
        plan.refuse(step, "it moves the batch")
    plan.keep(step, replace(placement, axes=tuple(order.index(axis) for axis in placement.axes)))


def transpose(plan: Plan, step: Step) -> None:
    """Two axes exchanged."""
    _, placement, ndim = image_of(plan, step, step.arguments[0])
    given = Bound(plan, step, ("input", "dim0", "dim1"))
    first, second = axes_of(plan, step, (given["dim0"], given["dim1"]), ndim)
    if 0 in (first, second):
        plan.refuse(step, "it moves the batch")
    swap = {first: second, second: first}
    plan.keep(step, replace(placement, axes=tuple(swap.get(axis, axis) for axis in placement.axes)))


def reshape(plan: Plan, step: Step) -> None:
    """Another shape: the axes of the pixels must stay, those between them and the batch may change."""
    x, placement, _ = image_of(plan, step, step.arguments[0])
    old, new = plan.shape(x), step.shapes
    assert isinstance(new, tuple)  # a tensor
    if old[0] != new[0]:
        plan.refuse(step, "it changes the batch")
    found = _place(old, new, placement.axes)
    one = all(old[axis] == 1 for axis in placement.axes)
    if one and (found is None or step.name == "flatten"):
        pixel = plan.call(step, only_pixel, x, placement.axes)
        plan.finish(step, NOWHERE, step.function, pixel, *step.arguments[1:], **step.keywords)
        return
    if found is None:
        plan.refuse(step, "it mixes the pixels of an image with other axes")
    plan.keep(step, replace(placement, axes=found))


def split(plan: Plan, step: Step) -> None:
    """Parts along an axis on which no pixels lie."""
    given = Bound(plan, step, ("input", "size", "dim"), dim=0)
    _, placement, ndim = image_of(plan, step, given["input"])
    if step.name == "unbind":
        given = Bound(plan, step, ("input", "dim"), dim=0)
    (axis,) = axes_of(plan, step, given["dim"], ndim)
    if axis in placement.axes:
        plan.refuse(step, "it divides an image into parts")
    removed = (axis,) if step.name == "unbind" else ()
    plan.keep(step, replace(placement, axes=without(placement.axes, removed)))


def squeeze(plan: Plan, step: Step) -> None:
    """Axes of size 1 removed; of an image of one pixel no axis of pixels is left."""
    given = Bound(plan, step, ("input", "dim"))
    x, placement, ndim = image_of(plan, step, given["input"])
    shape = plan.shape(x)
    among = range(ndim) if given["dim"] is None else axes_of(plan, step, axes_given(step, "dim"), ndim)
    gone = tuple(axis for axis in among if shape[axis] == 1)
    pixels = [axis for axis in gone if axis in placement.axes]
    if 0 in gone or 0 < len(pixels) < len(placement.axes):
        plan.refuse(step, "it removes the batch, or some axes of the image only")
    if pixels:
        pixel = plan.call(step, only_pixel, x, placement.axes)
        plan.finish(step, NOWHERE, step.function, pixel, *step.arguments[1:], **step.keywords)
    else:
        plan.keep(step, replace(placement, axes=without(placement.axes, gone)))


def unsqueeze(plan: Plan, step: Step) -> None:
    """A new axis."""
    given = Bound(plan, step, ("input", "dim"))
    _, placement, ndim = image_of(plan, step, given["input"])
    (new,) = axes_of(plan, step, given["dim"], ndim + 1)
    plan.keep(step, replace(placement, axes=tuple(axis + (axis >= new) for axis in placement.axes)))


def expand(plan: Plan, step: Step) -> None:
    """Repetition along axes of size 1."""
    x, new = step.arguments[0], step.shapes
    assert isinstance(new, tuple)  # a tensor
    placement, old = plan.placement(x), plan.shape(x)
    more = len(new) - len(old)
    if placement.grid is None:  # the same everywhere, in the shape of an image
        repeated = tuple(
            axis for axis, n in enumerate(new) if axis and n > 1 and (1, *old)[max(axis - more + 1, 0)] == 1
        )
        plan.keep(step, Placement(None, repeated))
        return
    plan.unpadded(step, placement)
    axes = tuple(axis + more for axis in placement.axes)
    if more or any(old[axis] != new[axis] for axis in placement.axes):
        plan.refuse(step, "it repeats an image")
    plan.keep(step, replace(placement, axes=axes))


def repeat(plan: Plan, step: Step) -> None:
    """Repetition of channels."""
    x, placement, ndim = image_of(plan, step, step.arguments[0])
    assert isinstance(step.shapes, tuple)  # a tensor
    old, more = plan.shape(x), len(step.shapes) - ndim
    if more or any(old[axis] != step.shapes[axis] for axis in (0, *placement.axes)):
        plan.refuse(step, "it repeats an image")
    plan.keep(step, placement)


def fill(plan: Plan, step: Step) -> None:
    """A tensor of one number."""
    assert isinstance(step.shapes, tuple)  # a tensor
    plan.keep(step, Placement(None, tuple(range(len(step.shapes)))))


def image_of(plan: Plan, step: Step, x: object) -> tuple[Value, Placement, int]:
    """The argument that must lie on a grid, unpadded, with its placement and number of axes."""
    placement = plan.placement(x)
    if not isinstance(x, Value) or placement.grid is None:
        plan.refuse(step, "it does not take the image as its first argument")
    plan.unpadded(step, placement)
    return x, placement, len(plan.shape(x))


def axes_given(step: Step, name: str) -> object:
    """Axes that may come as one tuple or as many arguments."""
    if name in step.keywords:
        return step.keywords[name]
    rest = step.arguments[1:]
    return rest[0] if len(rest) == 1 else rest


def without(axes: Sequence[int], removed: Sequence[int]) -> tuple[int, ...]:
    """Where axes lie once others are removed; those removed themselves are dropped."""
    return tuple(axis - sum(gone < axis for gone in removed) for axis in axes if axis not in removed)


def _place(old: Sequence[int], new: Sequence[int], axes: Sequence[int]) -> tuple[int, ...] | None:
    """Where adjacent axes lie in another shape of the same numbers, or None where they were mixed with others."""
    first, count = axes[0], len(axes)
    if tuple(axes) != tuple(range(first, first + count)):
        return None
    for at in range(len(new) - count + 1):
        if prod(new[:at]) == prod(old[:first]) and tuple(new[at : at + count]) == tuple(old[first : first + count]):
            return tuple(range(at, at + count))
    return None
