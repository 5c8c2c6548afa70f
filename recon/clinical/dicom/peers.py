"""What a node is told: its own name and address, and where results go."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recon.errors import ConfigError

_AET = 16  # characters


@dataclass(frozen=True, slots=True)
class Peer:
    """Another node, which takes results."""

    host: str
    port: int
    aet: str

    def __str__(self) -> str:
        return f"{self.aet} at {self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a node works.

    Args:
        aet: its application entity title, by which peers must call it.
        port: where it listens; 0 for any that is free.
        forward: where results go.
        spool: the folder in which it keeps what is not delivered.
        bind: the address at which it listens.
        calling: the titles of those from whom it takes images; empty for anyone.
        quiet_time: seconds after which a series is complete, when nothing of it has come and who sent it is gone.
        at_release: whether a series is complete as soon as the last association that brought some of it is released.
        retry: seconds after which a delivery is tried again; each time twice as long, up to a minute.
    """

    aet: str
    port: int
    forward: Peer
    spool: Path
    bind: str = "127.0.0.1"
    calling: Sequence[str] = ()
    quiet_time: float = 10.0
    at_release: bool = False
    retry: float = 2.0

    def __post_init__(self) -> None:
        """Check the words and numbers."""
        for title in (self.aet, *self.calling):
            require_aet(title)
        _require_port(self.port, least=0)
        if not 0 <= self.quiet_time <= 3600:
            raise ConfigError(f"--quiet must be from 0 to 3600 seconds, got {self.quiet_time:g}")


def require_aet(title: str) -> str:
    """Refuse what is no application entity title."""
    if not (1 <= len(title.strip()) <= _AET and title.isascii() and title.isprintable() and "\\" not in title):
        raise ConfigError(f"an AE title must have 1 to {_AET} letters, digits or signs and no backslash, got {title!r}")
    return title.strip()


def peer_from(text: str) -> Peer:
    """Understand HOST:PORT:AET.

    >>> peer_from("127.0.0.1:4242:ORTHANC")
    Peer(host='127.0.0.1', port=4242, aet='ORTHANC')
    """
    host, port, aet = ([*text.rsplit(":", 2), "", ""])[:3]
    if not host or not port.isdecimal() or not aet:
        raise ConfigError(f"--forward must be HOST:PORT:AET such as 127.0.0.1:4242:ORTHANC, got {text!r}")
    _require_port(int(port), least=1)
    return Peer(host.strip("[]"), int(port), require_aet(aet))


def _require_port(port: int, *, least: int) -> None:
    if not least <= port < 1 << 16:
        raise ConfigError(f"a port must be from {least} to {(1 << 16) - 1}, got {port}")
