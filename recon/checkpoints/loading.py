"""Reading a network from its file."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
from torch import Tensor, nn

from recon.checkpoints.building import (
    FOREIGN,
    Network,
    Own,
    built,
    floating_types,
    misfit,
    outline,
    require_words_kept,
)
from recon.checkpoints.format import Checkpoint, read_file
from recon.checkpoints.libraries import library_factory
from recon.errors import ConfigError, DataError, ReconError
from recon.nn import Converted


def load(path: Path, *, device: str | torch.device = "cpu", factory: Callable[[], nn.Module] | None = None) -> Network:
    """Read a network from a file that `save` wrote, in eval mode, with its weights in the types in which they were.

    Every weight must be there and fit, and the weights must be those that were written. Random numbers are left as
    they are.

    Args:
        path: the file.
        device: where the network is to be.
        factory: for a network of your own (`recon.nn.Converted`), the function that builds it. The file has its name,
            but no code that a file names is ever run. One of another library that recon knows (fastMRI's Unet and
            MONAI's networks, see `recon.checkpoints.libraries`) needs none.
    """
    path = Path(path)
    checkpoint, tensors = read_file(path)
    if checkpoint.network == FOREIGN:
        return _foreign(checkpoint, tensors, path, factory).to(device).eval()
    if factory is not None:
        raise ConfigError(
            f"factory is for networks of your own, got one for {path}, which holds a {checkpoint.network}; leave it out"
        )
    return _own(checkpoint, tensors, path).to(device).eval()


def read_about(path: Path) -> Checkpoint:
    """Read what a file says of the network in it, and check that its weights are those that were written."""
    return read_file(Path(path))[0]


def _own(checkpoint: Checkpoint, tensors: Mapping[str, Tensor], path: Path) -> Own:
    """Build one of recon's networks, and give it its weights."""
    name, arguments = checkpoint.network, checkpoint.arguments
    with _building(path):
        plan = outline(name, arguments)  # looked at before anything is allocated
    _require_fit(misfit(plan, tensors), path)
    network = built(name, arguments)
    first, _ = next(network.named_parameters())
    network.to(tensors[first].dtype)  # for the fixed filters, which are no weights
    network.load_state_dict({name: tensor.clone() for name, tensor in tensors.items()}, strict=True, assign=True)
    return network


def _foreign(
    checkpoint: Checkpoint, tensors: Mapping[str, Tensor], path: Path, factory: Callable[[], nn.Module] | None
) -> Converted:
    """Let the factory build a network of the user's own, convert it, and give it its weights."""
    own = factory is not None
    if factory is None:
        most = sum(tensor.numel() for tensor in tensors.values())  # a conversion keeps weights, and may add some
        factory = library_factory(checkpoint.arguments, most=most)
    if factory is None:
        raise ConfigError(
            f"{path} holds a network that {checkpoint.arguments.get('factory')} builds, and no code that a file names "
            "is run; pass the function itself as factory, if you trust it"
        )
    with nullcontext() if own else _building(path), torch.random.fork_rng(devices=[]):
        made = factory()
    if not isinstance(made, nn.Module):
        raise ConfigError(f"factory must give a torch.nn.Module, got {type(made).__name__}")
    with _building(path):
        network = Converted.from_arguments(checkpoint.arguments, made)
        require_words_kept(network, checkpoint.arguments)
    types = floating_types(tensors)
    if len(types) == 1 and types != floating_types(network.state_dict()):
        network.to(types.pop())
    _require_fit(misfit(network, tensors, types=True), path)
    network.load_state_dict(tensors, strict=True)
    return network


@contextmanager
def _building(path: Path) -> Iterator[None]:
    """Say of which file the network is that cannot be built."""
    try:
        yield
    except (ReconError, TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise DataError(f"the network in {path} cannot be built: {error}") from error


def _require_fit(problem: str, path: Path) -> None:
    """Refuse weights that are not those of the network."""
    if problem:
        raise DataError(f"the weights in {path} do not fit the network that it describes: {problem}")
