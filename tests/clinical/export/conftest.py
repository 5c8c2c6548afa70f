"""A network of two levels, which is recorded quickly, and its exports."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

import recon
from recon.clinical.export import Exported, Wishes, export_network
from recon.clinical.models import ClinicalModel, open_model
from tests.clinical.conftest import CT_SETTINGS, MRI_SETTINGS


def small_network(path: Path, modality: str, *, sampling: str = "aps") -> Path:
    """Write an untrained U-Net of two levels that says what training would have said."""
    torch.manual_seed(1)
    network = recon.UNet(1, 1, channels=(4, 8), sampling=sampling).eval()
    data = {
        "folder": None,
        "modality": modality,
        "synthetic": True,
        "slices": {"train": 8, "val": 4},
        "settings": MRI_SETTINGS if modality == "mri" else CT_SETTINGS,
    }
    recon.save(network, path, about={"epoch": 1, "step": 8, "data": data, "training": {"seed": 1, "loss": "l1"}})
    return path


@pytest.fixture(scope="session")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a small network with APS for MRI."""
    return small_network(tmp_path_factory.mktemp("small") / "network.safetensors", "mri")


@pytest.fixture(scope="session")
def small_ct_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a small network without an exact sampling for CT."""
    return small_network(tmp_path_factory.mktemp("small") / "network.safetensors", "ct", sampling="plain")


@pytest.fixture
def small_model(small_file: Path) -> ClinicalModel:
    """The small network for MRI, opened."""
    return open_model(str(small_file))


@pytest.fixture(scope="session")
def exported(small_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Exported]:
    """The small network for MRI in every format, with the scaling inside; the time is taken of TorchScript alone."""
    model, out = open_model(str(small_file)), tmp_path_factory.mktemp("exported")
    found = [
        *export_network(model, Wishes(out, ("onnx", "pt2", "bundle"), timing=False)),
        *export_network(model, Wishes(out, ("torchscript",), size=(32, 48))),
    ]
    return {one.format: one for one in found}


@pytest.fixture(scope="session")
def opened_files(exported: Mapping[str, Exported]) -> Mapping[str, ClinicalModel]:
    """Those of them that recon opens."""
    return {kind: open_model(str(exported[kind].path)) for kind in ("onnx", "pt2", "bundle")}
