"""Tiny networks that are certified once: on two volumes of three slices, 24 x 24."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from recon.clinical.certificate.certify import certificate
from recon.clinical.certificate.settings import Places, Settings
from recon.clinical.certificate.tolerances import read_tolerances
from recon.clinical.certificate.writing import write_certificate
from recon.clinical.models import Opening
from recon.evaluation import cost
from recon.records import Word
from tests.clinical.conftest import write_network
from tests.data.files import write_fastmri_folder

SETTINGS = Settings(limit=1, embedded=False)
OURS = """# only what shifts do: the networks are not trained
worst-nmse: {direction: at most, bound: 1e-10, words: The output moves with its input.}
hard-nmse: {direction: at most, bound: 1e-10, words: Also where phases tie.}
deterministic: {direction: at least, bound: 1, words: Two runs give the same bits.}
"""


class Certified(NamedTuple):
    """A model's file, the data, the tolerances, the certificate's words, and the folder that it was written to."""

    model: Path
    data: Path
    tolerances: Path
    words: Mapping[str, Word]
    out: Path


@pytest.fixture(autouse=True, scope="session")
def _quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECON_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(cost, "SHORTEST", 0.0)
        yield


@pytest.fixture(scope="session")
def knees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a fastMRI folder whose volumes have names that must not get about."""
    return write_fastmri_folder(tmp_path_factory.mktemp("data") / "knees", val=2)


def certified(folder: Path, knees: Path, sampling: str) -> Certified:
    """Certify a network, and write everything."""
    model = write_network(folder / f"{sampling}.safetensors", "mri", sampling=sampling)
    (folder / "ours.yaml").write_text(OURS, encoding="utf-8")
    places = Places(str(model), knees, folder / "out" / "measurements")
    words = certificate(places, Opening(), SETTINGS, read_tolerances(folder / "ours.yaml"))
    write_certificate(words, folder / "out")
    return Certified(model, knees, folder / "ours.yaml", words, folder / "out")


@pytest.fixture(scope="session")
def aps(tmp_path_factory: pytest.TempPathFactory, knees: Path) -> Certified:
    """Certify a network that is exact."""
    return certified(tmp_path_factory.mktemp("aps"), knees, "aps")


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory, knees: Path) -> Certified:
    """Certify a network that is not."""
    return certified(tmp_path_factory.mktemp("plain"), knees, "plain")
