"""What a Celery worker does for people by itself: it looks for mails that are due, and clears old rows away."""

import time
from typing import Any

from celery.signals import worker_ready

from accounts import budgets, mails, resets, sessions
from accounts.looks import unless_the_database_is_away

LOOK_SECONDS = 5
TIDY_SECONDS = 3600


class Looks:
    """The looks of one worker; harmless on any number of machines at once."""

    def __init__(self) -> None:
        self.tidy_at = 0.0

    @unless_the_database_is_away("did not look for mails")
    def look(self) -> None:
        if mails.is_any_due():
            mails.ring()
        if time.monotonic() >= self.tidy_at:
            self.tidy_at = time.monotonic() + TIDY_SECONDS
            budgets.forget_old()
            resets.forget_old()
            sessions.forget_old()


@worker_ready.connect
def start_looking(sender: Any, **_kwargs: Any) -> None:
    looks = Looks()
    looks.look()
    sender.timer.call_repeatedly(LOOK_SECONDS, looks.look)
