"""A process for `test_looks`: a worker's looks on PostgreSQL, each with the connection lost at its first statement."""

import os
from collections.abc import Callable
from typing import Any

import django

django.setup()

import psycopg  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

import accounts.worker  # noqa: E402
import analysis.worker  # noqa: E402
import images.worker  # noqa: E402
import mlmodels.worker  # noqa: E402

LOOKS = (
    accounts.worker.Looks().look,
    mlmodels.worker.look_after_exams,
    analysis.worker.sweep,
    analysis.stopping.leave,
    images.worker.sweep,
    images.worker.purge_deleted,
    images.worker.look_after_exports,
)


def cut(cursor: Any) -> None:
    """What a restarted server does: the statement finds the connection gone, which is an OperationalError."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [cursor.connection.info.backend_pid])


def close_cursor(cursor: Any) -> None:
    """What tidying up after a loss does to those who go on: an InterfaceError, which is no DatabaseError."""
    cursor.close()


class LostOnce:
    """For `execute_wrapper`: loses the connection at the first statement."""

    def __init__(self, lose: Callable[[Any], None]) -> None:
        self.lose = lose
        self.is_lost = False

    def __call__(self, execute: Callable[..., Any], *statement: Any) -> Any:
        if not self.is_lost:
            self.is_lost = True
            self.lose(statement[-1]["cursor"])
        return execute(*statement)


call_command("migrate", verbosity=0)
for lose in (cut, close_cursor):
    for look in LOOKS:
        loss = LostOnce(lose)
        with connection.execute_wrapper(loss):
            look()
            look()
        print(lose.__name__, look.__qualname__, loss.is_lost, flush=True)
