"""Rules for what treats every pixel by itself: element-wise functions, concatenation, norms, linear layers."""

from dataclasses import replace

import torch
import torch.nn.functional as F

from recon.nn.conversion.binding import Bound, axes_of
from recon.nn.conversion.grids import Placement
from recon.nn.conversion.planning import Plan
from recon.nn.conversion.pointwise import alike, group_norm, instance_norm, linear, softmax
from recon.nn.conversion.steps import Attribute, Step, Value, leaves

SAFE = (
    *("relu", "relu6", "leaky_relu", "rrelu", "hardtanh", "hardswish", "hardsigmoid", "threshold", "tanh"),
    *("exp", "log", "sqrt", "rsqrt", "abs", "neg", "square", "clamp", "clip", "clamp_min", "clamp_max", "erf", "sin"),
    *("cos", "atan", "sign", "round", "floor", "ceil", "reciprocal", "nan_to_num", "logsigmoid", "softsign"),
    *("tanhshrink", "softshrink", "hardshrink", "add", "radd", "iadd", "sub", "rsub", "isub", "mul", "rmul", "imul"),
    *("div", "true_divide", "truediv", "rtruediv", "itruediv", "maximum", "minimum", "where", "addcmul", "lerp"),
    *("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_not", "masked_fill", "to", "type"),
    *(
        "float",
        "double",
        "half",
        "bfloat16",
        "type_as",
        "contiguous",
        "clone",
        "detach",
        "data",
        "as_tensor",
        "zeros_like",
    ),
    *("ones_like", "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"),
)
"""Functions by name whose results at a pixel have the same bits wherever the pixel lies."""

SAFE_BY_CHANNEL = (
    *("prelu", "batch_norm", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm", "RReLU"),
    *("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"),
    *("StochasticDepth", "DropPath"),
)
"""The same, of functions and modules that may have a number for each channel."""

AT_THE_END_OTHERWISE = ("sigmoid", "gelu", "silu", "elu", "celu", "selu", "softplus", "mish", "pow", "log_sigmoid")
"""Functions by name for which torch takes other instructions at the last few values of a tensor."""


def pointwise(plan: Plan, step: Step) -> None:
    """An element-wise function, which stays as it is."""
    plan.keep(step, joined(plan, step))


def pointwise_by_channel(plan: Plan, step: Step) -> None:
    """An element-wise function or module with a number for each channel, which stays as it is."""
    (_, placement), *others = plan.placed(step)
    if others:
        plan.refuse(step, "its numbers depend on the place in the image")
    plan.keep(step, placement)


def pointwise_alike(plan: Plan, step: Step) -> None:
    """An element-wise function that must be kept from the end of the tensor."""
    placement = joined(plan, step)
    function = getattr(F, step.name.strip("_"), step.function)
    plan.finish(step, placement, alike, function, *step.arguments, **step.keywords)


def joined(plan: Plan, step: Step, *, ndim: int | None = None) -> Placement:
    """Give the one placement of all arguments, aligned from the last axis on as torch does; or refuse."""
    tensors = [(leaf, plan.shape(leaf)) for leaf in leaves((step.arguments, dict(step.keywords)))]
    tensors = [(leaf, shape) for leaf, shape in tensors if isinstance(leaf, Value | Attribute | torch.Tensor)]
    ndim = max(len(shape) for _, shape in tensors) if ndim is None else ndim
    found: Placement | None = None
    for leaf, shape in tensors:
        placement = plan.placement(leaf)
        if placement.grid is None:
            continue
        placement = replace(placement, axes=tuple(axis + ndim - len(shape) for axis in placement.axes))
        if found is not None and found != placement:
            plan.refuse(step, f"it joins tensors of different grids, {_words(found)} and {_words(placement)}")
        found = placement
    assert found is not None  # the step has an argument on a grid
    for leaf, shape in tensors:
        _refuse_places(plan, step, leaf, (1,) * (ndim - len(shape)) + shape, found)
    return found


def concatenate(plan: Plan, step: Step) -> None:
    """Concatenation along an axis on which no pixels lie."""
    given = Bound(plan, step, ("tensors", "dim"), dim=0)
    placement = joined(plan, step)
    (axis,) = axes_of(plan, step, given["dim"], len(step.shapes))  # type: ignore[arg-type]
    if axis in placement.axes:
        plan.refuse(step, "it joins images side by side")
    plan.keep(step, placement)


def stack(plan: Plan, step: Step) -> None:
    """Stacking along a new axis."""
    given = Bound(plan, step, ("tensors", "dim"), dim=0)
    placement = joined(plan, step)
    (new,) = axes_of(plan, step, given["dim"], len(step.shapes))  # type: ignore[arg-type]
    plan.keep(step, replace(placement, axes=tuple(axis + (axis >= new) for axis in placement.axes)))


def normalise_instances(plan: Plan, step: Step) -> None:
    """Instance normalisation."""
    names = ("input", "running_mean", "running_var", "weight", "bias", "use_input_stats", "momentum", "eps")
    given = Bound(plan, step, names, use_input_stats=True, eps=1e-5)
    placement = plan.image(step, given["input"])
    if given["use_input_stats"]:
        plan.finish(
            step, placement, instance_norm, given["input"], given["weight"], given["bias"], epsilon=given["eps"]
        )
    else:
        arguments = [given[name] for name in names[:5]]
        plan.finish(step, placement, F.batch_norm, *arguments, training=False, eps=given["eps"])


def normalise_groups(plan: Plan, step: Step) -> None:
    """Group normalisation."""
    given = Bound(plan, step, ("input", "num_groups", "weight", "bias", "eps"), eps=1e-5)
    placement = plan.image(step, given["input"])
    arguments = (given["input"], given["num_groups"], given["weight"], given["bias"])
    plan.finish(step, placement, group_norm, *arguments, epsilon=given["eps"])


def normalise_layers(plan: Plan, step: Step) -> None:
    """Layer normalisation over axes on which no pixels lie."""
    given = Bound(plan, step, ("input", "normalized_shape"))
    placement, ndim = plan.placement(given["input"]), len(plan.shape(given["input"]))
    if any(axis >= ndim - len(given["normalized_shape"]) for axis in placement.axes):  # type: ignore[arg-type]
        plan.refuse(step, "it has weights for every place in the image")
    plan.keep(step, placement)


def apply_matrix(plan: Plan, step: Step) -> None:
    """A linear layer on the last axis."""
    given = Bound(plan, step, ("input", "weight", "bias"))
    placement, ndim = plan.placement(given["input"]), len(plan.shape(given["input"]))
    if placement.axes != tuple(range(1, ndim - 1)):
        plan.refuse(step, "it needs pixels along all axes but the first and the last")
    plan.unpadded(step, placement)
    plan.finish(step, placement, linear, given["input"], given["weight"], given["bias"])


def softmax_over(plan: Plan, step: Step) -> None:
    """Softmax over an axis on which no pixels lie."""
    given = Bound(plan, step, ("input", "dim"))
    x = given["input"]
    placement = plan.placement(x)
    (axis,) = axes_of(plan, step, given["dim"], len(plan.shape(x)))
    if axis in placement.axes:
        plan.refuse(step, "it compares the pixels of an image")
    plan.finish(step, placement, softmax, x, axis, logarithm=step.name == "log_softmax")


def _refuse_places(plan: Plan, step: Step, leaf: object, shape: tuple[int, ...], placement: Placement) -> None:
    """Refuse a tensor that tells pixels apart though it lies on no grid."""
    own = plan.placement(leaf)
    if own.grid is not None:
        return
    equal = [axis + len(shape) - len(plan.shape(leaf)) for axis in own.axes]
    different = [axis for axis in placement.axes if shape[axis] != 1 and axis not in equal]
    if different:
        plan.refuse(step, f"it joins an image and a tensor of shape {shape} that does not move with the image")


def _words(placement: Placement) -> str:
    """Name a placement."""
    margin = f" padded by {placement.margin}" if placement.margin else ""
    return f"{placement.grid} along axes {placement.axes}{margin}"
