"""The names at the top of recon, and what the package says of itself."""

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import recon

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", sorted(recon._MODULES))
def test_main_name_is_that_of_its_module(name: str) -> None:
    assert getattr(recon, name) is getattr(import_module(recon._MODULES[name]), name)


def test_all_main_names_are_listed() -> None:
    assert {*recon._MODULES, "__version__"} == set(recon.__all__)
    assert set(recon.__all__) <= set(dir(recon))


def test_unknown_name_is_the_usual_error() -> None:
    with pytest.raises(AttributeError, match=r"^module 'recon' has no attribute 'UNett'$"):
        _ = recon.UNett
    with pytest.raises(ImportError, match="cannot import name 'UNett' from 'recon'"):
        exec("from recon import UNett")


def test_version_is_the_same_everywhere() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", citation, flags=re.MULTILINE) == [recon.__version__]


def test_command_is_the_function_that_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, name = project["scripts"]["recon"].split(":")
    assert callable(getattr(import_module(module), name))
