"""Django's SQLite backend with another way of waiting for the one writer's turn.

SQLite's own handler sleeps longer and longer between its looks at the lock, up to a tenth of a second. The lock is
held for a few milliseconds at a time, so a dozen writers who sleep like that leave it free most of the time, and
whoever came first may wait longest. Here a transaction looks about every millisecond, as long as `timeout` allows.
"""

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

# The first looks come quickly; a lock that is held for long is not looked at more than two hundred times a second.
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS, _GROWTH = 0.0005, 0.005, 1.1
_PRIMARY_CODE = 0xFF  # an extended result code has its primary one in the lowest byte


class DatabaseWrapper(base.DatabaseWrapper):
    """What ENGINE = "imageanalysis.sqlite" names."""

    def _start_transaction_under_autocommit(self) -> None:
        """Begin a transaction. Raises OperationalError when others held the lock for `timeout` seconds."""
        timeout_seconds = self.settings_dict["OPTIONS"]["timeout"]
        give_up_at = time.monotonic() + timeout_seconds
        wait_seconds = _FIRST_WAIT_SECONDS
        with self._sqlite_does_not_wait(timeout_seconds):
            while not self._begins(is_last_try=time.monotonic() >= give_up_at):
                time.sleep(wait_seconds * random.uniform(0.5, 1.5))  # noqa: S311 - keeps two from meeting again
                wait_seconds = min(wait_seconds * _GROWTH, _LONGEST_WAIT_SECONDS)

    def _begins(self, *, is_last_try: bool) -> bool:
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # missing in django-stubs
        except OperationalError as error:
            if is_last_try or not _is_busy(error):
                raise
            return False
        return True

    @contextmanager
    def _sqlite_does_not_wait(self, timeout_seconds: float) -> Iterator[None]:
        self.connection.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {round(timeout_seconds * 1000)}")


def _is_busy(error: OperationalError) -> bool:
    cause = error.__cause__
    return isinstance(cause, sqlite3.Error) and cause.sqlite_errorcode & _PRIMARY_CODE == sqlite3.SQLITE_BUSY
