"""Making outputs independent of which of an image's symmetric pixels its anchor was."""

from collections.abc import Sequence

from torch import Tensor

from recon.nn.anchor import Anchor
from recon.ops.phases import merge_phases, split_phases


def settle(y: Tensor, anchor: Anchor | None, *, axes: Sequence[int], enlargement: int = 1) -> Tensor:
    """Average an output over the symmetries of the input, where its anchor was asked for.

    Args:
        y: an output with the batch first. Whole numbers stay as they are, since labels have no mean.
        anchor: that of the input; None in training.
        axes: along which the pixels of the output lie.
        enlargement: how many of them a pixel of the input became, along each axis.
    """
    if anchor is None or not y.is_floating_point():
        return y
    others = [axis for axis in range(1, y.ndim) if axis not in axes]
    order = [0, *others, *axes]
    moved = y.permute(order)
    image = moved.reshape(y.shape[0], -1, *(y.shape[axis] for axis in axes))
    if enlargement == 1:
        settled = anchor.settle(image)
    else:
        phases = split_phases(image, enlargement)
        settled = anchor.settle(phases.flatten(1, 2)).unflatten(1, phases.shape[1:3])
        settled = merge_phases(settled, enlargement)
    return settled.reshape(moved.shape).permute([order.index(axis) for axis in range(y.ndim)])
