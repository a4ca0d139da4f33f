"""The time that is stored is the database's, and never runs before what it follows."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import clock


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """As after a PostgreSQL connection whose server's clock is an hour ahead."""
    ahead = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "_at_monotonic_zero", ahead - timedelta(seconds=time.monotonic()))
    return ahead


def test_it_is_the_databases_time(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_TIMESTAMP")
        found = cursor.fetchone()[0]
    at = found if isinstance(found, datetime) else datetime.fromisoformat(found).replace(tzinfo=UTC)
    assert abs(clock.now() - at) < timedelta(seconds=5)


def test_the_machines_own_clock_may_be_wrong(asked: datetime) -> None:
    assert timedelta(0) <= clock.now() - asked < timedelta(seconds=5)


def test_time_is_never_before_what_was_earlier(asked: datetime) -> None:
    later = asked + timedelta(hours=2)

    assert clock.now(later, None) == later
    assert clock.now(None) < later
