"""Functions and networks by names such as `module:name`; the module is run, so a person must have named it."""

import importlib
import sys
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from recon.errors import ConfigError


def named(spec: str) -> tuple[ModuleType, object]:
    """Import `module:name` and give the module and what it calls so.

    Modules are found as by `python -m`: those installed, and those in the current folder.
    """
    module_name, _, name = spec.partition(":")
    if not name:
        raise ConfigError(f"a function must be named as module:function, got {spec!r}")
    module = imported(module_name)
    if not hasattr(module, name):
        known = [one for one in vars(module) if not one.startswith("_")]
        near = get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"{module.__name__} must have what is named, got {name!r}, which it has not{hint}")
    return module, getattr(module, name)


def factory(spec: str) -> Callable[[], Any]:  # what it makes is looked at where it is used
    """Give the function of that name, which makes a network when it is called without arguments; `()` may follow it."""
    _, found = named(spec.removesuffix("()"))
    if not callable(found):
        raise ConfigError(f"{spec} must be a function that gives a network, got {type(found).__name__}")
    return lambda: called(found, spec)


def called(found: object, spec: str) -> object:
    """Call what was named, and refuse in words what goes wrong in it."""
    if not callable(found):
        raise ConfigError(f"{spec} must call a function that gives a network, got {type(found).__name__}")
    try:
        return found()
    except (Exception, SystemExit) as error:  # whatever its code does
        raise ConfigError(f"{spec} cannot be called without arguments: {words_of(error)}") from error


def imported(name: str) -> ModuleType:
    """Import a module by its name, and refuse in words what goes wrong in it."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise ConfigError(f"a module must have a name such as package.module, got {name!r}; write module:function")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = str(error.name)
        if name == missing or name.startswith(f"{missing}."):
            raise ConfigError(
                f"there must be a module {name}, got none: no {missing} is installed or in the current folder"
            ) from error
        raise ConfigError(f"{name} cannot be imported: it needs {missing}, which is not installed") from error
    except (Exception, SystemExit) as error:  # whatever its code does
        raise ConfigError(f"{name} cannot be imported: {words_of(error)}") from error


def words_of(error: BaseException) -> str:
    """Name an error, and give the first line of what it says."""
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
