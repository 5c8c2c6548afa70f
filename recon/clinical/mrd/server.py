"""Listens for scanners, and gives each connection a process of its own, which ends with it.

Processes are forked from one that has loaded the network and never computed: that takes milliseconds, shares the
weights' memory, and is safe while no thread of torch was started. What cannot be forked (a GPU's context, an exported
file's runtime) is opened in the new process.
"""

import multiprocessing
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

import torch

from recon.clinical.models import ClinicalModel
from recon.clinical.mrd.protocol import Bounds
from recon.clinical.mrd.session import StoppedError, converse
from recon.errors import ConfigError, ReconError

_STOP = (signal.SIGINT, signal.SIGTERM)
_FORK = multiprocessing.get_context("fork")
_BACKLOG = 64
_DONE, _FAILED, _REFUSED = 0, 1, 2  # how a session's process ends


@dataclass(frozen=True, slots=True)
class Serving:
    """How connections are served.

    Args:
        model: gives the model, in each session's process.
        log: takes lines of what happened, which never say whose images they were.
        bounds: of what a client may send.
        sessions: at once; further ones wait until one ends.
        threads: of each session.
        grace: seconds that sessions have to finish when the server stops.
    """

    model: Callable[[], ClinicalModel]
    log: Callable[[str], None]
    bounds: Bounds = field(default_factory=Bounds)
    sessions: int = 16
    threads: int = 1
    grace: float = 10.0


def listening(host: str, port: int) -> socket.socket:
    """Open a port to listen on; port 0 takes a free one."""
    try:
        if not 0 <= port < 1 << 16:
            raise OverflowError("ports go from 0 to 65535")
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, kind, protocol)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind(address)
            opened.listen(_BACKLOG)
        except OSError:
            opened.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"there must be an address of this machine and a free port to listen on, got {host}:{port} ({reason}); "
            f"choose others with --bind and --port"
        ) from error
    opened.setblocking(False)
    return opened


class Server:
    """Accepts connections until it is told to stop by SIGINT or SIGTERM."""

    def __init__(self, socket_: socket.socket, serving: Serving) -> None:
        self.socket, self.serving = socket_, serving
        self._sessions: dict[int, BaseProcess] = {}  # by the files that tell their ends
        self._count, self._stops, self._dropped = 0, 0, 0
        self._selector = selectors.DefaultSelector()
        self._bell, ringing = socket.socketpair()
        for end in (self._bell, ringing):
            end.setblocking(False)
        self._ringing = ringing

    def run(self) -> int:
        """Serve; give 0 where every session that had begun could finish, else 1."""
        before = {number: signal.signal(number, self._on_stop) for number in _STOP}
        wakeup = signal.set_wakeup_fd(self._ringing.fileno())
        self._selector.register(self._bell, selectors.EVENT_READ)
        try:
            while not self._stops:
                self._listen(len(self._sessions) < self.serving.sessions)
                self._wait(None)
            self._listen(False)
            self.socket.close()
            self._end_sessions()
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            for process in self._sessions.values():
                process.kill()
            self._selector.close()
            self.socket.close()
        return 1 if self._dropped else 0

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self._stops += 1

    def _listen(self, wanted: bool) -> None:
        """Look for connections, or let them wait."""
        if wanted != (self.socket in self._selector.get_map()):
            if wanted:
                self._selector.register(self.socket, selectors.EVENT_READ)
            else:
                self._selector.unregister(self.socket)

    def _wait(self, seconds: float | None) -> None:
        """Wait until something happens, and see to it."""
        for key, _ in self._selector.select(seconds):
            if key.fileobj is self._bell:
                self._bell.recv(4096)
            elif key.fileobj is self.socket:
                self._accept()
            else:
                self._reap(key.fd)

    def _accept(self) -> None:
        try:
            connection, _ = self.socket.accept()
        except OSError:  # it went before it was taken, or there are no files left: the others go on
            time.sleep(0.01)
            return
        with connection:
            self._count += 1
            process = _FORK.Process(target=self._child, args=(connection, self._count), daemon=True)
            signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)  # the new process must not get them as its parent would
            try:
                process.start()
            except OSError as error:
                self.serving.log(f"session {self._count}: no process could be started ({error.strerror})")
                return
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)
        self._sessions[process.sentinel] = process
        self._selector.register(process.sentinel, selectors.EVENT_READ)

    def _reap(self, sentinel: int) -> None:
        process = self._sessions.pop(sentinel)
        self._selector.unregister(sentinel)
        process.join()
        if process.exitcode is not None and process.exitcode < 0:
            self.serving.log(f"a session ended by signal {-process.exitcode}")
        self._dropped += process.exitcode not in (_DONE, _REFUSED)
        process.close()

    def _end_sessions(self) -> None:
        """Let sessions finish for a while, or until the second signal; then tell them to end, then end them."""
        self._dropped = 0
        if self._sessions:
            self.serving.log(f"stopping: {len(self._sessions)} sessions have {self.serving.grace:g} seconds to finish")
        self._wait_for_ends(self.serving.grace, stops=1)
        for process in self._sessions.values():
            process.terminate()
        self._wait_for_ends(self.serving.grace, stops=sys.maxsize)
        self._dropped += len(self._sessions)
        self.serving.log("stopped")

    def _wait_for_ends(self, seconds: float, *, stops: int) -> None:
        end = time.monotonic() + seconds
        while self._sessions and self._stops <= stops and (left := end - time.monotonic()) > 0:
            self._wait(left)

    def _child(self, connection: socket.socket, number: int) -> None:
        """Serve one connection, in its own process."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the parent decides
        signal.signal(signal.SIGTERM, _stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)
        self.socket.close()
        status = _FAILED
        try:
            status = _session(connection, number, self.serving)
        except StoppedError:
            self.serving.log(f"session {number}: dropped")
        except Exception as error:  # of a bug or the machine: its words may hold what the client sent
            self.serving.log(f"session {number}: failed ({type(error).__name__} in {_place(error)})")
        os._exit(status)


def _session(connection: socket.socket, number: int, serving: Serving) -> int:
    start = time.monotonic()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    torch.set_num_threads(serving.threads)
    try:
        told = converse(connection, serving.model, serving.bounds)
    finally:
        connection.close()
    took = f"{told.images} images in {time.monotonic() - start:.1f} s"
    serving.log(f"session {number}: {took}{f'; {told.error}' if told.error else ''}")
    return _REFUSED if told.error else _DONE


def _stop(number: int, frame: FrameType | None) -> None:
    raise StoppedError("the server must run until the end, got its stop; send the measurement again")


def _place(error: Exception) -> str:
    """Say where in the code an error came from."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def probe(open_: Callable[[], ClinicalModel]) -> None:
    """Open a model in a process that ends at once, so that a mistake shows and this one stays fit to be forked."""
    receiver, sender = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_probe, args=(open_, sender), daemon=True)
    process.start()
    sender.close()
    try:
        message = receiver.recv_bytes().decode()
    except EOFError:
        message = "the model must open, got a process that died; see what it printed"
    finally:
        process.join()
        receiver.close()
    if message:
        raise ConfigError(message)


def _probe(open_: Callable[[], ClinicalModel], sender: Connection) -> None:
    try:
        open_()
        sender.send_bytes(b"")
    except ReconError as error:
        sender.send_bytes(str(error).encode())
    finally:
        os._exit(0)
