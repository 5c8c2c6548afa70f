"""The README is short, its example runs, and what it names exists."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import blocks

ROOT = Path(__file__).parents[1]


def layout(text: str) -> list[str]:
    """Give the paths in the layout section's first block: a tree by indentation, each line a name and a description."""
    section = re.search(r"^#+ [^\n]*layout.*?(?=^#+ |\Z)", text, flags=re.MULTILINE | re.DOTALL | re.IGNORECASE)
    paths: list[str] = []
    folders: list[tuple[int, str]] = []
    last = 0
    for line in "".join(blocks(section[0], "[a-z]*")[:1]).splitlines() if section else []:
        entry = re.match(r"([\s│├└─]*)([\w.-]+/?)(?=\s|$)", line)
        if entry is None or len(entry[1]) > last + 4:
            continue  # a description that goes on
        last = len(entry[1])
        folders = [(depth, name) for depth, name in folders if depth < last]
        paths.append("/".join([*(name for _, name in folders), entry[2].rstrip("/")]))
        if entry[2].endswith("/"):
            folders.append((last, entry[2].rstrip("/")))
    return paths


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_has_fewer_than_150_lines(readme: str) -> None:
    assert len(readme.splitlines()) < 150


def test_python_example_runs(readme: str, tmp_path: Path) -> None:
    example = "\n".join(blocks(readme, "python"))
    assert example
    program = tmp_path / "example.py"
    program.write_text(example, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_layout_names_what_exists(readme: str) -> None:
    paths = layout(readme)
    assert len(paths) >= 5
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_make_targets_exist(readme: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(re.findall(r"^make ([a-z]+)", "".join(blocks(readme, "[a-z]*")), flags=re.MULTILINE)) <= targets


def test_blocks_are_found() -> None:
    assert blocks("a\n```python\nx = 1\n```\nb\n```sh\nls\n```\n```python\ny = x\n```\n", "python") == [
        "x = 1\n",
        "y = x\n",
    ]


def test_layout_is_read_as_a_tree() -> None:
    by_spaces = "recon/\n  ops/     functions\n           of tensors\n  cli.py   the command\ntests/  mirrors recon/\n"
    assert layout(f"# R\n## The layout\n```\n{by_spaces}```\n## C\n") == ["recon", "recon/ops", "recon/cli.py", "tests"]
    by_lines = "recon/\n├── ops/\n│   └── fft.py\n└── cli.py\n"
    assert layout(f"## Layout\n```text\n{by_lines}```") == ["recon", "recon/ops", "recon/ops/fft.py", "recon/cli.py"]
    assert layout("# R\nno such section\n") == []


def test_data_commands_run(readme: str, tmp_path: Path) -> None:
    commands = re.findall(r"^\.venv/bin/recon (data .*?)(?:\s+#.*)?$", readme, flags=re.MULTILINE)
    assert [command.split()[1] for command in commands] == ["make", "info", "check", "prepare"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RECON_CACHE": str(tmp_path / "cache")}
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "recon", *shlex.split(command)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "sheet.png").stat().st_size > 10_000
