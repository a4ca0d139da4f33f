"""A process that runs as root becomes nobody, on Linux by ctypes where Python has no call for it."""

import ctypes
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

NOBODY = 65534

# <linux/prctl.h>, <linux/capability.h>
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_SET_NO_NEW_PRIVS = 1, 8, 38
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_READ_SEARCH = 1 << 2
_SIGKILL = 9


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Capabilities(ctypes.Structure):
    """The first 32 in `low`; the kernel takes two of these, the second for the others."""

    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


def become_nobody(readable: Iterable[Path]) -> bool:
    """Root gives up all that it is; whether the process is not root (any more).

    Where nobody may not read these paths (an installation below /root), one capability is kept: to read everything.
    Root stays root when it lacks that one.
    """
    if os.geteuid() != 0:
        _keep_only(0)  # what a user namespace gave
        return True
    must_keep_reading = not all(map(_is_open_to_all, readable))
    if must_keep_reading and not _permitted() & _CAP_DAC_READ_SEARCH:
        return False
    _prctl(_PR_SET_KEEPCAPS, int(must_keep_reading))
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    if must_keep_reading:
        _keep_only(_CAP_DAC_READ_SEARCH)
    return True


def give_up_new_ones() -> None:
    """No program that this process or its children run gains anything, whatever its file says."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def end_with_parent() -> None:
    """Call after `become_nobody`, which makes the kernel forget it."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def _is_open_to_all(path: Path) -> bool:
    resolved = path.resolve()
    needed = stat.S_IROTH | (stat.S_IXOTH if resolved.is_dir() else 0)
    folders_open = all(parent.stat().st_mode & stat.S_IXOTH for parent in resolved.parents)
    return folders_open and resolved.stat().st_mode & needed == needed


def _permitted() -> int:
    if not sys.platform.startswith("linux"):
        return 0
    found = (_Capabilities * 2)()
    ctypes.CDLL(None).capget(ctypes.byref(_Header(_CAPABILITY_VERSION_3, 0)), found)
    return int(found[0].permitted)


def _keep_only(capability: int) -> None:
    if not sys.platform.startswith("linux"):
        return
    kept = (_Capabilities * 2)(_Capabilities(capability, capability, 0))
    ctypes.CDLL(None).capset(ctypes.byref(_Header(_CAPABILITY_VERSION_3, 0)), kept)


def _prctl(option: int, value: int) -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
