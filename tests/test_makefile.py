"""`make install` with an interpreter that only pretends, in a folder with a space in its name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TARGETS = ("help", "install", "test", "demo", "format", "clean")

# Makes a .venv that holds a copy of itself, notes what it is asked to install, and is as new as the real one.
PYTHON = f"""#!/bin/sh
case "$1 $2" in
"-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-m pip") [ "$3" != install ] || {{ echo "pip $*" >> installed.txt; [ ! -e offline ]; }} ;;
"-m recon") shift; echo "$*" >> ran.txt ;;
"-m "*) echo "$2 $3" >> ran.txt; [ "$2" != mypy ] ;;
"-V ") echo "Python 3.99.0" ;;
*_base_executable*) echo "$0" ;;
*) [ ! -e unfit ] && exec "{sys.executable}" "$@" ;;
esac
"""
UV = """#!/bin/sh
echo "uv $*" >> installed.txt
[ "$1" != venv ] || { mkdir -p .venv/bin && cp bin/python3 .venv/bin/python; }
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a copy of the files that `make install` reads, with the pretending Python first on its path."""
    folder = tmp_path / "a check out"
    (folder / "scripts").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "scripts/install.sh"):
        shutil.copy(ROOT / name, folder / name)
    program(folder / "bin" / "python3", PYTHON)
    for tool in ("awk", "cat", "cmp", "cp", "dirname", "find", "mkdir", "mv", "rm", "sh"):
        (folder / "bin" / tool).symlink_to(str(shutil.which(tool)))
    return folder


def program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(checkout / "bin"), "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        [str(shutil.which("make")), *arguments],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def installations(checkout: Path) -> list[str]:
    """Run make install, which must succeed, and give what it installed."""
    noted = checkout / "installed.txt"
    noted.unlink(missing_ok=True)
    done = make(checkout, "install")
    assert done.returncode == 0, done.stderr
    return noted.read_text(encoding="utf-8").splitlines() if noted.exists() else []


PIP = ["pip -m pip install --editable .[dev]"]


@pytest.mark.parametrize("arguments", [[], ["help"]])
def test_help_lists_the_targets(checkout: Path, arguments: list[str]) -> None:
    lines = make(checkout, *arguments).stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["make", target] for target in TARGETS]
    assert all(len(line.split()) > 4 for line in lines)


def test_first_installation_installs_and_the_second_does_nothing(checkout: Path) -> None:
    assert installations(checkout) == PIP
    assert installations(checkout) == []
    assert make(checkout, "install").stdout == ""


def test_changed_project_file_is_installed_again(checkout: Path) -> None:
    installations(checkout)
    with (checkout / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert installations(checkout) == PIP
    assert installations(checkout) == []


def test_touched_project_file_is_not_installed_again(checkout: Path) -> None:
    installations(checkout)
    (checkout / "pyproject.toml").touch()
    assert installations(checkout) == []


def test_moved_checkout_is_installed_again(checkout: Path) -> None:
    installations(checkout)
    moved = checkout.rename(checkout.with_name("elsewhere"))
    assert installations(moved) == PIP


def test_failed_installation_is_tried_again(checkout: Path) -> None:
    (checkout / "offline").touch()
    assert make(checkout, "install").returncode != 0
    (checkout / "offline").unlink()
    assert installations(checkout) == PIP


@pytest.mark.parametrize("text", [None, "", "#!/no/such/python\n"])
def test_broken_venv_is_made_anew(checkout: Path, text: str | None) -> None:
    installations(checkout)
    python = checkout / ".venv" / "bin" / "python"
    python.unlink()
    if text is not None:
        program(python, text)
    (checkout / ".venv" / "leftover").touch()
    assert installations(checkout) == PIP
    assert not (checkout / ".venv" / "leftover").exists()


def test_uv_is_used_where_it_is(checkout: Path) -> None:
    program(checkout / "bin" / "uv", UV)
    made, installed = installations(checkout)
    assert made.startswith("uv venv ")
    assert installed == "uv pip install --python .venv/bin/python --editable .[dev]"
    assert installations(checkout) == []


@pytest.mark.parametrize("arguments", [[], ["PYTHON=python3"], ["PYTHON=bin/python3"]])
def test_unfit_python_is_refused_by_its_version(checkout: Path, arguments: list[str]) -> None:
    (checkout / "unfit").touch()
    done = make(checkout, "install", *arguments)
    assert done.returncode != 0
    assert "recon needs Python 3.11, 3.12 or 3.13, but" in done.stderr
    assert "is Python 3.99.0" in done.stderr
    assert not (checkout / ".venv").exists()


def test_missing_python_is_named(checkout: Path) -> None:
    done = make(checkout, "install", "PYTHON=no such python")
    assert done.returncode != 0
    assert "but no such python is no Python that runs" in done.stderr


def test_other_python_than_that_of_the_venv_is_refused(checkout: Path) -> None:
    installations(checkout)
    program(checkout / "bin" / "python4", "#!/bin/sh\necho Python 4.0.0\n")
    assert "remove .venv to have it made anew" in make(checkout, "install", "PYTHON=python4").stderr
    assert make(checkout, "install", "PYTHON=python3").returncode == 0


def test_checks_stop_at_the_first_failure(checkout: Path) -> None:
    done = make(checkout, "test")
    assert done.returncode != 0
    assert (checkout / "ran.txt").read_text(encoding="utf-8").split("\n")[:-1] == ["ruff check", "ruff format", "mypy "]
    assert done.stdout.splitlines()[-3:] == ["== ruff check", "== ruff format --check", "== mypy"]


@pytest.mark.parametrize(
    ("arguments", "ran"), [([], "recon demo"), (["QUICK=1"], "recon demo --quick"), (["QUICK=0"], "recon demo")]
)
def test_demo_is_the_command(checkout: Path, arguments: list[str], ran: str) -> None:
    assert make(checkout, "demo", *arguments).returncode == 0
    assert (checkout / "ran.txt").read_text(encoding="utf-8").strip() == ran


def test_clean_keeps_what_is_not_its_own(checkout: Path) -> None:
    installations(checkout)
    kept = [checkout / name / "__pycache__" for name in (".venv", "data")]
    removed = [checkout / "recon" / "__pycache__", checkout / ".ruff_cache", checkout / "build"]
    for folder in kept + removed:
        folder.mkdir(parents=True)
    assert make(checkout, "clean").returncode == 0
    assert [folder.exists() for folder in kept] == [True, True]
    assert not any(folder.exists() for folder in removed)
