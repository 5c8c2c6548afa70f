"""What the tests of conversion share: data folders of a few images, and runs on them."""

from pathlib import Path

import pytest

from recon.data.synthetic.make import LabelledSet, make
from tests.data.files import write_fastmri_folder
from tests.evaluation.labels.small import classifier, write_label_run
from tests.evaluation.small import write_run


@pytest.fixture(scope="session")
def knees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a data folder of slices of 24 x 24."""
    return write_fastmri_folder(tmp_path_factory.mktemp("data") / "knees")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make 60 labelled pictures in CIFAR-10's files."""
    folder = tmp_path_factory.mktemp("pictures") / "cifar10"
    make(LabelledSet("cifar10", images=60, size=32), folder)
    return folder


@pytest.fixture(scope="session")
def plain(knees: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the run of a plain UNet of period 4."""
    return write_run(tmp_path_factory.mktemp("runs") / "plain", data=knees)


@pytest.fixture(scope="session")
def labeller(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the run of a plain classifier of period 4."""
    run = tmp_path_factory.mktemp("runs") / "labeller"
    return write_label_run(run, classifier(classes=10), modality="cifar10", folder=pictures)
