"""The network that conversion gives: the modules of the original, and the plan of what is done with them."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import astuple

import torch
from torch import Tensor, nn

from recon.errors import ConfigError
from recon.nn.anchor import Anchor
from recon.nn.conversion.choices import PhaseChoice
from recon.nn.conversion.planning import ADDED, Plan, Replaced
from recon.nn.conversion.steps import Value, run
from recon.nn.selectors import FixedSelector
from recon.ops.checks import require_finite, require_images


class EquivariantNetwork(nn.Module):
    """A network that does what another does, on a circle, and with phases that each image chooses.

    Its modules and parameters have the names that they have in the original, and what was added is in `equivariance`.
    The forward method of the original and its modules is not called, but for normalisations and dropout, which behave
    differently in training.

    Args:
        network: a copy of the original, whose modules are taken over.
        plan: what is done.
        inputs: the slots of the inputs; the first is the image.
        output: what is given, in the structure of the original's output.
    """

    def __init__(self, network: nn.Module, plan: Plan, *, inputs: tuple[Value, ...], output: object) -> None:
        super().__init__()
        for name, module in network.named_children():
            self.add_module(name, module)
        for name, parameter in network.named_parameters(recurse=False):
            self.register_parameter(name, parameter)
        for name, buffer in network.named_buffers(recurse=False):
            self.register_buffer(name, buffer, persistent=name not in network._non_persistent_buffers_set)
        self.add_module(ADDED, plan.added)
        self._original, self._dims, self._replaced = type(network).__name__, plan.dims, tuple(plan.rows)
        self._steps, self._inputs, self._anchor, self._output = tuple(plan.steps), inputs, plan.anchor, output
        self.train(network.training)

    def forward(self, x: Tensor, *others: Tensor) -> object:
        """Do what the original does with the image x (B, C, *spatial) and the other inputs of its example."""
        inputs = (x, *others)
        if len(inputs) != len(self._inputs):
            raise ConfigError(f"the network takes {len(self._inputs)} inputs as its example did, got {len(inputs)}")
        require_images(inputs[0], self._dims, name="the image")
        require_finite(inputs[0], name="the image")
        results: dict[int, object] = {v.slot: x for v, x in zip(self._inputs, inputs, strict=True)}
        results[self._anchor.slot] = None if self.training else self._first_anchor(inputs)
        return run(self, self._steps, results, self._output)

    def _first_anchor(self, inputs: tuple[Tensor, ...]) -> Anchor:
        """The anchor of all inputs that move together."""
        image = inputs[0]
        others = [x for x in inputs[1:] if x.ndim == image.ndim and x.shape[2:] == image.shape[2:]]
        return Anchor(torch.cat([image, *(x.to(image.dtype) for x in others)], dim=1) if others else image)

    def extra_repr(self) -> str:
        """Say what the network was."""
        return f"of {self._original}, {len(self._replaced)} operations replaced"


def replacements(network: nn.Module) -> tuple[Replaced, ...]:
    """Give the operations that were replaced in a converted network, in the order in which they run."""
    if not isinstance(network, EquivariantNetwork):
        raise ConfigError(f"network must come from make_equivariant, got {type(network).__name__}")
    return network._replaced


def summary(network: nn.Module) -> str:
    """Give a table of what was replaced in a converted network, one operation a line."""
    head = Replaced("where", "operation", "stride", "grid", "phase")
    rows = [astuple(row) for row in (head, *replacements(network))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def with_one_phase(network: nn.Module, offset: Sequence[int] | None = None) -> nn.Module:
    """Give a copy of a converted network whose choices are all that phase (0 if None), with the same weights."""
    network = deepcopy(network)
    for module in network.modules():
        if isinstance(module, EquivariantNetwork):
            phase = (0,) * module._dims if offset is None else tuple(offset)
            for choice in module.modules():
                if isinstance(choice, PhaseChoice):
                    choice.selector = FixedSelector(stride=choice.down.stride, offset=phase)
    return network
