"""The table of rules: what becomes of each function of torch that is applied to an image."""

from collections.abc import Callable
from dataclasses import replace

from recon.nn.conversion import rules_layout as layout
from recon.nn.conversion import rules_pointwise as pointwise
from recon.nn.conversion import rules_reduce as reductions
from recon.nn.conversion import rules_select as indexing
from recon.nn.conversion import rules_upsampling as up
from recon.nn.conversion import rules_windows as windows
from recon.nn.conversion.grids import NOWHERE
from recon.nn.conversion.planning import Plan
from recon.nn.conversion.steps import Step

Rule = Callable[[Plan, Step], None]

RULES: dict[str, Rule] = {
    **dict.fromkeys(pointwise.SAFE, pointwise.pointwise),
    **dict.fromkeys(pointwise.SAFE_BY_CHANNEL, pointwise.pointwise_by_channel),
    **dict.fromkeys(pointwise.AT_THE_END_OTHERWISE, pointwise.pointwise_alike),
    **dict.fromkeys(("cat", "concat", "concatenate"), pointwise.concatenate),
    "stack": pointwise.stack,
    "instance_norm": pointwise.normalise_instances,
    "group_norm": pointwise.normalise_groups,
    "layer_norm": pointwise.normalise_layers,
    "linear": pointwise.apply_matrix,
    **dict.fromkeys(("softmax", "log_softmax"), pointwise.softmax_over),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), windows.convolve),
    **{f"max_pool{d}d{more}": windows.pool_maxima for d in (1, 2, 3) for more in ("", "_with_indices")},
    **dict.fromkeys(("avg_pool1d", "avg_pool2d", "avg_pool3d"), windows.pool_means),
    **dict.fromkeys(("lp_pool1d", "lp_pool2d", "lp_pool3d"), windows.pool_powers),
    "pixel_unshuffle": windows.shuffle_down,
    "pad": windows.pad,
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), up.convolve_transposed),
    **dict.fromkeys(("interpolate", "upsample"), up.resize),
    **dict.fromkeys(("max_unpool1d", "max_unpool2d", "max_unpool3d"), up.put_back),
    "pixel_shuffle": up.shuffle_up,
    "permute": layout.permute,
    **dict.fromkeys(("transpose", "swapaxes", "swapdims"), layout.transpose),
    **dict.fromkeys(("reshape", "view", "flatten", "unflatten"), layout.reshape),
    **dict.fromkeys(("split", "chunk", "unbind", "tensor_split"), layout.split),
    "getitem": indexing.select,
    "squeeze": layout.squeeze,
    "unsqueeze": layout.unsqueeze,
    **dict.fromkeys(("expand", "expand_as"), layout.expand),
    "repeat": layout.repeat,
    **dict.fromkeys((*reductions.SUMS, *reductions.EXTREMA, *reductions.EXTREMA_AND_PLACES), reductions.reduce),
    **{f"adaptive_{kind}_pool{d}d": reductions.pool_to_size for kind in ("avg", "max") for d in (1, 2, 3)},
}

_OFF_GRID: dict[str, Rule] = {  # what makes the shape of an image of what does not move with the image
    **dict.fromkeys(("interpolate", "upsample"), up.spread_pixel),
    **dict.fromkeys(("expand", "expand_as"), layout.expand),
    **dict.fromkeys(("zeros", "ones", "full", "new_zeros", "new_ones", "new_full"), layout.fill),
}


def apply_rule(plan: Plan, step: Step) -> None:
    """Let a step become what makes it equivariant; what depends on no image's place stays as it is."""
    plan.padded_sizes(step)
    in_place = step.name.endswith("_") or step.name.startswith("__i") or bool(step.keywords.get("inplace"))
    if in_place:
        step = plan.owning(step)
    step = replace(step, name=step.name.strip("_"))
    if not plan.placed(step):
        without_grid = _OFF_GRID.get(step.name)
        if without_grid is None:
            plan.keep(step, NOWHERE)
        else:
            without_grid(plan, step)
        return
    rule = RULES.get(step.name)
    if rule is None:
        plan.refuse(step, "nothing is known of what it does to a shifted image")
    rule(plan, step)
