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
from typing import Any

from django.db.backends.sqlite3 import base

# The first looks come quickly; a lock that is held for long is not looked at more than two hundred times a second.
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS, _GROWTH = 0.0005, 0.005, 1.1
_PRIMARY_CODE = 0xFF  # an extended result code has its primary one in the lowest byte


class DatabaseWrapper(base.DatabaseWrapper):
    """What ENGINE = "imageanalysis.sqlite" names."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        """Connect; SQLite's own handler waits only here, for the commands that prepare the connection."""
        connection: sqlite3.Connection = super().get_new_connection(conn_params)
        connection.execute("PRAGMA busy_timeout = 0")
        return connection

    def create_cursor(self, name: str | None = None) -> "PatientCursor":
        cursor = self.connection.cursor(factory=PatientCursor)
        cursor.timeout_seconds = self.settings_dict["OPTIONS"]["timeout"]
        return cursor


class PatientCursor(base.SQLiteCursorWrapper):
    """Waits for the lock in `execute`; `executemany`, which nothing here uses, does not."""

    timeout_seconds: float

    def execute(self, query: str, params: Any = None) -> "PatientCursor":
        """Execute; raises sqlite3.OperationalError when others held the lock for `timeout` seconds."""
        give_up_at = time.monotonic() + self.timeout_seconds
        wait_seconds = _FIRST_WAIT_SECONDS
        while True:
            is_last_try = time.monotonic() >= give_up_at
            try:
                super().execute(query, params)
            except sqlite3.OperationalError as error:
                if is_last_try or not _passes(error):
                    raise
            else:
                return self
            time.sleep(wait_seconds * random.uniform(0.5, 1.5))  # noqa: S311 - keeps two from meeting again
            wait_seconds = min(wait_seconds * _GROWTH, _LONGEST_WAIT_SECONDS)


def _passes(error: sqlite3.OperationalError) -> bool:
    """Whether it is the lock, and waiting helps: not when a transaction that has read an old state wants to write."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)  # Python's own errors have none
    return code & _PRIMARY_CODE == sqlite3.SQLITE_BUSY and code != sqlite3.SQLITE_BUSY_SNAPSHOT
