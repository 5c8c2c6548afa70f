"""Rules for what looks at neighbours: convolutions, pooling, paddings, strided slices."""

from collections.abc import Callable
from dataclasses import replace

from recon.nn.conversion.binding import Bound
from recon.nn.conversion.planning import Plan
from recon.nn.conversion.steps import Step, Value
from recon.nn.conversion.windows import (
    Result,
    Windowed,
    average_pool,
    convolution,
    keep,
    max_pool,
    power_pool,
    unshuffle,
)

_CONVOLUTION = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_MAX_POOL = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
_MEAN_POOL = ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
_POWER_POOL = ("input", "norm_type", "kernel_size", "stride", "ceil_mode")

_POOLING = (max_pool, average_pool, power_pool)  # what a sampling that keeps samples stands in for

Pads = tuple[tuple[int, int], ...]  # before and after, for each axis


def convolve(plan: Plan, step: Step) -> None:
    """A convolution, of any stride."""
    given = Bound(plan, step, _CONVOLUTION, stride=1, padding=0, dilation=1, groups=1)
    kernel, dilation = plan.shape(given["weight"])[2:], given.numbers("dilation")
    span = _span(kernel, dilation)
    pads = tuple(((n - 1) // 2, n // 2) for n in span) if given["padding"] == "same" else _pads(given)
    weights = (given["weight"], given["bias"])
    _replace(plan, step, given, convolution, span, pads, weights, dilation=dilation, groups=given["groups"])


def pool_maxima(plan: Plan, step: Step) -> None:
    """Max pooling."""
    given = _pooling(plan, step, _MAX_POOL)
    kernel, dilation, pads = given.numbers("kernel_size"), given.numbers("dilation"), _pads(given)
    indices = step.name.endswith("_with_indices")
    if indices and not (set(kernel) == {given.stride()} and set(dilation) == {1} and not any(map(any, pads))):
        plan.refuse(step, "it asks for the places of maxima, which windows that overlap do not have on a circle")
    if indices and plan.sampling.down == "keep":
        plan.refuse(step, "it asks for the places of maxima, and the sampling keeps samples in the place of maxima")
    span = _span(kernel, dilation)
    _replace(plan, step, given, max_pool, span, pads, kernel=kernel, dilation=dilation, indices=indices)


def pool_means(plan: Plan, step: Step) -> None:
    """Average pooling; on a circle every window is full, so count_include_pad makes no difference."""
    given = _pooling(plan, step, _MEAN_POOL)
    kernel = given.numbers("kernel_size")
    divisor = given["divisor_override"]
    _replace(plan, step, given, average_pool, kernel, _pads(given), kernel=kernel, divisor=divisor)


def pool_powers(plan: Plan, step: Step) -> None:
    """LP pooling."""
    given = _pooling(plan, step, _POWER_POOL)
    kernel = given.numbers("kernel_size")
    _replace(plan, step, given, power_pool, kernel, _pads(given), kernel=kernel, p=given["norm_type"])


def shuffle_down(plan: Plan, step: Step) -> None:
    """Pixel unshuffling: channels are made of pixels."""
    given = Bound(plan, step, ("input", "stride"), padding=0)
    given.set("stride", step.keywords.get("downscale_factor", given["stride"]))
    if plan.dims != 2:
        plan.refuse(step, "it is made for two dimensions")
    factor = given.stride()
    _replace(plan, step, given, unshuffle, (factor, factor), _pads(given), factor=factor)


def keep_every(plan: Plan, step: Step, x: Value, stride: int, starts: tuple[int, ...]) -> None:
    """Keep every stride-th pixel from a start on."""
    plan.image(step, x, margin=True)  # what was padded around it is not kept
    windowed = Windowed(keep, (1,) * plan.dims, tuple(-start for start in starts), (0,) * plan.dims)
    plan.sample_down(step, windowed, stride, x)


def pad(plan: Plan, step: Step) -> None:
    """A padding, which the next convolution or pooling takes up; of other axes than those of the pixels it stays."""
    given = Bound(plan, step, ("input", "pad"))
    x, widths, ndim = given["input"], given["pad"], len(plan.shape(given["input"]))
    placement = plan.placement(x)
    if not isinstance(widths, tuple | list) or not all(isinstance(width, int) for width in widths):
        plan.refuse(step, "its widths must be fixed numbers")
    by_axis = {ndim - 1 - i // 2: (widths[i], widths[i + 1]) for i in range(0, len(widths), 2)}
    margin = tuple(by_axis.pop(axis, (0, 0)) for axis in placement.axes)
    assert isinstance(x, Value)  # it lies on a grid
    if not any(map(any, margin)):
        plan.keep(step, placement)
        return
    if any(map(any, by_axis.values())):
        plan.refuse(step, "it pads channels and pixels at once")
    total = _sum(placement.margin or ((0, 0),) * len(margin), margin)
    plan.same(step, x, replace(placement, margin=total if any(map(any, total)) else ()))


def _pooling(plan: Plan, step: Step, names: tuple[str, ...]) -> Bound:
    """The arguments of a pooling, whose stride is its kernel where none is given."""
    given = Bound(plan, step, names, padding=0, dilation=1, ceil_mode=False)
    if not given["stride"]:
        given.set("stride", given["kernel_size"])
    return given


def _replace(
    plan: Plan,
    step: Step,
    given: Bound,
    function: Callable[..., Result],
    span: tuple[int, ...],
    pads: Pads,
    tensors: tuple[object, ...] = (),
    **options: object,
) -> None:
    """Replace an operation by the same on a circle, if its result has one pixel for every stride**d of the image.

    Pooling gives way to its samples where the sampling keeps those.
    """
    x, stride = given["input"], given.stride()
    placement = plan.image(step, x, margin=True)
    assert isinstance(x, Value)  # it lies on a grid
    pads = _sum(pads, placement.margin or ((0, 0),) * plan.dims)
    for (before, after), width in zip(pads, span, strict=True):
        extra = before + after - width
        steps = -(-extra // stride) if given["ceil_mode"] else extra // stride
        if steps != -1:
            plan.refuse(
                step,
                f"its padding of {before} and {after} pixels does not fit its window of {width} and its stride of "
                f"{stride}: the result must have 1/{stride} of the image's size",
            )
    if function in _POOLING and stride > 1 and plan.sampling.down == "keep":
        keep_every(plan, replace(step, name=f"keep for {step.name}"), x, stride, (0,) * plan.dims)
        return
    before_all, after_all = (tuple(widths) for widths in zip(*pads, strict=True))
    windowed = Windowed(function, span, before_all, after_all, options)
    if stride == 1:
        plan.dense(step, windowed, x, tensors)
    else:
        plan.sample_down(step, windowed, stride, x, tensors)


def _span(kernel: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
    """The pixels from the first to the last that a kernel reads."""
    return tuple(d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))


def _pads(given: Bound) -> Pads:
    """Paddings that are the same before and after."""
    if given["padding"] == "valid":
        given.set("padding", 0)
    return tuple((p, p) for p in given.numbers("padding"))


def _sum(first: Pads, second: Pads) -> Pads:
    """Two paddings after each other."""
    return tuple((a + c, b + d) for (a, b), (c, d) in zip(first, second, strict=True))
