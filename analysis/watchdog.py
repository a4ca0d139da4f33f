"""Notices that this worker has gone deaf, or that its main loop stands still, and ends it: it is then started anew.

A worker can answer every ping and yet never take anything any more; hence the table judges, by what was claimed.
"""

import logging
import os
import threading
import time
from datetime import datetime
from typing import Any

from celery.worker import state
from django.conf import settings

from analysis import heartbeats, lanes, pausing
from analysis.ordering import first_due

EXIT_CODE = 70  # EX_SOFTWARE of <sysexits.h>
STOP_WITHIN_SECONDS = 15

logger = logging.getLogger(__name__)


class Watchdog:
    """Watches what this worker claims; `look` is called again and again."""

    def __init__(self, patience_seconds: float) -> None:
        self.patience_seconds = patience_seconds
        self.last_claim_at: datetime | None = None
        self.last_look = time.monotonic()
        self.hungry_seconds = 0.0
        self.has_reconnected = False

    def look(self, is_something_due: bool) -> None:
        """Act when work that this worker might have taken waits too long: connect anew, in the end exit. One statement.

        Raises ConnectionResetError after a quarter of the patience, which makes Celery connect to the broker anew: a
        message whose receipt could not be acknowledged is taken for one in work, and no other is fetched beside it.
        """
        if not self._is_hungry(heartbeats.last_claim_at(), is_something_due):
            self.hungry_seconds, self.has_reconnected = 0, False
        elif self.hungry_seconds >= self.patience_seconds:
            end(f"pictures wait, and this worker has claimed none for {self.patience_seconds:g} s")
        elif self.hungry_seconds >= self.patience_seconds / 4 and not self.has_reconnected:
            self.has_reconnected = True
            raise ConnectionResetError("pictures wait, and no message comes")

    def _is_hungry(self, last_claim_at: datetime | None, is_something_due: bool) -> bool:
        now = time.monotonic()
        # A long gap is no hunger: the loop stood still, because there was no broker for example.
        self.hungry_seconds += min(now - self.last_look, 2 * settings.SWEEP_SECONDS)
        has_claimed = last_claim_at != self.last_claim_at
        self.last_look, self.last_claim_at = now, last_claim_at
        is_awake = last_claim_at is not None  # before that a child loads its first model, for as long as it takes
        return is_awake and is_something_due and not has_claimed and not state.active_requests


def may_claim() -> bool:
    """Whether this worker would find something to take now: neither a pause nor a retry's delay is in the way."""
    return bool(first_due(lanes.own())) and not pausing.is_paused()


class LoopWatch(threading.Thread):
    """Ends the process when its main loop stood still for too long while the broker was connected.

    It touches neither database nor broker: a process that forks must not have a thread inside their libraries. It
    counts its own seconds, so that a process which was stopped as a whole, with its machine perhaps, has its time.
    """

    def __init__(self, consumer: Any, patience_seconds: float) -> None:
        super().__init__(daemon=True, name="loop-watch")
        self.consumer = consumer
        self.patience_seconds = patience_seconds
        self.counted_seconds = 0.0

    def reset(self) -> None:
        self.counted_seconds = 0

    def run(self) -> None:
        while not (state.should_stop is not None or state.should_terminate is not None):
            time.sleep(1)
            # While Celery looks for a lost broker its loop stands still, and a new process would not find it either.
            self.counted_seconds = self.counted_seconds + 1 if self.consumer.connection else 0
            if self.counted_seconds >= self.patience_seconds:
                logger.critical("the worker's main loop has stood still for %g s: it ends", self.counted_seconds)
                os._exit(EXIT_CODE)


def end(reason: str) -> None:
    """Have the worker end with a code that is no success; by force when its connection keeps it from ending."""
    logger.critical("%s: it ends", reason)
    by_force = threading.Timer(STOP_WITHIN_SECONDS, os._exit, [EXIT_CODE])
    by_force.daemon = True
    by_force.start()
    setattr(state, "should_stop", EXIT_CODE)  # noqa: B010  celery-types knows it as None only


watchdog = Watchdog(settings.WATCHDOG_SECONDS)
