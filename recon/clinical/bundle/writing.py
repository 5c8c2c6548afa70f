"""Writing a bundle: all of its files in a folder that appears when it is whole."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from recon import checkpoints
from recon.clinical.bundle.configs import inference_config, training_config
from recon.clinical.bundle.documents import LICENCE, readme
from recon.clinical.bundle.metadata import metadata_of
from recon.clinical.identity import Identity
from recon.clinical.models import ClinicalModel
from recon.errors import ConfigError, DataError
from recon.files import folder_written_whole
from recon.nn.converted import Converted
from recon.nn.scaled import ScaledNetwork
from recon.nn.unet import UNet
from recon.records import Word


def write_bundle(model: ClinicalModel, network: nn.Module | None, folder: Path) -> None:
    """Write a model as a MONAI bundle into a new folder, whole or not at all.

    `network` is the one inside the model, on its own scale. In the bundle it stands for intensities: `model.pt` holds
    the weights of a `ScaledNetwork`. Beside it lies recon's own file, by which `open_model` opens the bundle.
    """
    if not isinstance(network, UNet | Converted):
        raise ConfigError(f"a bundle must hold a UNet or a converted network, got {type(network).__name__}")
    identity = model.identity
    texts = {
        "configs/metadata.json": _json(metadata_of(identity)),
        "configs/inference.json": _json(inference_config(network, identity)),
        "configs/train.json": _json(training_config(network, identity)),
        "docs/README.md": readme(identity),
        "LICENSE": LICENCE,
    }
    _require_new(folder)
    with folder_written_whole(folder) as partial:
        for name, text in texts.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_text(text, encoding="utf-8")
        checkpoints.save(network, partial / checkpoints.IN_BUNDLE, about=_about(identity))
        state = ScaledNetwork(network, identity.scaling).state_dict()
        torch.save({name: _plain(tensor) for name, tensor in state.items()}, partial / "models" / "model.pt")


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)


def _about(identity: Identity) -> dict[str, Word]:
    """Say of the network what its own file says, without the places of this machine."""
    about = {name: value for name, value in identity.training.items() if name != "run"}
    if not isinstance(about.get("data"), Mapping):
        about["data"] = {"modality": identity.modality, "synthetic": None, "settings": {}}
    return about


def _json(words: Mapping[str, Word]) -> str:
    return json.dumps(words, indent=2, allow_nan=False) + "\n"


def _require_new(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} must be a new folder, got one that is there; choose another, or remove it")
