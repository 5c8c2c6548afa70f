"""What a conversion leaves in its folder: the network, how to train it on, and what was found."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from recon import __version__, checkpoints
from recon.conversion.convert import AnyNetwork, about_converted
from recon.conversion.originals import Original
from recon.errors import DataError
from recon.files import written_whole
from recon.nn.labels import Classifier, Segmenter
from recon.records import Word

NETWORK = "network.safetensors"
ORIGINAL = "original.safetensors"
CONFIG = "config.yaml"
FOUND = "conversion.json"
_SLOWER = 0.1  # of the rate that a network was trained with
_EPOCHS = 3  # MASS, table 4


def require_new(folder: Path) -> None:
    """Refuse a folder with another conversion in it."""
    if (folder / NETWORK).exists():
        raise DataError(f"{folder} must be a new folder, got one with a converted network; choose another --out")


def write_network(network: AnyNetwork, folder: Path, original: Original, method: str, new: Sequence[str]) -> Path:
    """Write the converted network, and give its file."""
    path = folder / NETWORK
    checkpoints.save(network, path, about=about_converted(original, method, new))
    return path


def write_original(folder: Path, original: Original) -> str:
    """Write a network of the user's own as it was made, since another call may make another; give what names it."""
    if original.factory is None:
        return original.spec
    path = folder / ORIGINAL
    checkpoints.save(original.network, path, about=original.about)
    return str(path)


def write_config(network: AnyNetwork, folder: Path, original: Original) -> Path:
    """Write the configuration with which `recon train` trains the converted network on.

    It is whole where the original comes from a run; else it is to be laid over a recipe.
    """
    path = folder / CONFIG
    words = tuning(network, folder, original)
    head = f"# Trains {original.spec}, converted, on: recon train {command_words(folder, original)}\n"
    with written_whole(path) as partial:
        partial.write_text(head + yaml.safe_dump(words, sort_keys=False), encoding="utf-8")
    return path


def command_words(folder: Path, original: Original) -> str:
    """Give the arguments of `recon train` that train the converted network on."""
    own = f"--config {folder / CONFIG}"
    return own if original.config is not None else f"--config RECIPE {own}"


def tuning(network: AnyNetwork, folder: Path, original: Original) -> dict[str, Any]:
    """Give the configuration: that of the run, with another sampling, a tenth of the rate, and three epochs."""
    words: dict[str, Any] = dict(original.config or {})
    if isinstance(network, Classifier | Segmenter):
        words["task"] = "classification" if isinstance(network, Classifier) else "segmentation"
    words["network"] = network.arguments
    words["weights"] = str((folder / NETWORK).absolute())
    words.pop("run", None)
    model = dict(words.get("model") or {})
    model.pop("network", None)
    rate = model.get("lr")
    words["model"] = (
        model | {"schedule": "constant"} | ({"lr": rate * _SLOWER} if isinstance(rate, float | int) else {})
    )
    words["trainer"] = {**(words.get("trainer") or {}), "max_epochs": _EPOCHS, "check_val_every_n_epoch": 1}
    return words


def write_found(folder: Path, found: Mapping[str, Word]) -> None:
    """Write what was found as JSON."""
    with written_whole(folder / FOUND) as partial:
        partial.write_text(json.dumps({"recon": __version__, **found}, indent=2) + "\n", encoding="utf-8")
