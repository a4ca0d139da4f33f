"""Ties a process's life to its parent's, so that not even `kill -9` of the parent leaves it behind (Linux).

Run as a script it is the shim in front of every child of the supervisor: a few milliseconds, then exec.
Doing this in the new process itself, and not between fork and exec, keeps Python code out of a place where
only a few system calls are safe.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

PR_SET_PDEATHSIG = 1  # from <linux/prctl.h>


def die_with_parent(parent_pid: int | None = None) -> None:
    """Have the kernel kill this process when the thread that forked it ends; elsewhere do nothing.

    The setting survives exec but not fork: every grandchild has to ask for itself. `parent_pid`, where the
    caller knows it, closes the gap in which the parent was gone before the kernel was asked.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if parent_pid is not None and os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def bound_to_this_process(argv: Iterable[str]) -> tuple[str, ...]:
    """The command line that runs `argv` with its life tied to the calling process."""
    # -I -S: neither the user's environment nor site-packages are needed, and the shim starts twice as fast.
    return (sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(os.getpid()), *argv)


def exec_bound(parent_pid: int, argv: list[str]) -> NoReturn:
    die_with_parent(parent_pid)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and exec would hand that on
    try:
        os.execvp(argv[0], argv)  # noqa: S606  no shell is the point
    except OSError as error:
        sys.exit(f"Cannot run {argv[0]}: {error.strerror}.")


if __name__ == "__main__":
    exec_bound(int(sys.argv[1]), sys.argv[2:])
