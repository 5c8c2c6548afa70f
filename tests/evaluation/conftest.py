"""What the tests of the evaluation share: tiny folders of both data sets, a run on each, and a cache of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recon.evaluation.study import Study
from tests.data.files import write_fastmri_folder, write_lodopab_folder
from tests.evaluation.small import ct_study, mri_study, write_run


@pytest.fixture(autouse=True, scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECON_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def knees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a fastMRI folder: two validation volumes of 3 slices, 24 x 24. Tests must not change it."""
    return write_fastmri_folder(tmp_path_factory.mktemp("data") / "knees", val=2)


@pytest.fixture(scope="session")
def chests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a LoDoPaB folder: 2 test slices, 16 x 16. Tests must not change it."""
    return write_lodopab_folder(tmp_path_factory.mktemp("data") / "chests")


@pytest.fixture(scope="session")
def mri(knees: Path) -> Study:
    """Open the fastMRI folder."""
    return mri_study(knees)


@pytest.fixture(scope="session")
def ct(chests: Path) -> Study:
    """Open the LoDoPaB folder."""
    return ct_study(chests)


@pytest.fixture(params=["mri", "ct"])
def study(request: pytest.FixtureRequest) -> Study:
    """Give each of both studies."""
    found: Study = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def plain_run(knees: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the run of a plain network on the fastMRI folder."""
    return write_run(tmp_path_factory.mktemp("runs") / "plain", "plain", data=knees)


@pytest.fixture(scope="session")
def aps_run(knees: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the run of an APS network on the fastMRI folder."""
    return write_run(tmp_path_factory.mktemp("runs") / "aps", "aps", data=knees, seed=1)
