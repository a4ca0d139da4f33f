"""Hashes passwords one at a time and behind everything else that the process does.

A hash is meant to be dear, and whoever finds the sign-in page may have us make them. A morning on which everybody signs
in must not hold up the pages of those who are in already.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import ParamSpec, TypeVar

from django.contrib.auth import hashers

P = ParamSpec("P")
T = TypeVar("T")

# So many people's passwords wait for their turn: each holds one of the eight threads that gunicorn has in a process.
MOST_WAITING = 4
NICENESS = 10


class BusyError(Exception):
    """Too many people are signing in at this moment."""


class _Hashing:
    """Of one process."""

    def __init__(self) -> None:
        self.turns = threading.BoundedSemaphore(MOST_WAITING)
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="hashing", initializer=_stand_back)

    def run(self, hash_: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return self.thread.submit(hash_, *args, **kwargs).result()


def _stand_back() -> None:
    """On Linux the priority is a thread's own, and those that Argon2 starts inherit it; elsewhere it is a process's."""
    if sys.platform != "linux":
        return
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


_hashing = _Hashing()


def _begin_anew() -> None:
    """A fork has no threads."""
    global _hashing
    _hashing = _Hashing()


os.register_at_fork(after_in_child=_begin_anew)


@contextmanager
def turn() -> Iterator[None]:
    """Wait with few others for passwords to be hashed inside. Raises BusyError."""
    turns = _hashing.turns
    if not turns.acquire(blocking=False):
        raise BusyError
    try:
        yield
    finally:
        turns.release()


class Argon2PasswordHasher(hashers.Argon2PasswordHasher):
    """Argon2id with OWASP's parameters: 19 MiB, two passes, one lane.

    Django's own take 100 MiB and eight threads for each hash: of a dozen at once a small machine stands still. Hashes
    that were made with others are verified with those, and made anew when their owners sign in.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        return _hashing.run(super().encode, password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        return _hashing.run(super().verify, password, encoded)
