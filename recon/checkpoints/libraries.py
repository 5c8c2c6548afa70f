"""Networks of other libraries that a file may name: a short list, built from words and from nothing else."""

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

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
_PARAMETERS = 4096  # weights and biases that a network may have: many more than real ones
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
        most: how many values its weights may have at most; more are refused before they are allocated, and so are more
            layers than any such network has.
    """
    module, _, name = require_known(factory, KNOWN, name="a network of another library").partition(":")
    try:
        build = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise ConfigError(f"{factory} must be installed, got: {error}; pip install {module.split('.')[0]}") from error
    try:
        words = json.loads(json.dumps(dict(settings)))
        _require_numbers(words, most)
        with torch.device("meta"), _bounded(most):
            build(**words)
        with torch.random.fork_rng(devices=[]):
            network: nn.Module = build(**words)
    except Exception as error:  # whatever the library's code finds wrong
        raise ConfigError(
            f"the arguments of {factory} must be such as it takes, got {dict(settings)}: {type(error).__name__}: "
            f"{next(iter(str(error).splitlines()), '')}"
        ) from error
    return network.eval()


def _require_numbers(words: object, most: int) -> None:
    """Refuse numbers that no part of a network with `most` values can be counted by."""
    if isinstance(words, Mapping):
        words = list(words.values())
    if isinstance(words, list):
        for word in words:
            _require_numbers(word, most)
    elif isinstance(words, int | float) and words > most:
        raise ValueError(f"it asks for {words:g} values, and the weights have {most}")


@contextmanager
def _bounded(most: int) -> Iterator[None]:
    """Stop a network's making as soon as it has more than `most` values, or too many layers."""
    values = parameters = 0

    def count(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal values, parameters
        parameters += 1
        values += 0 if parameter is None else parameter.numel()
        if values > most:
            raise ValueError(f"it has {values} values or more, and the weights have {most}")
        if parameters > _PARAMETERS:
            raise ValueError(f"it has more than {_PARAMETERS} weights and biases, which no such network has")

    with register_module_parameter_registration_hook(count):
        yield
