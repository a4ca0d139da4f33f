"""Linux's Landlock by ctypes: a process gives up all files but those it names, for itself and all that it starts."""

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

# <linux/landlock.h>; the numbers of the calls are the same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_UP_TO_MAKE_SYM = (1 << 13) - 1
_BIND_TCP, _CONNECT_TCP = 1 << 0, 1 << 1
_ABSTRACT_UNIX_SOCKET, _SIGNAL = 1 << 0, 1 << 1

_READING = _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE  # the others mean something for folders only
_SUPPORTS_REFER, _SUPPORTS_TRUNCATE, _SUPPORTS_NETWORK, _SUPPORTS_SCOPES = 2, 3, 4, 6


class _Ruleset(ctypes.Structure):
    """Kernels that know fewer of these fields accept the rest when it is zero."""

    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def version() -> int:
    """Of the kernel's Landlock; 0 when it has none."""
    if not sys.platform.startswith("linux"):
        return 0
    found: int = ctypes.CDLL(None).syscall(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    return max(found, 0)


def restrict(*, readable: Iterable[Path], writable: Iterable[Path]) -> bool:
    """From now on nothing is read but what lies in `readable`, nothing written (or read) but in `writable`, no program
    run, and where the kernel can: no TCP, no signal to processes outside. Paths that cannot be reached are left out.

    For the calling thread and what it starts: call before there are others. False when the kernel has no Landlock.
    Needs no_new_privs or CAP_SYS_ADMIN.
    """
    if not version():
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    rights = _rights(version())
    ruleset = _call(libc, _CREATE_RULESET, ctypes.byref(rights), ctypes.sizeof(rights), 0)
    try:
        for path in readable:
            _allow(libc, ruleset, path, _READING)
        for path in writable:
            _allow(libc, ruleset, path, rights.files & ~_EXECUTE)
        _call(libc, _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return True


def _rights(version: int) -> _Ruleset:
    files = _UP_TO_MAKE_SYM
    files |= _REFER if version >= _SUPPORTS_REFER else 0
    files |= _TRUNCATE if version >= _SUPPORTS_TRUNCATE else 0
    network = _BIND_TCP | _CONNECT_TCP if version >= _SUPPORTS_NETWORK else 0
    scopes = _ABSTRACT_UNIX_SOCKET | _SIGNAL if version >= _SUPPORTS_SCOPES else 0
    return _Ruleset(files, network, scopes)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return
    try:
        rule = _PathBeneath(rights if path.is_dir() else rights & _OF_FILES, place)
        _call(libc, _ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(place)


def _call(libc: ctypes.CDLL, number: int, *arguments: object) -> int:
    result: int = libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
