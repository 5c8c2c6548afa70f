"""Rules for what samples up: transposed convolutions, interpolation, unpooling, pixel shuffling."""

import torch.nn.functional as F

from recon.nn.conversion.binding import Bound
from recon.nn.conversion.grids import Placement
from recon.nn.conversion.planning import Plan
from recon.nn.conversion.pointwise import everywhere, only_pixel
from recon.nn.conversion.steps import Step, Value
from recon.nn.conversion.upsampling import interpolate, transposed_convolution, unpool
from recon.nn.conversion.windows import Windowed, average_pool

_TRANSPOSED = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
_INTERPOLATE = ("input", "size", "scale_factor", "mode", "align_corners")
_CIRCULAR_MODES = ("nearest", "nearest-exact", "linear", "bilinear", "trilinear")


def convolve_transposed(plan: Plan, step: Step) -> None:
    """A transposed convolution, of any stride."""
    given = Bound(plan, step, _TRANSPOSED, stride=1, padding=0, output_padding=0, groups=1, dilation=1)
    x, weight, stride = given["input"], given["weight"], given.stride()
    plan.image(step, x)
    assert isinstance(x, Value)  # it lies on a grid
    kernel, dilation, padding = plan.shape(weight)[2:], given.numbers("dilation"), given.numbers("padding")
    for k, d, p, more in zip(kernel, dilation, padding, given.numbers("output_padding"), strict=True):
        if d * (k - 1) + 1 + more - 2 * p != stride:
            plan.refuse(
                step,
                f"its kernel of {k}, dilation of {d}, padding of {p} and output_padding of {more} do not fit its "
                f"stride of {stride}: the result must have {stride} times the size",
            )
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": given["groups"]}
    plan.sample_up(step, stride, transposed_convolution, x, (weight, given["bias"]), **options)


def resize(plan: Plan, step: Step) -> None:
    """Interpolation by a factor or to a size."""
    given = Bound(plan, step, _INTERPOLATE, mode="nearest", align_corners=None)
    x, mode = given["input"], given["mode"]
    placement = plan.image(step, x)
    assert isinstance(x, Value)  # it lies on a grid
    assert isinstance(mode, str)  # so says F.interpolate
    small, large = plan.shape(x)[2:], step.shapes[2:]  # type: ignore[index]
    if small == large:
        plan.same(step, x, placement)
        return
    if all(n < m for n, m in zip(large, small, strict=True)):
        _shrink(plan, step, x, _factor(plan, step, large, small), mode)
        return
    factor = _factor(plan, step, small, large)
    if mode not in _CIRCULAR_MODES:
        plan.refuse(step, f"its mode must be one of {', '.join(_CIRCULAR_MODES)}, got {mode!r}")
    if given["align_corners"] and not mode.startswith("nearest"):
        plan.refuse(step, "align_corners=True stretches an image between its corners, and a circle has none")
    plan.sample_up(step, factor, interpolate, x, enlargement=factor, mode=mode)


def put_back(plan: Plan, step: Step) -> None:
    """Max unpooling."""
    given = Bound(plan, step, ("input", "indices", "kernel_size", "stride", "padding"), stride=None, padding=0)
    x, indices = given["input"], given["indices"]
    placement = plan.image(step, x)
    assert isinstance(x, Value)  # it lies on a grid
    factor = given.stride("kernel_size")
    if (given["stride"] and given.stride() != factor) or any(given.numbers("padding")):
        plan.refuse(step, "its stride must be its kernel's size, and its padding 0")
    if plan.placement(indices).grid != placement.grid:
        plan.refuse(step, "its indices lie on another grid than its image")
    plan.sample_up(step, factor, unpool, x, (indices,), enlargement=factor)


def shuffle_up(plan: Plan, step: Step) -> None:
    """Pixel shuffling: pixels are made of channels."""
    given = Bound(plan, step, ("input", "upscale_factor"))
    x, factor = given["input"], given["upscale_factor"]
    plan.image(step, x)
    assert isinstance(x, Value)  # it lies on a grid
    assert isinstance(factor, int)  # so says F.pixel_shuffle
    plan.sample_up(step, factor, F.pixel_shuffle, x, (factor,))


def spread_pixel(plan: Plan, step: Step) -> None:
    """Interpolation of a tensor of one pixel that no shift changes, which gives that pixel everywhere."""
    given = Bound(plan, step, _INTERPOLATE)
    x = given["input"]
    axes = tuple(range(2, 2 + plan.dims))
    if any(plan.shape(x)[axis] != 1 for axis in axes):
        plan.refuse(step, "it makes an image of a tensor that does not move with the image")
    size = given["size"]
    if size is None:
        sizes: tuple[object, ...] = tuple(step.shapes[2:])  # type: ignore[index]
    else:
        sizes = tuple(size) if isinstance(size, tuple | list) else (size,) * plan.dims
    pixel = plan.call(step, only_pixel, x, axes)
    plan.finish(step, Placement(None, axes), everywhere, pixel, axes, sizes)


def _shrink(plan: Plan, step: Step, x: Value, factor: int, mode: str) -> None:
    """Interpolation to a smaller size: the pixels in the middle of factor**d, their mean, or the first."""
    size = factor if mode == "area" else 1 if mode.startswith("nearest") or factor % 2 else 2
    start = {"area": 0, "nearest": 0, "nearest-exact": factor // 2}.get(mode, (factor - size) // 2)
    if mode not in (*_CIRCULAR_MODES, "area"):
        plan.refuse(step, f"its mode must be one of {', '.join(_CIRCULAR_MODES)} or area, got {mode!r}")
    kernel = (size,) * plan.dims
    windowed = Windowed(average_pool, kernel, (-start,) * plan.dims, (0,) * plan.dims, {"kernel": kernel})
    plan.sample_down(step, windowed, factor, x)


def _factor(plan: Plan, step: Step, small: tuple[int, ...], large: tuple[int, ...]) -> int:
    """By how much one size is larger than another, the same whole number along every axis."""
    factors = {n / m for n, m in zip(large, small, strict=True)}
    factor = factors.pop()
    if factors or factor != int(factor):
        plan.refuse(step, f"{small} and {large} must differ by the same whole factor along every axis")
    return int(factor)
