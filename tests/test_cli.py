"""The command line: quick, quiet, and clear when something is wrong."""

import json
import os
import subprocess
import sys
import time
from argparse import Namespace

import pytest

import recon
from recon import cli
from recon.cli import samplings
from recon.errors import ConfigError
from recon.filters import FILTERS
from recon.samplings import SAMPLINGS

PRINT_LOADED = """
import sys
try:
    {code}
except SystemExit:
    pass
print(*sys.modules, file=sys.stderr)
"""


def finished(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False)


def loaded_modules(code: str) -> set[str]:
    """Give the top-level modules that a fresh Python has loaded after running the code."""
    done = finished("-c", PRINT_LOADED.format(code=code))
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stderr.split()}


def seconds(*arguments: str) -> float:
    start = time.perf_counter()
    assert finished(*arguments).returncode == 0
    return time.perf_counter() - start


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["samplings"]])
def test_light_commands_load_nothing_but_the_standard_library(arguments: list[str]) -> None:
    loaded = loaded_modules(f"from recon.cli import main; main({arguments})")
    assert "recon" in loaded
    assert "torch" not in loaded
    assert "numpy" not in loaded


def test_what_is_loaded_is_seen() -> None:
    assert "numpy" in loaded_modules("import numpy")


def test_help_answers_within_a_second() -> None:
    assert min(seconds("-m", "recon", "--help") for _ in range(3)) < 1


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    assert stop.value.code == 0
    assert "samplings" in capsys.readouterr().out


def test_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"recon {recon.__version__}\n"


def test_no_command_gives_help_and_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "usage: recon" in printed.err


def test_samplings_table_has_every_sampling_and_filter(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["samplings"]) == 0
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert lines[0].split() == ["name", "exact", "selection", "looks", "at", "down", "up", "blur"]
    for line, sampling in zip(lines[1:], SAMPLINGS.values(), strict=False):
        assert line.split()[:2] == [sampling.name, "yes" if sampling.equivariant else "no"]
        assert f"{sampling.name:11}  {sampling.meaning}" in lines
    words = printed.replace(",", " ").replace(";", " ").split()
    assert set(FILTERS) <= set(words)


def test_samplings_as_json_are_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["samplings", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["filters"] == list(FILTERS)
    assert [sampling["name"] for sampling in printed["samplings"]] == list(SAMPLINGS)
    assert printed["samplings"][1]["blur"] == "tri-3"
    assert [sampling["equivariant"] for sampling in printed["samplings"]][:3] == [False, False, True]


def test_wrong_command_is_one_line_on_standard_error() -> None:
    done = finished("-m", "recon", "sampling")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "recon: error: argument COMMAND: invalid choice: 'sampling'" in done.stderr
    assert "Traceback" not in done.stderr


def test_user_s_mistake_is_one_line_without_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def mistake(options: Namespace) -> None:
        raise ConfigError("blur must be one of\n  tri-3, got 'tri-4'")

    monkeypatch.setattr(samplings, "print_samplings", mistake)
    assert cli.main(["samplings"]) == 2
    assert capsys.readouterr() == ("", "recon: error: blur must be one of tri-3, got 'tri-4'\n")


def test_error_of_our_own_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(options: Namespace) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(samplings, "print_samplings", bug)
    with pytest.raises(ZeroDivisionError):
        cli.main(["samplings"])


def test_interruption_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interruption(options: Namespace) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(samplings, "print_samplings", interruption)
    assert cli.main(["samplings"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["samplings"], ["samplings", "--json"], ["--help"]])
def test_closed_pipe_is_quiet(arguments: list[str], unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "recon", *arguments],
            stdout=writing,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.stderr == b""
    assert done.returncode in (0, 141)  # argparse itself passes over a pipe that closes while it writes its help
