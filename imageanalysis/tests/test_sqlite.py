"""SQLite's one writer at a time: the others wait for their turn, and are told when it does not come."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other() -> Iterator[sqlite3.Connection]:
    """Another process's connection, as the database sees it; it holds the lock."""
    name = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(name, isolation_level=None, check_same_thread=False)) as connected:
        connected.execute("BEGIN IMMEDIATE")
        yield connected


def busy_timeout_ms() -> int:
    with connection.cursor() as cursor:
        return int(cursor.execute("PRAGMA busy_timeout").fetchone()[0])


def test_a_transaction_waits_until_the_lock_is_free(other: sqlite3.Connection) -> None:
    waiting = threading.Event()

    def let_go_once_somebody_waits() -> None:
        waiting.wait()
        other.execute("ROLLBACK")

    def note(execute, sql, params, many, context):
        try:
            return execute(sql, params, many, context)
        except OperationalError:
            waiting.set()
            raise

    thread = threading.Thread(target=let_go_once_somebody_waits)
    thread.start()
    with connection.execute_wrapper(note), transaction.atomic():
        UserFactory.create(username="patient")
    thread.join()

    assert waiting.is_set(), "it had to wait"
    assert User.objects.filter(username="patient").exists()


def test_who_waited_for_too_long_is_told(other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)

    with (
        CaptureQueriesContext(connection) as tries,
        pytest.raises(OperationalError, match="database is locked"),
        transaction.atomic(),
    ):
        raise AssertionError("it has begun")

    assert len(tries) > 5, "it looked again and again"


def test_statements_outside_of_a_transaction_wait_as_before(other: sqlite3.Connection) -> None:
    other.execute("ROLLBACK")
    with transaction.atomic():
        UserFactory.create(username="writer")

    assert busy_timeout_ms() == connection.settings_dict["OPTIONS"]["timeout"] * 1000
