"""The file of a network: tensors, and a header that describes them; written and read whole."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from recon import __version__
from recon.errors import ConfigError, DataError
from recon.files import written_whole
from recon.records import Word

SUFFIX = ".safetensors"
IN_BUNDLE = Path("models") / f"network{SUFFIX}"  # where a MONAI bundle that recon wrote has its network
FORMAT = "recon network"
VERSION = 1

_HEADER_KEY = "recon"  # the one entry that we write among the header's metadata


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


def weights_hash(tensors: Mapping[str, Tensor]) -> str:
    """Give the SHA-256 of tensors: their names, types, shapes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def write_file(
    path: Path, tensors: Mapping[str, Tensor], *, network: str, arguments: object, about: Mapping[str, Word]
) -> None:
    """Write tensors, and a header of the name of the network's class, its arguments and what is said about it."""
    header = {
        "format": FORMAT,
        "version": VERSION,
        "network": network,
        "arguments": arguments,
        "recon": __version__,
        "about": about,
        "sha256": weights_hash(tensors),
    }
    try:
        text = json.dumps(header, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"about must hold what JSON can: words, finite numbers, lists and mappings of them; {error}"
        ) from error
    data = safetensors.torch.save(dict(tensors), metadata={_HEADER_KEY: text})
    with written_whole(path) as partial, partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # the disk must have it before the name points to it


def read_file(path: Path) -> tuple[Checkpoint, dict[str, Tensor]]:
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
