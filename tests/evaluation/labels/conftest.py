"""What these tests share: tiny synthetic folders of all three data sets, and runs on them."""

from pathlib import Path

import pytest

from recon.data.synthetic.make import LabelledSet, make
from tests.evaluation.labels.small import classifier, segmenter, write_label_run
from tests.evaluation.small import write_run

VOC_CROP = 64


@pytest.fixture(scope="session")
def cifar10(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a synthetic CIFAR-10 folder: ten test images of ten classes. Tests must not change it."""
    return made(tmp_path_factory, LabelledSet("cifar10", images=60, size=32))


@pytest.fixture(scope="session")
def imagenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a synthetic ImageNet folder. Tests must not change it."""
    return made(tmp_path_factory, LabelledSet("imagenet", images=50, size=48))


@pytest.fixture(scope="session")
def voc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a synthetic PASCAL VOC folder. Tests must not change it."""
    return made(tmp_path_factory, LabelledSet("voc", images=12, size=VOC_CROP))


@pytest.fixture(scope="session")
def plain_run(cifar10: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the run of a plain classifier on the CIFAR-10 folder."""
    folder = tmp_path_factory.mktemp("runs") / "c-plain"
    return write_label_run(folder, classifier(classes=10), modality="cifar10", folder=cifar10)


@pytest.fixture(scope="session")
def mass_run(cifar10: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the run of a MASS classifier on the CIFAR-10 folder."""
    folder = tmp_path_factory.mktemp("runs") / "c-mass"
    return write_label_run(folder, classifier("mass", classes=10), modality="cifar10", folder=cifar10)


@pytest.fixture(scope="session")
def voc_run(voc: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the run of a MASS segmenter on the VOC folder."""
    network, folder = segmenter("mass", classes=21), tmp_path_factory.mktemp("runs") / "v-mass"
    return write_label_run(folder, network, modality="voc", folder=voc, settings={"crop": VOC_CROP})


@pytest.fixture(scope="session")
def knees_run(knees: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the run of a plain reconstruction network."""
    return write_run(tmp_path_factory.mktemp("runs") / "m-plain", "plain", data=knees)


def made(factory: pytest.TempPathFactory, chosen: LabelledSet) -> Path:
    """Make a data set in a folder of its own."""
    folder = factory.mktemp("data") / chosen.modality
    make(chosen, folder)
    return folder
