"""Writing a network to its file."""

from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path

import torch
from torch import Tensor, nn

from recon.checkpoints.building import FOREIGN, OWN, Network, misfit, outline
from recon.checkpoints.format import SUFFIX, write_file
from recon.errors import ConfigError
from recon.nn import Converted
from recon.nn.converted import modules_of
from recon.records import Word


def save(network: Network, path: Path, *, about: Mapping[str, Word] | None = None) -> None:
    """Write a network to one file, which `load` reads anywhere, and nothing in which can be run.

    The file holds the weights and buffers as they are, and says how the network is built. It appears when it is whole:
    a file that was there before stays until then. Of the network's mode and of what was done to its modules by hand
    nothing is kept; a network with other modules than its arguments give is refused.

    Args:
        network: a UNet, Classifier, Segmenter or Converted itself, not wrapped. The file of a Converted has the name
            of its factory, but not its code: whoever loads it has to have that.
        path: where to; its name must end in .safetensors.
        about: anything that JSON can hold: the data it was trained on, synthetic or not, how they were normalised, what
            its input is, the epoch, its measured quality.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise ConfigError(f"the name of a network's file must end in {SUFFIX}, got {path.name!r}")
    if type(network) not in (*OWN.values(), Converted):
        raise ConfigError(
            f"network must be a {', '.join(OWN)} or {FOREIGN} itself, got {type(network).__name__}; save the one "
            "inside it, or derive nothing"
        )
    _require_own_modules(network)
    tensors = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in _tensors(network).items()
    }
    write_file(path, tensors, network=type(network).__name__, arguments=network.arguments, about=about or {})


def _tensors(network: Network) -> dict[str, Tensor]:
    """Give the state of a network, and refuse one that is more than tensors."""
    state = network.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise ConfigError(f"the state of a network must be made of tensors, got {type(value).__name__} as {name}")
    return state


def _require_own_modules(network: Network) -> None:
    """Refuse a network whose modules are not those that its arguments give, as it could not be built again."""
    if isinstance(network, Converted):
        _require_same_modules(network.modules_built, modules_of(network))
        return
    plan = outline(type(network).__name__, network.arguments)
    _require_same_modules(modules_of(plan), modules_of(network))
    problem = misfit(plan, network.state_dict())
    if problem:
        raise ConfigError(f"network must have the weights that its arguments give: {problem}")


def _require_same_modules(
    wanted: tuple[tuple[str, type[nn.Module]], ...], got: tuple[tuple[str, type[nn.Module]], ...]
) -> None:
    """Refuse other modules, and more or less of them."""
    nothing = ("", type(None))
    for (name, kind), (other_name, other) in zip_longest(wanted, got, fillvalue=nothing):
        if (name, kind) != (other_name, other):
            raise ConfigError(
                f"network must have the modules that its arguments give, got {other.__name__} as {other_name!r} where "
                f"{name!r} is {kind.__name__}; save the network that it was made from"
            )
