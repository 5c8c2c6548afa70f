"""The networks that a file can hold, how each is built from its arguments, and whether weights fit it."""

from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import Tensor, nn

from recon.errors import ConfigError, require_known
from recon.nn import Classifier, Converted, Segmenter, UNet

Own: TypeAlias = UNet | Classifier | Segmenter
Network: TypeAlias = Own | Converted

OWN: dict[str, type[UNet] | type[Classifier] | type[Segmenter]] = {
    "UNet": UNet,
    "Classifier": Classifier,
    "Segmenter": Segmenter,
}
FOREIGN = "Converted"


def built(name: str, arguments: Mapping[str, object]) -> Own:
    """Build the network with new weights, leave random numbers as they are, and refuse arguments that it changed."""
    with torch.random.fork_rng(devices=[]):
        network: Own = OWN[name].from_arguments(arguments)
    require_words_kept(network, arguments)
    return network


def require_words_kept(network: Network, arguments: Mapping[str, object]) -> None:
    """Refuse a network whose arguments are other words than those it was built from."""
    for name, value in network.arguments.items():
        given = arguments.get(name, value)
        if given != value and not isinstance(given, dict):
            raise ConfigError(f"{name} must be such as {value!r}, got {given!r}")


def outline(name: str, arguments: Mapping[str, object]) -> Own:
    """Build the network without allocating anything."""
    require_known(name, [*OWN, FOREIGN], name="the network's class")
    with torch.device("meta"):
        return built(name, arguments)


def misfit(network: nn.Module, tensors: Mapping[str, Tensor], *, types: bool = False) -> str:
    """Say what first does not fit, or nothing.

    Args:
        network: which the tensors are for.
        tensors: by their names in its state.
        types: whether the types must be the same, and not only alike.
    """
    wanted = network.state_dict()
    for name, tensor in wanted.items():
        if name not in tensors:
            return f"{name} is missing"
        got = tensors[name]
        if got.shape != tensor.shape:
            return f"{name} must have the shape {tuple(tensor.shape)}, got {tuple(got.shape)}"
        if got.dtype != tensor.dtype and (types or got.is_floating_point() != tensor.is_floating_point()):
            return f"{name} must be of a type like {tensor.dtype}, got {got.dtype}"
    unexpected = [name for name in tensors if name not in wanted]
    return f"{unexpected[0]} is not expected" if unexpected else ""


def floating_types(tensors: Mapping[str, Tensor]) -> set[torch.dtype]:
    """Give the types of the floating-point tensors."""
    return {tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()}
