"""`recon node` starts, says what it does and for what, and stops when it is told to."""

import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from recon.cli import main
from recon.cli.node import _say
from recon.clinical.words import RESEARCH_ONLY
from tests.clinical.conftest import write_network
from tests.clinical.dicom import phantoms
from tests.clinical.dicom.helpers import WHEEL
from tests.clinical.dicom.peers import archive, send, wait_for
from tests.clinical.dicom.test_spool import there


@contextmanager
def started(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], int, list[str]]]:
    """Start the command; give the process, its port, and the lines that it has printed until then."""
    command = [sys.executable, "-m", "recon", "node", *words, "--port", "0", "--spool", str(folder / "spool")]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            first = [process.stdout.readline(), process.stdout.readline()]
            found = re.search(r":(\d+) with", first[0])
            assert found is not None, first
            yield process, int(found[1]), first
        finally:
            process.kill()


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("network") / "ct.safetensors", "ct")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_node_works_until_a_signal_and_then_ends_well(
    number: int, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, said, before = phantoms.write_series(tmp_path / "in"), list[str](), signal.getsignal(number)
    monkeypatch.setattr("recon.cli.node._say", said.append)

    def scanner() -> None:
        wait_for(lambda: said)
        found = re.search(r":(\d+) with", said[0])
        assert found is not None
        send(files, int(found[1]))
        wait_for(lambda: any("delivered" in line for line in said))
        os.kill(os.getpid(), number)

    with archive() as to:
        thread = threading.Thread(target=scanner)
        thread.start()
        words = ["--forward", f"127.0.0.1:{to.port}:ARCHIVE", "--at-release", "--port", "0"]
        assert main(["node", str(network), *words, "--spool", str(tmp_path / "spool")]) == 0
        thread.join()
    assert said[0].startswith("RECON listens at 127.0.0.1")
    assert said[1] == RESEARCH_ONLY
    assert "5 slices reconstructed" in said[2]
    assert len(to.images) == 5
    assert "stops" in said[-1]
    assert signal.getsignal(number) == before
    assert not np.array_equal(to.images[0].pixel_array, phantoms.stored()[0])  # an untrained network did something


def test_an_open_node_is_warned_of(network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = list[str]()

    def say(text: str) -> None:
        said.append(text)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("recon.cli.node._say", say)
    words = ["--forward", "127.0.0.1:1:A", "--port", "0", "--spool", str(tmp_path / "spool"), "--bind", "0.0.0.0"]
    assert main(["node", str(network), *words]) == 0
    assert any("anyone who can reach this address" in text for text in said)
    said.clear()
    assert main(["node", str(network), *words, "--calling", "SCANNER"]) == 0
    assert not any("anyone" in text for text in said)


def test_node_that_is_killed_goes_on_where_it_was(network: Path, tmp_path: Path) -> None:
    files = phantoms.write_series(tmp_path / "in")
    with archive() as to:
        words = [str(network), "--forward", f"127.0.0.1:{to.port}:ARCHIVE"]
        with started(tmp_path, *words, "--quiet", "3600") as (process, port, _):
            assert send(files, port) == [0] * 5
            process.kill()
            process.wait(30)
        assert there(tmp_path / "spool") == {"incoming": 1}
        with started(tmp_path, *words, "--quiet", "0.2") as (process, _, first):
            wait_for(lambda: len(to.images) == 5)
            process.send_signal(signal.SIGTERM)
            rest = process.communicate(timeout=30)[0]
    assert process.returncode == 0
    assert RESEARCH_ONLY in first[1]
    assert "stops" in rest
    assert len(to.images) == 5


def test_a_log_on_a_full_disk_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    full = Full()
    monkeypatch.setattr(sys, "stdout", full)
    _say("a line")
    monkeypatch.undo()
    assert full.getvalue().endswith("  a line\n")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--forward", "nowhere"], "HOST:PORT:AET"),
        (["--forward", "host:104:A", "--aet", "A" * 17], "AE title"),
        (["--forward", "host:104:A", "--port", "99999"], "port"),
        (["--forward", "host:104:A", "--bind", "256.1.1.1"], "--bind"),
        (["--forward", "host:104:A", "--quiet", "-1"], "--quiet"),
        (["--forward", "host:104:A", "--modality", "mri"], "trained on ct"),
    ],
)
def test_mistakes_are_told(
    words: list[str], reason: str, network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["node", str(network), *words, "--spool", str(tmp_path / "spool")]) == 2
    assert reason in capsys.readouterr().err


def test_what_is_no_model_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--forward", "host:104:A", "--spool", str(tmp_path / "spool")]
    assert main(["node", str(WHEEL / "CT_small.dcm"), *words]) == 2
    assert "recon: error:" in capsys.readouterr().err
    assert not (tmp_path / "spool").exists()
