"""Django's `migrate`, one at a time: machines that start together all bring the same database up to date."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

MIGRATING = 0x1A6E  # among PostgreSQL's advisory locks; any number that nobody else uses in this database
LOOK_AGAIN_SECONDS = 0.5


class Command(migrate.Command):
    def handle(self, *args: Any, database: str, **options: Any) -> None:
        with self._alone(connections[database]):
            super().handle(*args, database=database, **options)

    @contextmanager
    def _alone(self, connection: BaseDatabaseWrapper) -> Iterator[None]:
        """Wait until nobody else migrates. Whoever dies lets go: the lock is that of a session.

        Asked for again and again: a session that waits inside a statement would hold up an index that the other one
        makes concurrently, for ever.
        """
        if connection.vendor != "postgresql":
            yield
            return
        with closing(connection.copy()) as guard, guard.cursor() as cursor:
            has_waited = False
            while not _locked(cursor):
                if not has_waited:
                    self.stdout.write("Somebody else brings the database up to date; waiting ...")
                    self.stdout.flush()
                has_waited = True
                time.sleep(LOOK_AGAIN_SECONDS)
            yield


def _locked(cursor: Any) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [MIGRATING])
    return bool(cursor.fetchone()[0])
