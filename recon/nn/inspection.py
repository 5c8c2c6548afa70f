"""Looking into a network's selections: how close they are to changing, and what fixed ones would give."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from recon.nn.conversion.choices import PhaseChoice
from recon.nn.conversion.network import with_one_phase
from recon.nn.sampling import Down
from recon.nn.selectors import FixedSelector, Phase, Selector
from recon.ops.selection import relative_gap


@dataclass(slots=True)
class Selections:
    """What a network's down layers choose, in the order in which they run.

    Args:
        offsets: (B, d) of every down layer, or choice of a converted network: the phase of each image, as seen from
            the grid of the level above.
        gaps: (B,) of every layer that selects: the relative gap between the two best scores.
    """

    offsets: list[Tensor] = field(default_factory=list)
    gaps: list[Tensor] = field(default_factory=list)

    def margin(self, x: Tensor) -> Tensor:
        """Give the smallest gap of each image of x (B, ...); infinite where nothing was selected."""
        none = torch.full((len(x),), torch.inf, dtype=torch.float64, device=x.device)
        return torch.stack([none, *self.gaps]).amin(0)


@contextmanager
def recorded_selections(network: nn.Module) -> Iterator[Selections]:
    """Record what the network selects in a forward pass that is made inside the `with`, whoever makes it.

    >>> from recon.nn import UNet
    >>> network = UNet(channels=(4, 8, 16), sampling="aps").eval()
    >>> with recorded_selections(network) as selections:
    ...     _ = network(torch.randn(2, 1, 8, 8))
    >>> [tuple(offset.shape) for offset in selections.offsets]
    [(2, 2), (2, 2)]
    """
    found = Selections()

    def record_gap(selector: nn.Module, _: object, scores: Tensor) -> None:
        assert isinstance(selector, Selector)  # hooks are registered on selectors alone
        found.gaps.append(relative_gap(scores, largest=selector.largest))

    def record_offset(_: nn.Module, __: object, result: tuple[Tensor, Phase]) -> None:
        found.offsets.append(result[1].offset)

    def record_choice(_: nn.Module, __: object, phase: Phase) -> None:
        found.offsets.append(phase.offset)

    hooks = []
    for module in network.modules():
        if isinstance(module, Selector) and not isinstance(module, FixedSelector):
            hooks.append(module.register_forward_hook(record_gap))
        elif isinstance(module, Down):
            hooks.append(module.register_forward_hook(record_offset))
        elif isinstance(module, PhaseChoice):
            hooks.append(module.register_forward_hook(record_choice))
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def selection_margin(network: nn.Module, x: Tensor) -> Tensor:
    """Give (B,) the smallest relative gap between the two best phase scores, over all selections of one forward pass.

    The pass is made in eval mode. Zero for a tie; infinite where the network selects nothing (plain, lpf). A small
    margin means that a little noise can make the network choose another phase.

    >>> from recon.nn import UNet
    >>> selection_margin(UNet(channels=(4, 8), sampling="plain").eval(), torch.randn(2, 1, 8, 8))
    tensor([inf, inf], dtype=torch.float64)
    """
    return _selections(network, x).margin(x)


def selected_phases(network: nn.Module, x: Tensor) -> list[Tensor]:
    """Give the phases (B, d) that the down layers choose in one forward pass in eval mode, from the finest level.

    Each is seen from the grid of the level above, so that equal lists mean equal pixels.

    >>> from recon.nn import UNet
    >>> selected_phases(UNet(channels=(4, 8), sampling="plain").eval(), torch.randn(2, 1, 8, 8))
    [tensor([[0, 0],
            [0, 0]])]
    """
    return _selections(network, x).offsets


def with_fixed_phases(network: nn.Module, offset: tuple[int, ...] = (0, 0)) -> nn.Module:
    """Give a copy of the network in which every down layer keeps the phase of that offset, with the same weights.

    >>> from recon.nn import UNet
    >>> aps, x = UNet(channels=(4, 8), sampling="aps").eval(), torch.randn(1, 1, 8, 8)
    >>> plain = UNet(channels=(4, 8), sampling="plain").eval()
    >>> _ = plain.load_state_dict(aps.state_dict())
    >>> torch.equal(with_fixed_phases(aps)(x), plain(x))
    True
    """
    network = with_one_phase(network, offset)
    for module in network.modules():
        if isinstance(module, Down):
            module.selector = FixedSelector(stride=module.stride, offset=offset)
    return network


def selects(network: nn.Module) -> bool:
    """Tell whether a network has down layers of recon's, or choices of a converted one, that can be looked into."""
    return any(isinstance(module, Down | PhaseChoice) for module in network.modules())


def _selections(network: nn.Module, x: Tensor) -> Selections:
    """Make one forward pass in eval mode, and leave the network as it was."""
    training = [module for module in network.modules() if module.training]
    try:
        with torch.no_grad(), recorded_selections(network) as found:
            network.eval()(x)
    finally:
        for module in training:
            module.training = True
    return found
