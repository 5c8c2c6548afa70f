"""What is small enough to be evaluated in a moment: networks of a few channels, and studies of a few slices."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

import recon
from recon.data.datamodules import CTData, MRIData
from recon.evaluation.models import Model
from recon.evaluation.study import Study, study_of
from recon.records import Subject, Word

CHANNELS = (4, 6, 8)  # of networks of period 4, which fit the folders' images of 24 x 24 (MRI) and 16 x 16 (CT)
PERIOD = 4


def unet(
    sampling: str = "plain", *, seed: int = 0, channels: Sequence[int] = CHANNELS, padding: str = "circular"
) -> recon.UNet:
    """Give a network with random weights, in eval mode."""
    torch.manual_seed(seed)
    network = recon.UNet(channels=channels, sampling=sampling, padding=padding)  # type: ignore[arg-type]
    for parameter in network.parameters():
        if parameter.ndim > 1:
            torch.nn.init.kaiming_normal_(parameter)  # torch's own leaves little of the image in the output
    return network.eval()


def write_run(
    run: Path,
    sampling: str = "plain",
    *,
    data: Path | None = None,
    modality: str = "mri",
    training: Mapping[str, Word] | None = None,
    settings: Mapping[str, Word] | None = None,
    seed: int = 0,
    padding: str = "circular",
) -> Path:
    """Write a run's folder as training leaves it, with a small network in it that says on which data it was trained."""
    module = (MRIData if modality == "mri" else CTData)(data)
    about: dict[str, Word] = {
        "epoch": 1,
        "step": 4,
        "data": {
            "folder": None if data is None else str(data.absolute()),
            "modality": modality,
            "synthetic": False,
            "slices": {"train": 6, "validation": 3},
            "settings": {**module.settings, **(settings or {})},
        },
        "training": {"seed": 0, "shift_augmentation": 0, "equivariance_weight": 0.0, **(training or {})},
    }
    for name in ("best", "last"):
        recon.save(unet(sampling, seed=seed, padding=padding), run / "checkpoints" / f"{name}.safetensors", about=about)
    return run


def mri_study(folder: Path, *, seed: int = 0, limit: int | None = None) -> Study:
    """Open the validation volumes of a fastMRI folder."""
    return study_of(MRIData(folder, workers=0), seed=seed, limit=limit)


def ct_study(folder: Path, *, seed: int = 0, limit: int | None = None) -> Study:
    """Open the test slices of a LoDoPaB folder."""
    return study_of(CTData(folder, workers=0), seed=seed, limit=limit)


def function_model(function: Callable[[Tensor], Tensor], name: str = "function", *, batch_size: int = 8) -> Model:
    """Give a model of any function."""
    return Model(Subject(name, "function", variant=name), function, batch_size=batch_size)


def network_model(network: recon.UNet, name: str = "network", *, batch_size: int = 8) -> Model:
    """Give a model of a network."""
    subject = Subject(name, "UNet", variant=name, weights=f"weights of {name}", period=network.multiple)
    return Model(subject, network, module=network, batch_size=batch_size)
