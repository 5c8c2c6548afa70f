"""A network in one file: its weights in safetensors' format, and in the header what it takes to build it again."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from recon import __version__
from recon.errors import ConfigError, DataError, ReconError, require_known
from recon.files import written_whole
from recon.nn import UNet
from recon.records import Word

SUFFIX = ".safetensors"
FORMAT = "recon network"
VERSION = 1

_HEADER_KEY = "recon"  # the one entry that we write among the header's metadata
_NETWORKS = {"UNet": UNet}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a file says of the network in it.

    Args:
        network: the name of its class.
        arguments: what builds it: `UNet.from_arguments(arguments)`.
        about: what its maker said of it.
        version: of the format.
        recon: the version of recon that wrote the file.
        sha256: of the weights, their names, types and shapes: equal for equal weights, whatever is said about them.
    """

    network: str
    arguments: dict[str, Word]
    about: dict[str, Word]
    version: int
    recon: str
    sha256: str


def save(network: UNet, path: Path, *, about: Mapping[str, Word] | None = None) -> None:
    """Write a network to one file, which `load` reads anywhere, and nothing in which can be run.

    The file holds the weights and buffers as they are, and says how the network is built. It appears when it is whole:
    a file that was there before stays until then. Of the network's mode and of what was done to its modules by hand
    nothing is kept; a network with other modules than its arguments give is refused.

    Args:
        network: a UNet itself, not wrapped.
        path: where to; its name must end in .safetensors.
        about: anything that JSON can hold: the data it was trained on, synthetic or not, how they were normalised, what
            its input is, the epoch, its measured quality.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise ConfigError(f"the name of a network's file must end in {SUFFIX}, got {path.name!r}")
    if type(network) not in _NETWORKS.values():
        raise ConfigError(
            f"network must be a UNet itself, got {type(network).__name__}; save the UNet inside it, or derive nothing"
        )
    _require_own_modules(network)
    tensors = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in network.state_dict().items()
    }
    header = {
        "format": FORMAT,
        "version": VERSION,
        "network": type(network).__name__,
        "arguments": network.arguments,
        "recon": __version__,
        "about": {} if about is None else about,
        "sha256": weights_hash(tensors),
    }
    try:
        text = json.dumps(header, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"about must hold what JSON can: words, finite numbers, lists and mappings of them; {error}"
        ) from error
    data = safetensors.torch.save(tensors, metadata={_HEADER_KEY: text})
    with written_whole(path) as partial, partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # the disk must have it before the name points to it


def load(path: Path, *, device: str | torch.device = "cpu") -> UNet:
    """Read a network from a file that `save` wrote, in eval mode, with its weights in the types in which they were.

    Every weight must be there and fit, and the weights must be those that were written. Random numbers are left as
    they are.
    """
    path = Path(path)
    checkpoint, tensors = _read(path)
    try:
        with torch.device("meta"):  # looked at before anything is allocated
            plan = _built(checkpoint)
    except (ReconError, TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise DataError(f"the network in {path} cannot be built: {error}") from error
    _require_fit(plan, tensors, path)
    with torch.random.fork_rng(devices=[]):
        network = _built(checkpoint)
    network.to(tensors["head.conv.weight"].dtype)  # for the fixed filters, which are no weights
    network.load_state_dict({name: tensor.clone() for name, tensor in tensors.items()}, strict=True, assign=True)
    return network.to(device).eval()


def read_about(path: Path) -> Checkpoint:
    """Read what a file says of the network in it, and check that its weights are those that were written."""
    return _read(Path(path))[0]


def weights_hash(tensors: Mapping[str, Tensor]) -> str:
    """Give the SHA-256 of tensors: their names, types, shapes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _read(path: Path) -> tuple[Checkpoint, dict[str, Tensor]]:
    """Read a whole file at once, so that header and weights belong together."""
    if path.is_dir():
        raise DataError(f"{path} must be a network's file, got a folder; name a file that ends in {SUFFIX}")
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path} is not there; give the path of a network's file, which ends in {SUFFIX}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    try:
        tensors = safetensors.torch.load(data)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        if data[8:9] != b"{":
            raise DataError(f"{path} is not a safetensors file; give a file that recon.save wrote") from error
        raise DataError(f"{path} is cut short or damaged ({error}); copy or save it again") from error
    size = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + size]).get("__metadata__") or {}
    if _HEADER_KEY not in metadata:
        raise DataError(
            f"{path} is a safetensors file, but recon.save did not write it: it does not say how to build it"
        )
    checkpoint = _checkpoint(metadata[_HEADER_KEY], path)
    if weights_hash(tensors) != checkpoint.sha256:
        raise DataError(f"the weights in {path} are not those that were saved; copy or save it again")
    return checkpoint, tensors


def _checkpoint(text: str, path: Path) -> Checkpoint:
    """Understand our part of the header."""
    try:
        header = json.loads(text)
        kind, version = header["format"], header["version"]
        if kind != FORMAT or type(version) is not int:
            raise ValueError(f"its format is {kind!r}, version {version!r}")
        if version > VERSION:
            raise DataError(
                f"{path} is of format version {version}, and this recon ({__version__}) knows up to {VERSION}; "
                f"update recon"
            )
        checkpoint = Checkpoint(
            **{name: header[name] for name in ("network", "arguments", "about", "version", "recon", "sha256")}
        )
        if not isinstance(checkpoint.arguments, dict) or not isinstance(checkpoint.about, dict):
            raise TypeError("arguments and about must be mappings")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"the header of {path} cannot be understood ({error!r}); save the network again") from error
    return checkpoint


def _built(checkpoint: Checkpoint) -> UNet:
    """Build the network with new weights."""
    network = _NETWORKS[require_known(checkpoint.network, _NETWORKS, name="the network's class")]
    built = network.from_arguments(checkpoint.arguments)
    for name, value in built.arguments.items():
        given = checkpoint.arguments.get(name, value)
        if given != value and not isinstance(given, dict):
            raise ConfigError(f"{name} must be such as {value!r}, got {given!r}")
    return built


def _require_own_modules(network: UNet) -> None:
    """Refuse a network whose modules are not those that its arguments give, as it could not be built again."""
    with torch.device("meta"):
        plan = type(network).from_arguments(network.arguments)
    for (name, wanted), (other_name, got) in zip(_modules(plan), _modules(network), strict=False):
        if (name, wanted) != (other_name, got):
            raise ConfigError(
                f"network must have the modules that its arguments give, got {got.__name__} as {other_name!r} where "
                f"{name!r} is {wanted.__name__}; save the network that it was made from"
            )
    problem = _misfit(plan, network.state_dict())
    if problem:
        raise ConfigError(f"network must have the weights that its arguments give: {problem}")


def _modules(network: nn.Module) -> list[tuple[str, type[nn.Module]]]:
    """List the modules by name and class."""
    return [(name, type(module)) for name, module in network.named_modules()]


def _require_fit(plan: UNet, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Refuse weights that are not those of the network."""
    problem = _misfit(plan, tensors)
    if problem:
        raise DataError(f"the weights in {path} do not fit the network that it describes: {problem}")


def _misfit(plan: UNet, tensors: Mapping[str, Tensor]) -> str:
    """Say what first does not fit, or nothing."""
    wanted = plan.state_dict()
    for name, tensor in wanted.items():
        if name not in tensors:
            return f"{name} is missing"
        got = tensors[name]
        if got.shape != tensor.shape:
            return f"{name} must have the shape {tuple(tensor.shape)}, got {tuple(got.shape)}"
        if got.is_floating_point() != tensor.is_floating_point():
            return f"{name} must be of a type like {tensor.dtype}, got {got.dtype}"
    unexpected = [name for name in tensors if name not in wanted]
    return f"{unexpected[0]} is not expected" if unexpected else ""
