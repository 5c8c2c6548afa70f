"""MONAI's words for a network, as data: nothing that a configuration names is run."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from recon.checkpoints.libraries import LIBRARIES
from recon.errors import DataError, require_known
from recon.files import reason_of

MODULE = "monai.networks.nets"

_TARGET = "_target_"
_NETWORK = "network_def"
_DEEPEST = 32  # references in references, lists in lists
_MOST = 10_000  # words and numbers of a description: references can repeat themselves
_ALIASES = {"Unet": "UNet", "BasicUnet": "BasicUNet", "DynUnet": "DynUNet", "BasicUnetPlusPlus": "BasicUNetPlusPlus"}


def words_in(path: Path) -> Mapping[str, object]:
    """Read a configuration of JSON or YAML."""
    try:
        text = path.read_text(encoding="utf-8")
        held = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise DataError(
            f"{path} must be a configuration in JSON or YAML, got one that cannot be read: {reason_of(error)}"
        ) from error
    if not isinstance(held, Mapping):
        raise DataError(f"{path} must be a configuration with names and values, got {type(held).__name__}")
    return held


def network_in(words: Mapping[str, object], *, where: Path) -> tuple[str, dict[str, object]]:
    """Give the class of a network, as `module:class`, and its arguments: words, numbers, lists and mappings.

    `@name` is looked up in the configuration. Expressions (`$...`) and other classes than those that recon knows are
    refused: they would be code.
    """
    described = words if _TARGET in words else words.get(_NETWORK)
    if not isinstance(described, Mapping) or not isinstance(described.get(_TARGET), str):
        raise DataError(f"{where} must describe a network under {_NETWORK} with {_TARGET}, got none")
    target = str(described[_TARGET])
    module, _, name = target.rpartition(".")
    if module and module != MODULE and not module.startswith(f"{MODULE}."):
        raise DataError(
            f"{where} must name a network of {MODULE}, since no other code of a file is run, got {target}; pass "
            f"--factory module:function, if you trust it"
        )
    known = require_known(_ALIASES.get(name, name), LIBRARIES[MODULE], name=f"the network in {where}")
    budget = iter(range(_MOST))
    settings = {key: _value(value, words, where, budget) for key, value in described.items() if not key.startswith("_")}
    return f"{MODULE}:{known}", settings


def _value(value: object, words: Mapping[str, object], where: Path, budget: Iterator[int], depth: int = 0) -> object:
    """Give an argument with its references looked up, of as many parts as are left in the budget."""
    if next(budget, None) is None:
        raise DataError(f"{where} must describe a network by at most {_MOST} words and numbers, got more")
    if depth > _DEEPEST:
        raise DataError(f"{where} must have references that end, got some that lead to themselves")
    if isinstance(value, str) and value.startswith("$"):
        raise DataError(
            f"{where} must have words and numbers as arguments, got the expression {value!r}, and no code of a file is "
            f"run; write its value there"
        )
    if isinstance(value, str) and value.startswith("@"):
        return _value(_looked_up(value[1:], words, where), words, where, budget, depth + 1)
    if isinstance(value, Mapping):
        if _TARGET in value:
            raise DataError(f"{where} must have words and numbers as arguments, got a class to be called")
        return {str(key): _value(one, words, where, budget, depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [_value(one, words, where, budget, depth + 1) for one in value]
    return value


def _looked_up(name: str, words: Mapping[str, object], where: Path) -> object:
    """Find what a reference such as `name#inner#0` names."""
    found: object = words
    for part in name.replace("::", "#").split("#"):
        if isinstance(found, Mapping) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            raise DataError(f"{where} must have what its references name, got @{name} and nothing there")
    return found
