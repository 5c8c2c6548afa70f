"""Looking into a network's selections: how close they are to changing, and what fixed ones would give."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from recon.nn.sampling import Down
from recon.nn.selectors import FixedSelector, Selector
from recon.ops.selection import relative_gap


def selection_margin(network: nn.Module, x: Tensor) -> Tensor:
    """Give (B,) the smallest relative gap between the two best phase scores, over all selections of one forward pass.

    The pass is made in eval mode. Zero for a tie; infinite where the network selects nothing (plain, lpf). A small
    margin means that a little noise can make the network choose another phase.

    >>> from recon.nn import UNet
    >>> selection_margin(UNet(channels=(4, 8), sampling="plain").eval(), torch.randn(2, 1, 8, 8))
    tensor([inf, inf], dtype=torch.float64)
    """
    margins = [torch.full((len(x),), torch.inf, dtype=torch.float64, device=x.device)]

    def record(selector: nn.Module, _: object, scores: Tensor) -> None:
        assert isinstance(selector, Selector)  # hooks are registered on selectors alone
        margins.append(relative_gap(scores, largest=selector.largest))

    hooks = [
        module.register_forward_hook(record)
        for module in network.modules()
        if isinstance(module, Selector) and not isinstance(module, FixedSelector)
    ]
    training = [module for module in network.modules() if module.training]
    try:
        with torch.no_grad():
            network.eval()(x)
    finally:
        for module in training:
            module.training = True
        for hook in hooks:
            hook.remove()
    return torch.stack(margins).amin(0)


def with_fixed_phases(network: nn.Module, offset: tuple[int, ...] = (0, 0)) -> nn.Module:
    """Give a copy of the network in which every down layer keeps the phase of that offset, with the same weights.

    >>> from recon.nn import UNet
    >>> aps, x = UNet(channels=(4, 8), sampling="aps").eval(), torch.randn(1, 1, 8, 8)
    >>> plain = UNet(channels=(4, 8), sampling="plain").eval()
    >>> _ = plain.load_state_dict(aps.state_dict())
    >>> torch.equal(with_fixed_phases(aps)(x), plain(x))
    True
    """
    network = deepcopy(network)
    for module in network.modules():
        if isinstance(module, Down):
            module.selector = FixedSelector(stride=module.stride, offset=offset)
    return network
