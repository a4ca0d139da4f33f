"""What a process that looks at the bytes of strangers may not do, and proof from inside that it cannot.

The kernel's own means by ctypes, each left out where this platform lacks it. Loads nothing that starts threads: a
process enters before it has any.
"""

import ctypes
import mmap
import os
import resource
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from errno import ENETUNREACH
from pathlib import Path

from mlmodels.inference.confinement import landlock, privileges, system_calls

# <linux/sched.h>
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000

# What a process reads while it imports its libraries and asks what machine it is on; the rest of /etc is no business
# of its.
_SYSTEM = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/proc", "/sys", "/dev/urandom")
_DEVICES = ("/dev/null", "/dev/nvidia*", "/dev/nvidia-caps/*")


@dataclass(frozen=True, slots=True)
class Limits:
    """`memory_bytes` bounds what is allocated and `address_bytes`, unless it is None, all that is mapped; `file_bytes`
    each file that is written; `cpu_seconds` the time of all threads together."""

    memory_bytes: int
    address_bytes: int | None
    file_bytes: int
    cpu_seconds: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """`folder` is the one place to write to, if there is one, `readable` what is read beside the installation, `closed`
    are folders in which writing is tried in vain."""

    folder: Path | None
    readable: Sequence[Path]
    closed: Sequence[Path]
    limits: Limits


def enter(bounds: Bounds) -> list[str]:
    """Give up for good what CONTROLS name; those that hold, as tried afterwards."""
    readable = [*_installation(), *bounds.readable]
    _limit(bounds.limits)
    _leave_network()
    privileges.become_nobody([*readable, bounds.folder.parent] if bounds.folder else readable)
    privileges.end_with_parent()
    privileges.give_up_new_ones()
    writable = [bounds.folder, *_devices()] if bounds.folder else _devices()
    landlock.restrict(readable=[*readable, *map(Path, _SYSTEM)], writable=writable)
    system_calls.refuse()
    return [name for name, holds in CONTROLS.items() if holds(bounds)]


def _installation() -> list[Path]:
    """The interpreter, the packages and the engine itself, not the folder that settings and data may lie in."""
    paths = {sys.prefix, sys.base_prefix, *(path for path in sys.path if path.endswith("-packages"))}
    return [*(Path(path) for path in sorted(paths)), Path(__file__).parents[2]]


def _devices() -> list[Path]:
    return [path for pattern in _DEVICES for path in Path("/").glob(pattern.lstrip("/"))]


def _limit(limits: Limits) -> None:
    wishes = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: limits.cpu_seconds,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        # Counts what is allocated; of the address space torch's libraries alone take gigabytes.
        resource.RLIMIT_DATA: limits.memory_bytes,
    }
    if limits.address_bytes is not None:
        wishes[resource.RLIMIT_AS] = limits.address_bytes
    for kind, wished in wishes.items():
        limit = _at_most(wished, resource.getrlimit(kind)[1])
        resource.setrlimit(kind, (limit, limit))


def _at_most(wished: int, hard: int) -> int:
    return wished if hard == resource.RLIM_INFINITY else min(wished, hard)


def _leave_network() -> None:
    """Into a network of its own, with nothing on it; what is not root may do so in a user namespace, at best."""
    unshare = getattr(ctypes.CDLL(None), "unshare", None)
    if unshare and unshare(_CLONE_NEWNET) != 0 and os.geteuid() != 0:
        unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _has_no_network(bounds: Bounds) -> bool:
    try:
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", 9)) == ENETUNREACH
    except OSError:
        return True


def _starts_no_programs(bounds: Bounds) -> bool:
    try:
        program = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {})
    except PermissionError:
        return True
    os.waitpid(program, 0)
    return False


def _writes_nowhere_else(bounds: Bounds) -> bool:
    for folder in bounds.closed:
        attempt = folder / f"written-by-{os.getpid()}"
        try:
            attempt.touch(exist_ok=False)
        except OSError:
            continue
        attempt.unlink()
        return False
    return True


def _is_not_root(bounds: Bounds) -> bool:
    if os.geteuid() == 0:
        return False
    try:
        os.setuid(0)
    except OSError:
        return True
    return False


def _has_limited_memory(bounds: Bounds) -> bool:
    try:
        mmap.mmap(-1, bounds.limits.memory_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except (OSError, MemoryError):
        return True
    return False


def _has_limited_time(bounds: Bounds) -> bool:
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard + 1))
    except (ValueError, PermissionError):
        return soft != resource.RLIM_INFINITY
    return False


CONTROLS: dict[str, Callable[[Bounds], bool]] = {
    "no network": _has_no_network,
    "no new programs": _starts_no_programs,
    "no writing": _writes_nowhere_else,
    "not root": _is_not_root,
    "memory limit": _has_limited_memory,
    "time limit": _has_limited_time,
}
