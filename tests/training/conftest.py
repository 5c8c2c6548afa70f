"""What the tests of training share: a tiny data folder, and one finished run of it."""

from pathlib import Path

import pytest

from tests.training.runs import trained, write_knees


@pytest.fixture(scope="session")
def knees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the tiny data folder."""
    return write_knees(tmp_path_factory.mktemp("data") / "knees")


@pytest.fixture(scope="session")
def finished(knees: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a run to its end; tests must not change its folder."""
    return trained(knees, tmp_path_factory.mktemp("runs") / "finished", "--trainer.log_every_n_steps", "1")
