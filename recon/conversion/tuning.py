"""The configuration with which `recon train` trains a converted network on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from recon.conversion.convert import Conversion
from recon.conversion.measuring import MODALITIES_FOR
from recon.data.datamodule import DataModule
from recon.evaluation.modalities import KNOWN
from recon.nn.converted import Converted
from recon.nn.labels import Classifier, Segmenter
from recon.recipes import recipe

RUN = "tuned"  # the run's folder, beside the weights
_SLOWER = 0.1  # of the rate that a network was trained with
_EPOCHS = 3  # MASS, table 4
_TASKS: Mapping[type, str] = {Classifier: "classification", Segmenter: "segmentation"}
_UNLIMITED = {"max_steps": -1, "max_time": None, "min_epochs": None, "min_steps": None}  # of another training's length


def is_whole(conversion: Conversion, data: DataModule[Any] | None) -> bool:
    """Tell whether the configuration says everything, or must be laid over a recipe."""
    return conversion.original.config is not None or data is not None


def recipes_for(conversion: Conversion) -> list[str]:
    """Name the recipes that a network without data may be trained by."""
    kind = type(conversion.network)
    return list(MODALITIES_FOR.get(kind, KNOWN))


def tuning(conversion: Conversion, weights: Path, data: DataModule[Any] | None) -> dict[str, Any]:
    """Give the configuration: the run's, or else the data's recipe, a tenth of the rate, three epochs.

    Args:
        conversion: whose network is trained on.
        weights: its file.
        data: what it was measured on; None where that is not known.
    """
    original, network = conversion.original, conversion.network
    words = dict(original.config if original.config is not None else _recipe(data))
    task = _TASKS.get(type(network))
    words |= {"task": task} if task else {}
    words["network"] = network.arguments
    words["weights"] = str(weights.absolute())
    words["run"] = str((weights.parent / RUN).absolute())
    words["model"] = _slower(words.get("model"), foreign=isinstance(network, Converted))
    given = _mapping(words.get("trainer"))
    limits = {name: value for name, value in _UNLIMITED.items() if name in given}
    words["trainer"] = {**given, **limits, "max_epochs": _EPOCHS, "check_val_every_n_epoch": 1}
    if data is not None:
        words["data"] = _data(_mapping(words.get("data")), data)
    return words


def _recipe(data: DataModule[Any] | None) -> Mapping[str, Any]:
    return {} if data is None else _mapping(yaml.safe_load(recipe(data.modality).read_text(encoding="utf-8")))


def _slower(model: object, *, foreign: bool) -> dict[str, Any]:
    """Give the options of the training at a constant rate; other networks than recon's have no backbone by name."""
    left_out = {"network", *(["backbone_lr"] if foreign else [])}
    kept = {name: value for name, value in _mapping(model).items() if name not in left_out}
    rate = kept.get("lr")
    slower = {"lr": float(f"{rate * _SLOWER:.6g}")} if isinstance(rate, float | int) else {}
    return {**kept, "schedule": "constant", **slower}


def _data(given: Mapping[str, Any], data: DataModule[Any]) -> dict[str, Any]:
    """Give the options of the data: where they lie, wherever `recon train` is started, and how they are read."""
    folder = None if data.given_folder is None else str(data.given_folder.absolute())
    return {
        "class_path": f"{type(data).__module__}.{type(data).__qualname__}",
        "init_args": {**_mapping(given.get("init_args")), **data.settings, "data_dir": folder},
    }


def _mapping(words: object) -> Mapping[str, Any]:
    return words if isinstance(words, Mapping) else {}
