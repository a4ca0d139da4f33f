"""SQLite's one writer at a time: the others wait for their turn, and are told when it does not come."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections, transaction

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


@pytest.fixture
def tries() -> Iterator[list[str]]:
    """Every statement that is tried, also those that find the lock taken."""
    connection.ensure_connection()
    tried: list[str] = []
    connection.connection.set_trace_callback(tried.append)
    yield tried
    connection.connection.set_trace_callback(None)


@contextmanager
def lock_freed_after(count: int, tries: list[str], other: sqlite3.Connection) -> Iterator[None]:
    """Let go of the lock once so many tries have been in vain."""

    def let_go() -> None:
        while len(tries) < count and not is_over.wait(0.001):
            pass
        other.execute("ROLLBACK")

    is_over = threading.Event()
    thread = threading.Thread(target=let_go)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_a_transaction_waits_until_the_lock_is_free(other: sqlite3.Connection, tries: list[str]) -> None:
    with lock_freed_after(5, tries, other), transaction.atomic():
        UserFactory.create(username="patient")

    assert tries[:5] == ["BEGIN IMMEDIATE"] * 5, "it had to wait"
    assert User.objects.filter(username="patient").exists()


def test_a_statement_of_its_own_waits_too(other: sqlite3.Connection, tries: list[str]) -> None:
    other.execute("ROLLBACK")
    UserFactory.create(username="patient")
    other.execute("BEGIN IMMEDIATE")
    tries.clear()

    with lock_freed_after(5, tries, other):
        assert User.objects.filter(username="patient").update(username="served") == 1

    assert len(tries) > 5
    assert set(tries) == {tries[0]}
    assert User.objects.filter(username="served").exists()


def test_who_connects_while_another_makes_the_database_waits_too(tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite3"
    tried: list[str] = []

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            tried.append(sql)
            return super().execute(sql, *parameters)

    database = connections.create_connection(DEFAULT_DB_ALIAS)
    database.settings_dict = database.settings_dict | {"NAME": str(new)}
    parameters = database.get_connection_params() | {"factory": Connection}
    with closing(sqlite3.connect(new, isolation_level=None, check_same_thread=False)) as maker:
        maker.execute("CREATE TABLE its_first (id INTEGER)")
        maker.execute("BEGIN IMMEDIATE")
        with lock_freed_after(20, tried, maker), closing(database.get_new_connection(parameters)) as connected:
            (journal,) = connected.execute("PRAGMA journal_mode").fetchone()

    assert journal == "wal"
    assert tried.count("PRAGMA journal_mode=WAL") > 1, "it had to wait"


def test_who_waited_for_too_long_is_told(
    other: sqlite3.Connection, tries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)

    with pytest.raises(OperationalError, match="database is locked"), transaction.atomic():
        raise AssertionError("it has begun")
    with pytest.raises(OperationalError, match="database is locked"):
        User.objects.update(username="impatient")

    assert len(tries) > 10, "it looked again and again"


def test_what_waiting_does_not_heal_is_told_at_once(other: sqlite3.Connection, tries: list[str]) -> None:
    """A transaction that read before another one wrote cannot write any more, however long it waits."""
    other.execute("ROLLBACK")
    user = UserFactory.create(username="patient")
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
        assert User.objects.count() == 1
        other.execute("UPDATE auth_user SET username = 'other'")
        tries.clear()
        with pytest.raises(OperationalError, match="database is locked"):
            User.objects.filter(pk=user.pk).update(username="late")
        assert len(tries) == 1
        cursor.execute("ROLLBACK")


def test_who_waits_does_not_keep_others_from_closing_its_cursors(other: sqlite3.Connection, tries: list[str]) -> None:
    """The garbage collector closes a cursor in any thread, also in the one that holds the lock others wait for."""
    other.execute("ROLLBACK")
    UserFactory.create(username="patient")
    left_open = connection.connection.execute("SELECT 1 UNION SELECT 2")
    other.execute("BEGIN IMMEDIATE")
    tries.clear()
    closed_while_waiting = threading.Event()

    def close_then_let_go() -> None:
        while len(tries) < 2 and not is_over.wait(0.001):
            pass
        left_open.close()
        closed_while_waiting.set()
        other.execute("ROLLBACK")

    is_over = threading.Event()
    thread = threading.Thread(target=close_then_let_go)
    thread.start()
    try:
        User.objects.filter(username="patient").update(username="served")
    finally:
        is_over.set()
        thread.join()

    assert closed_while_waiting.is_set()
