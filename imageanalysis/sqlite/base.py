"""Django's SQLite backend with another way of waiting for the one writer's turn.

SQLite's own handler is not used, for two reasons:

* It sleeps longer and longer between its looks at the lock, up to a tenth of a second. The lock is held for a few
  milliseconds at a time, so a dozen writers who sleep like that leave it free most of the time, and whoever came
  first may wait longest. Here a statement looks about every millisecond, as long as `timeout` allows.
* It sleeps while it keeps the connection's mutex. Python's garbage collector may close an old cursor of that
  connection in whatever thread it happens to run, and waits for that mutex; when the thread is the one that holds
  the database's lock, both wait until the time is over. Here nothing is kept while a statement waits.
"""

import random
import sqlite3
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.db.backends.sqlite3 import base

# The first looks come quickly; a lock that is held for long is not looked at more than two hundred times a second.
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS, _GROWTH = 0.0005, 0.005, 1.1
_PRIMARY_CODE = 0xFF  # an extended result code has its primary one in the lowest byte

Acted = TypeVar("Acted")


class DatabaseWrapper(base.DatabaseWrapper):
    """What ENGINE = "imageanalysis.sqlite" names."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        """Connect; raises sqlite3.OperationalError when others held the lock for `timeout` seconds.

        The first to come turns the journal into a WAL, and some of those who come at the same moment are told at once
        that the database is locked: SQLite waits for no lock that somebody who waits for it may hold.
        """
        connect = super().get_new_connection
        return patiently(lambda: connect(conn_params | {"timeout": 0}), conn_params["timeout"])

    def create_cursor(self, name: str | None = None) -> "PatientCursor":
        cursor = self.connection.cursor(factory=PatientCursor)
        cursor.timeout_seconds = self.settings_dict["OPTIONS"]["timeout"]
        return cursor


class PatientCursor(base.SQLiteCursorWrapper):
    """Waits for the lock in `execute`; `executemany`, which nothing here uses, does not."""

    timeout_seconds: float

    def execute(self, query: str, params: Any = None) -> "PatientCursor":
        """Execute; raises sqlite3.OperationalError when others held the lock for `timeout` seconds."""
        execute = super().execute
        patiently(lambda: execute(query, params), self.timeout_seconds)
        return self


def patiently(act: Callable[[], Acted], timeout_seconds: float) -> Acted:
    """Act until nobody else holds the lock; raises sqlite3.OperationalError when somebody did until the end."""
    give_up_at = time.monotonic() + timeout_seconds
    wait_seconds = _FIRST_WAIT_SECONDS
    while True:
        is_last_try = time.monotonic() >= give_up_at
        try:
            return act()
        except sqlite3.OperationalError as error:
            if is_last_try or not _passes(error):
                raise
        time.sleep(wait_seconds * random.uniform(0.5, 1.5))  # noqa: S311 - keeps two from meeting again
        wait_seconds = min(wait_seconds * _GROWTH, _LONGEST_WAIT_SECONDS)


def _passes(error: sqlite3.OperationalError) -> bool:
    """Whether it is the lock, and waiting helps: not when a transaction that has read an old state wants to write."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)  # Python's own errors have none
    return code & _PRIMARY_CODE == sqlite3.SQLITE_BUSY and code != sqlite3.SQLITE_BUSY_SNAPSHOT
