"""Tiny untrained networks in files that say what training would have said of them."""

from pathlib import Path

import pytest
import torch

import recon
from recon.records import Word

MRI_SETTINGS: dict[str, Word] = {
    "mask": "random",
    "accelerations": [4],
    "center_fractions": [0.08],
    "acquisition": None,
    "crop": None,
    "clamp": 6.0,
}
CT_SETTINGS: dict[str, Word] = {"filter": "hann", "frequency_scaling": 1.0, "crop": None}


def write_network(path: Path, modality: str, *, sampling: str = "aps", seed: int = 0) -> Path:
    """Write a U-Net of three levels, whose running statistics are not those of the beginning."""
    torch.manual_seed(seed)
    network = recon.UNet(1, 1, channels=(4, 8, 16), sampling=sampling).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    about: dict[str, Word] = {
        "epoch": 1,
        "step": 8,
        "data": {
            "folder": None,
            "modality": modality,
            "synthetic": True,
            "slices": {"train": 8, "val": 4},
            "settings": MRI_SETTINGS if modality == "mri" else CT_SETTINGS,
        },
        "training": {"seed": seed, "epochs": 1, "batch_size": 4, "shift_augmentation": 0, "loss": "l1"},
    }
    recon.save(network, path, about=about)
    return path


@pytest.fixture(scope="session")
def mri_model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a network with APS for MRI."""
    return write_network(tmp_path_factory.mktemp("models") / "aps-mri.safetensors", "mri")


@pytest.fixture(scope="session")
def ct_model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a network with APS for CT."""
    return write_network(tmp_path_factory.mktemp("models") / "aps-ct.safetensors", "ct")
