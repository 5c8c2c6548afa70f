"""What a conversion leaves in its folder: the network, how to train it on, and what was found."""

import json
import math
import platform
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
import yaml

from recon import __version__, checkpoints
from recon.checkpoints import read_about
from recon.conversion.convert import Conversion
from recon.conversion.measuring import RECORDS
from recon.errors import DataError
from recon.files import written_whole
from recon.records import Word

NETWORK = "network.safetensors"
ORIGINAL = "original.safetensors"
CONFIG = "config.yaml"
FOUND = "conversion.json"
REPLACED = "replaced.txt"
_FILES = (NETWORK, ORIGINAL, CONFIG, FOUND, REPLACED)


def begun(folder: Path, conversion: Conversion) -> bool:
    """Tell whether the folder holds this very conversion already, to be gone on with; any other content is refused."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} must be a folder, got a file; choose another --out")
    file = folder / NETWORK
    if not file.exists():
        others = sorted(path.name for path in folder.glob("*") if path.suffix != ".partial")
        if others:
            raise DataError(f"{folder} must be a new folder, got one with {others[0]} in it; choose another --out")
        return False
    about = read_about(file)
    words = about.about.get("conversion")
    of_same = isinstance(words, Mapping) and words.get("weights") == conversion.original.weights
    if about.arguments != conversion.network.arguments:
        raise DataError(f"{folder} must be a new folder, got one with another conversion; choose another --out")
    if not of_same:
        hint = "" if conversion.original.in_a_file else " (each call of a function that draws weights gives others)"
        raise DataError(
            f"{folder} must be a new folder, got one with the conversion of other weights than those of "
            f"{conversion.original.spec} now{hint}; choose another --out"
        )
    return True


def write_network(conversion: Conversion, folder: Path) -> Path:
    """Write the converted network, and give its file."""
    path = folder / NETWORK
    checkpoints.save(conversion.network, path, about=conversion.about)
    return path


def read_network(conversion: Conversion, folder: Path) -> Path:
    """Take the weights that the folder holds, and give their file: those that are new may have been drawn otherwise."""
    path = folder / NETWORK
    conversion.network.load_state_dict(safetensors.torch.load_file(path))
    return path


def write_original(conversion: Conversion, folder: Path) -> str:
    """Give what names the original for evaluation; one just made is written, since another call may make another."""
    original = conversion.original
    if original.in_a_file:
        return original.spec
    path = folder / ORIGINAL
    checkpoints.save(original.network, path, about=original.about)
    return str(path)


def write_config(words: Mapping[str, Any], folder: Path, spec: str, command: str) -> None:
    """Write the configuration with which `recon train` trains the converted network on."""
    head = f"# Trains {' '.join(spec.split())}, converted, on: {' '.join(command.split())}\n"
    with written_whole(folder / CONFIG) as partial:
        partial.write_text(head + yaml.safe_dump(dict(words), sort_keys=False), encoding="utf-8")


def training_command(folder: Path, *, whole: bool) -> str:
    """Give the command that trains the converted network on."""
    own = ["--config", str(folder / CONFIG)]
    return shlex.join(["recon", "train", *([] if whole else ["--config", "RECIPE"]), *own])


def write_replaced(text: str, folder: Path) -> None:
    """Write what was replaced."""
    with written_whole(folder / REPLACED) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def write_found(conversion: Conversion, folder: Path, found: Mapping[str, Word], *, seed: int, device: str) -> None:
    """Write as JSON what was converted into what, under which circumstances, and what was found."""
    words = {
        "original": {
            "spec": conversion.original.spec,
            "variant": conversion.original.variant,
            "weights": conversion.original.weights,
        },
        "converted": {
            "variant": conversion.variant,
            "weights": read_about(folder / NETWORK).sha256,
            "period": conversion.network.multiple,
            "untrained": list(conversion.new),
        },
        "method": conversion.method,
        "blur": conversion.network.arguments["blur"],
        "seed": seed,
        "device": device,
        "versions": {"recon": __version__, "torch": str(torch.__version__), "python": platform.python_version()},
        **found,
    }
    with written_whole(folder / FOUND) as partial:
        partial.write_text(json.dumps(_spelt(words), indent=2, allow_nan=False) + "\n", encoding="utf-8")


@contextmanager
def taken_back(folder: Path) -> Iterator[None]:
    """Take back what was written into a new folder where a mistake shows before anything was measured."""
    there = folder.exists()
    try:
        yield
    except Exception:
        if not (folder / RECORDS).exists():
            for name in _FILES:
                (folder / name).unlink(missing_ok=True)
            if not there and folder.exists() and not any(folder.iterdir()):
                folder.rmdir()
        raise


def _spelt(value: object) -> object:
    """Spell the numbers that JSON does not have as words."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _spelt(entry) for name, entry in value.items()}
    return [_spelt(entry) for entry in value] if isinstance(value, list | tuple) else value
