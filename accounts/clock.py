"""What time it is: for queue and sessions the database's time, so that machines whose own clocks differ agree on it.

Each new connection asks PostgreSQL once; from then on the monotonic clock counts, which no change of the machine's time
moves. SQLite's clock is the machine's own.
"""

import time
from datetime import datetime, timedelta
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver
from django.utils import timezone

_at_monotonic_zero: datetime | None = None


@receiver(connection_created)
def ask(connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
    """Compare clocks; one statement on a new connection to PostgreSQL."""
    global _at_monotonic_zero
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        _at_monotonic_zero = cursor.fetchone()[0] - timedelta(seconds=time.monotonic())


def now(*earlier: datetime | None) -> datetime:
    """The time to store, never before what was `earlier`: the clock may have been set back since. No statement."""
    by_clock = _at_monotonic_zero + timedelta(seconds=time.monotonic()) if _at_monotonic_zero else timezone.now()
    return max(by_clock, *filter(None, earlier)) if any(earlier) else by_clock
