"""The rule for indexing: whole images, or every stride-th pixel of them."""

from dataclasses import replace

from recon.nn.conversion.planning import Plan
from recon.nn.conversion.rules_layout import image_of
from recon.nn.conversion.rules_windows import keep_every
from recon.nn.conversion.steps import Computed, Size, Step


def select(plan: Plan, step: Step) -> None:
    """Indexing: whole along the axes of the pixels, or every stride-th pixel along all of them."""
    x, placement, ndim = image_of(plan, step, step.arguments[0])
    parts = _parts(step.arguments[1], ndim)
    own = [part for part in parts if part is not None]
    if own[0] != slice(None):
        plan.refuse(step, "it takes images out of a batch")
    if any(not isinstance(part, slice | int) for axis, part in enumerate(own) if axis not in placement.axes):
        plan.refuse(step, "it takes channels by a tensor or a list")
    slices = [_slice(plan, step, own[axis], plan.shape(x)[axis]) for axis in placement.axes]
    strides = {stride for _, stride in slices}
    if strides == {1}:
        plan.keep(step, replace(placement, axes=_axes_left(parts, placement.axes)))
        return
    others = [part for axis, part in enumerate(own) if axis not in placement.axes]
    if len(strides) > 1 or len(own) < len(parts) or any(part != slice(None) for part in others):
        plan.refuse(step, "it must take every stride-th pixel along all axes of the image, and nothing else")
    if placement.axes != tuple(range(2, 2 + plan.dims)):
        plan.refuse(step, "it samples an image whose channels come last")
    keep_every(plan, step, x, strides.pop(), tuple(start for start, _ in slices))


def _parts(index: object, ndim: int) -> list[object]:
    """One part of an index for every axis, and None for every new one."""
    parts = list(index) if isinstance(index, tuple) else [index]
    named = sum(part is not None and part is not Ellipsis for part in parts)
    missing: list[object] = [slice(None)] * (ndim - named)
    for at, part in enumerate(parts):
        if part is Ellipsis:
            return [*parts[:at], *missing, *parts[at + 1 :]]
    return [*parts, *missing]


def _slice(plan: Plan, step: Step, part: object, size: int) -> tuple[int, int]:
    """The start and the stride of a slice that reaches to the end of the image."""
    if not isinstance(part, slice):
        plan.refuse(step, "it takes single rows or columns of the image")
    start, stride = part.start or 0, part.step or 1
    stop = size if part.stop is None or isinstance(part.stop, Size | Computed) else part.stop
    if not isinstance(start, int) or not isinstance(stride, int) or not 0 <= start < stride or stop < size:
        plan.refuse(step, "it cuts a part out of the image")
    return start, stride


def _axes_left(parts: list[object], axes: tuple[int, ...]) -> tuple[int, ...]:
    """Where axes lie in the result."""
    found, old, new = [], 0, 0
    for part in parts:
        if part is not None and old in axes:
            found.append(new)
        old += part is not None
        new += not isinstance(part, int)
    return tuple(found)
