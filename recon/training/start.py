"""Where training begins from: the weights of another network, whose sampling may be another."""

from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from recon.checkpoints import SUFFIX, read_about, weights_hash
from recon.errors import ConfigError, DataError
from recon.nn.labels import Segmenter, transfer_weights
from recon.records import Word
from recon.samplings import sampling_from_words
from recon.training.task import Network

_INNER = "network."  # before the names of the weights of a wrapped network
_HEADS = ("fc.", "classifier.", "head.")  # of classifiers, that a segmenter's backbone has none of
_ADDED = "equivariance."  # before the names of what a classifier's sampling adds, and a segmenter's too


def start_from(network: Network, path: Path) -> dict[str, Word]:
    """Load the weights of a file into a network, and say whose they are.

    The file is one of recon's (of a network of the same kind, whatever its sampling), or holds a state dict alone, as
    torchvision's do: of the network, of the one inside it, or, for a segmenter, of a classifier with its backbone.
    Learned samplings and adaptive blurs, which another network has none of, begin as new; so does all of a segmenter
    but its backbone, and then the answer has `part`: such a network is trained like any other, and is not tuned.
    """
    path = Path(path)
    about: dict[str, Word]
    if path.suffix == SUFFIX and _is_ours(path):
        checkpoint = read_about(path)
        about = {"variant": _variant(checkpoint.arguments), "weights": checkpoint.sha256}
        about |= {"conversion": found} if (found := checkpoint.about.get("conversion")) else {}
        tensors = safetensors.torch.load_file(path)
    else:
        tensors = _state_dict(path)
        about = {"variant": path.stem, "weights": weights_hash(tensors)}
    backbone = _backbone(tensors, network)
    about |= {"part": "backbone"} if backbone is not None else {}
    try:
        transfer_weights(_fitted(tensors, network) if backbone is None else backbone, network)
    except ConfigError as error:
        raise ConfigError(f"the weights in {path} cannot be taken over: {error}") from error
    return about


def _variant(arguments: dict[str, Word]) -> str:
    """Name a network by its sampling and blur."""
    words = arguments.get("sampling", "plain")
    sampling = words if words == "none" else sampling_from_words(words).name  # type: ignore[arg-type]  # it checks
    blur = arguments.get("blur")
    return f"{sampling}-{blur}" if blur else str(sampling)


def _fitted(tensors: dict[str, Tensor], network: Network) -> dict[str, Tensor]:
    """Name weights as the network does."""
    wanted = network.state_dict()
    if set(tensors) & set(wanted):
        return tensors
    inside = {_INNER + name: tensor for name, tensor in tensors.items()}
    return inside if set(inside) & set(wanted) else tensors


def _backbone(tensors: dict[str, Tensor], network: Network) -> dict[str, Tensor] | None:
    """Give a segmenter's weights with the backbone from a classifier's; None where these are not of a classifier."""
    wanted, prefix = network.state_dict(), _INNER + "backbone."
    plain = {name.removeprefix(_INNER): tensor for name, tensor in tensors.items()}
    plain = {name: tensor for name, tensor in plain.items() if not name.startswith(_ADDED)}
    if not isinstance(network, Segmenter) or any(_INNER + name in wanted for name in plain):
        return None
    rest = {name: tensor for name, tensor in wanted.items() if not name.startswith(prefix)}
    return rest | {prefix + name: tensor for name, tensor in plain.items() if not name.startswith(_HEADS)}


def _is_ours(path: Path) -> bool:
    """Tell whether recon wrote a file of weights."""
    try:
        read_about(path)
    except DataError as error:
        if "recon.save did not write it" in str(error):
            return False
        raise
    return True


def _state_dict(path: Path) -> dict[str, Tensor]:
    """Read a state dict, without unpickling anything but tensors and plain values."""
    try:
        if path.suffix == SUFFIX:
            return safetensors.torch.load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DataError(f"{path} must be a file of weights, got nothing there") from error
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    except Exception as error:  # whatever torch's reader finds wrong
        raise DataError(
            f"{path} must hold a state dict of tensors alone, got what cannot be read so: {str(error).splitlines()[0]}"
        ) from error
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    if not isinstance(found, dict) or not all(isinstance(tensor, Tensor) for tensor in found.values()):
        raise DataError(f"{path} must hold a state dict of tensors, got {type(found).__name__} of other things")
    return found
