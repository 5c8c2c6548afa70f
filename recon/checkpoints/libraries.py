"""Networks of other libraries that a file may name: a short list, built from words and from nothing else."""

import importlib
import json
from collections.abc import Callable, Mapping

import torch
from torch import nn

from recon.errors import ConfigError, require_known

LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "fastmri.models": ("Unet",),
    "monai.networks.nets": (
        "AttentionUnet",
        "AutoEncoder",
        "BasicUNet",
        "BasicUNetPlusPlus",
        "DynUNet",
        "SegResNet",
        "UNet",
        "VNet",
    ),
}
KNOWN = tuple(f"{module}:{name}" for module, names in LIBRARIES.items() for name in names)


def library_factory(arguments: Mapping[str, object], *, most: int) -> Callable[[], nn.Module] | None:
    """Give what builds the network inside a Converted of these arguments; None for one of the user's own.

    >>> library_factory({"factory": "networks:small"}, most=100) is None
    True
    """
    settings = arguments.get("settings")
    if not isinstance(settings, Mapping):
        return None
    return lambda: library_network(str(arguments.get("factory")), settings, most=most)


def library_network(factory: str, settings: Mapping[str, object], *, most: int) -> nn.Module:
    """Build a network of `KNOWN`, `module:class`, with these arguments, in eval mode.

    The code that runs is that of the installed library, and what it is given are words, numbers, lists and mappings.

    Args:
        factory: the name.
        settings: the arguments.
        most: how many values its weights may have at most; more are refused before they are allocated.
    """
    module, _, name = require_known(factory, KNOWN, name="a network of another library").partition(":")
    try:
        build = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise ConfigError(f"{factory} must be installed, got: {error}; pip install {module.split('.')[0]}") from error
    try:
        words = json.loads(json.dumps(dict(settings)))
        with torch.device("meta"):
            size = sum(tensor.numel() for tensor in build(**words).state_dict().values())
        if size > most:
            raise ValueError(f"it has {size} values, and the weights have {most}")
        with torch.random.fork_rng(devices=[]):
            network: nn.Module = build(**words)
    except Exception as error:  # whatever the library's code finds wrong
        raise ConfigError(
            f"the arguments of {factory} must be such as it takes, got {dict(settings)}: {type(error).__name__}: "
            f"{next(iter(str(error).splitlines()), '')}"
        ) from error
    return network.eval()
