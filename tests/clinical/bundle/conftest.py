"""Bundles of tiny networks, and how MONAI runs them."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from recon.clinical.bundle import write_bundle
from recon.clinical.models import ClinicalModel, open_model


@dataclass(frozen=True)
class Bundle:
    """A bundle's folder, and the model that it was written from."""

    folder: Path
    model: ClinicalModel

    def config(self, name: str) -> str:
        """Give the path of a configuration."""
        return str(self.folder / "configs" / f"{name}.json")


def bundled(file: Path, folder: Path) -> Bundle:
    """Write the bundle of a network's file."""
    model = open_model(str(file))
    write_bundle(model, model.module, folder)
    return Bundle(folder, model)


@pytest.fixture(scope="session")
def mri(mri_model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle for MRI."""
    return bundled(mri_model_file, tmp_path_factory.mktemp("bundles") / "mri")


@pytest.fixture(scope="session")
def ct(ct_model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle for CT."""
    return bundled(ct_model_file, tmp_path_factory.mktemp("bundles") / "ct")
