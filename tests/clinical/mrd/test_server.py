"""`recon serve` and `recon stream`: many scanners at once, some of them broken, and a server that goes on."""

import re
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import ismrmrd
import pytest
import torch

from recon.cli import main
from recon.clinical.formats.mrd import sources
from recon.clinical.models import open_model
from recon.clinical.mrd.client import stream
from recon.clinical.mrd.feeding import feed_of
from recon.clinical.mrd.files import write_raw
from recon.clinical.mrd.protocol import Bounds
from recon.clinical.mrd.server import listening
from recon.data.synthetic.mri import Scan, write_volume
from recon.errors import ConfigError, DataError
from tests.clinical.mrd.scans import acquisitions, header, kspace_of, line_of, session, understood, write_file
from tests.clinical.mrd.serving import Served, served, until

SESSION = session(header(), acquisitions(kspace_of()))


@pytest.fixture(scope="module")
def server(mri_model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(mri_model_file, tmp_path_factory.mktemp("server") / "log", "--timeout", "3") as running:
        yield running


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("volume") / "volume.h5"
    write_volume(path, Scan(32, 9, "PD"), seed=(1,))
    return path


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def reply(connection: socket.socket) -> tuple[list[ismrmrd.Image], list[str]]:
    """Read everything that still comes."""
    parts = []
    with connection:
        while part := connection.recv(1 << 16):
            parts.append(part)
    return understood(b"".join(parts))


def test_streamed_volume_gives_the_images_of_recon_reconstruct_to_the_bit(
    server: Served, volume: Path, mri_model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    feed = feed_of(volume)
    write_raw(tmp_path / "raw.mrd", feed.xml, list(feed.lines))
    (source,) = sources(tmp_path / "raw.mrd")
    want = open_model(str(mri_model_file))(source.read())
    for name in (volume, tmp_path / "raw.mrd"):
        out = tmp_path / f"{name.stem}-images.h5"
        assert main(["stream", f"127.0.0.1:{server.port}", str(name), "-o", str(out)]) == 0
        assert f"9 images in {out}" in capsys.readouterr().out
        with ismrmrd.Dataset(str(out), "dataset", mode="r") as file:
            for index in range(file.number_of_images("image_0")):
                image = file.read_image("image_0", index)
                assert torch.equal(torch.from_numpy(image.data[0, 0].T.copy()), want[index, 0])
            assert index == 8


def test_file_that_is_there_stays(
    server: Served, volume: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "images.h5"
    out.write_bytes(b"mine")
    command = ["stream", f"127.0.0.1:{server.port}", str(volume), "-o", str(out)]
    assert main(command) == 2
    assert "must not be there yet" in capsys.readouterr().err
    assert out.read_bytes() == b"mine"
    assert main([*command, "--force"]) == 0
    assert out.read_bytes() != b"mine"


def test_refusal_is_shown_and_nothing_written(
    server: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_file(tmp_path / "raw.h5", header(slices=4), acquisitions(kspace_of()))
    assert main(["stream", f"127.0.0.1:{server.port}", str(path), "-o", str(tmp_path / "out.h5")]) == 2
    assert "the server refused raw.h5: slices must be there from 0 to 3" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["raw.h5"]


def test_sixteen_sessions_at_once_are_served_by_processes_of_their_own(server: Served) -> None:
    half = len(SESSION) // 2
    connections = [connected(server.port) for _ in range(16)]
    for connection in connections:
        connection.sendall(SESSION[:half])
    until(lambda: server.sessions == 16)
    for connection in connections:
        connection.sendall(SESSION[half:])
    replies = [reply(connection) for connection in connections]
    assert all(len(images) == 3 and images == replies[0][0] for images, _ in replies)
    until(lambda: server.sessions == 0)


def test_memory_and_files_are_stable_over_sessions(server: Served) -> None:
    def serve(count: int) -> tuple[int, int]:
        for _ in range(count):
            connection = connected(server.port)
            connection.sendall(SESSION)
            assert len(reply(connection)[0]) == 3
        until(lambda: server.sessions == 0)
        return server.resident, server.files

    before, after = serve(5), serve(25)
    assert after[0] - before[0] < 1024  # kB
    assert after[1] == before[1]


def test_broken_clients_do_no_harm(server: Served) -> None:
    lines = SESSION[: len(SESSION) // 3]
    abrupt = struct.pack("ii", 1, 0)
    for data in (b"", b"GET / HTTP/1.0\r\n\r\n", b"\x03\x00\xff\xff\xff\xff", lines, lines[:-5]):
        for reset in (False, True):
            with connected(server.port) as connection:
                connection.sendall(data)
                if reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, abrupt)
    with connected(server.port) as slow:
        slow.sendall(lines)
        good = connected(server.port)
        good.sendall(SESSION)
        assert len(reply(good)[0]) == 3
        _, texts = reply(slow)
        assert "messages must come within 3 seconds" in texts[0]
    until(lambda: server.sessions == 0)
    assert server.process.poll() is None


def test_log_says_what_happened_and_not_to_whom(server: Served) -> None:
    for data in (SESSION, SESSION[:-400] + SESSION[-2:]):
        connection = connected(server.port)
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        reply(connection)
    until(lambda: server.sessions == 0)
    assert re.search(r"recon serve: session \d+: 3 images in \d+\.\d s\n", server.log)
    assert re.search(r"recon serve: session \d+: 0 images in \d+\.\d s; \w+", server.log)
    assert not re.search("Nobody|0815|failed|Traceback", server.log)


def test_server_is_bound_to_loopback(server: Served) -> None:
    listens = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines() if line.split()[3] == "0A"]
    assert f"0100007F:{server.port:04X}" in listens


def test_further_sessions_wait_and_stop_is_told(mri_model_file: Path, tmp_path: Path) -> None:
    options = ("--max-sessions", "1", "--timeout", "30", "--threads", "2", "--batch-size", "2")
    with served(mri_model_file, tmp_path / "log", *options) as running:
        first, second = connected(running.port), connected(running.port)
        second.sendall(SESSION)
        first.sendall(SESSION[:-2])
        time.sleep(0.3)
        assert running.sessions == 1
        first.sendall(SESSION[-2:])
        assert len(reply(first)[0]) == len(reply(second)[0]) == 3
        until(lambda: running.sessions == 0)
        third = connected(running.port)
        third.sendall(SESSION[:-2])
        until(lambda: running.sessions == 1)
        running.process.send_signal(signal.SIGTERM)
        until(lambda: "1 sessions have 10 seconds to finish" in running.log)
        running.process.send_signal(signal.SIGTERM)  # the second one: at once
        _, texts = reply(third)
        assert texts == ["error: the server must run until the end, got its stop; send the measurement again"]
        assert running.process.wait(20) == 1
        assert "dropped" in running.log


def test_sessions_finish_while_the_server_stops(mri_model_file: Path, tmp_path: Path) -> None:
    with served(mri_model_file, tmp_path / "log") as running:
        last = connected(running.port)
        last.sendall(SESSION[:-2])
        until(lambda: running.sessions == 1)
        running.process.send_signal(signal.SIGINT)
        until(lambda: "to finish" in running.log)
        with pytest.raises(OSError, match="refused"):
            connected(running.port)
        last.sendall(SESSION[-2:])
        assert len(reply(last)[0]) == 3
        assert running.process.wait(20) == 0


@pytest.fixture
def own_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put back what the command sets for its process."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTORCH_NVML_BASED_CUDA_CHECK"):
        monkeypatch.setenv(name, "1")
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("own_threads")
def test_model_for_ct_is_refused(ct_model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(ct_model_file), "--port", "0", "--device", "cpu"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "raw data of scanners need a network for MRI, got aps for ct" in said.err


@pytest.mark.usefixtures("own_threads")
def test_model_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("none.safetensors", "none.pt2"):  # the second one is opened in a process that ends at once
        assert main(["serve", str(tmp_path / name), "--port", "0", "--device", "cpu"]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert f"{tmp_path / name} must be" in said.err


def test_port_in_use_is_refused() -> None:
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"a free port to listen on, got 127\.0\.0\.1:{port} \(Address already"):
            listening("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("127.0.0.1", 70000), ("not a host", 0), ("a" * 300, 0)])
def test_address_of_another_machine_is_refused(host: str, port: int) -> None:
    with pytest.raises(ConfigError, match="must be an address of this machine"):
        listening(host, port)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--port", "-1"], "--port must be at least 0"),
        (["--max-sessions", "0"], "--max-sessions must be at least 1"),
        (["--timeout", "0"], "--timeout must be positive"),
        (["--threads", "0"], "--threads at least 1"),
    ],
)
def test_wrong_options_are_refused(options: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "model", *options]) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("server_", "reason"),
    [
        ("9002", "must be HOST:PORT"),
        ("host:x", "must be HOST:PORT"),
        ("127.0.0.1:1", "a server must listen at 127.0.0.1:1"),
    ],
)
def test_server_that_is_not_there_is_told(
    server_: str, reason: str, volume: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stream", server_, str(volume), "-o", str(tmp_path / "out.h5")]) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(b"", "must stay until"), (b"HTTP/1.1 200 OK", "is it one of MRD"), (b"\x05\x00\xff", "must stay")],
)
def test_client_refuses_servers_of_something_else(answer: bytes, reason: str) -> None:
    with listening("127.0.0.1", 0) as other:
        other.setblocking(True)

        def serve() -> None:
            connection, _ = other.accept()
            with connection:
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 16):
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        lines = map(line_of, acquisitions(kspace_of()))
        with pytest.raises(DataError, match=reason):
            stream("127.0.0.1", other.getsockname()[1], header(), lines, bounds=Bounds(silence=5))
        thread.join(5)
