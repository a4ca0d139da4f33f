"""How a worker ends that was asked to: what runs is finished; when that takes too long it is handed back, at no cost.

Celery itself stops taking messages and waits for its children. Here lies what it does not know: signs of life while it
waits, an end to the wait, and the runs that are still in hand then.
"""

import logging
import os
import signal
import threading
import time
from contextlib import suppress
from typing import Any

from billiard import active_children
from django import db
from django.conf import settings

from accounts.looks import unless_the_database_is_away
from analysis import heartbeats, heat_maps, in_hand

# Tells a child that the conversion of a model, which may take a minute, is not worth waiting for any more.
WAIT_FOR_NO_MODEL = signal.SIGUSR2

logger = logging.getLogger(__name__)


class Farewell(threading.Thread):
    """Leaves signs of life while the children finish, and ends the process when their time is up.

    A thread with a connection of its own is safe from now on only: nothing forks any more.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True, name="farewell")
        self.asked_again = threading.Event()
        self.is_over = False

    def run(self) -> None:
        for pid in _children():
            with suppress(ProcessLookupError):
                os.kill(pid, WAIT_FOR_NO_MODEL)
        deadline = time.monotonic() + settings.STOP_GRACE_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            if self.is_over:
                return
            with suppress(db.Error):
                heartbeats.heart.beat()
            if self.asked_again.wait(min(settings.SWEEP_SECONDS, left)):
                break
        leave()
        for pid in _children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os._exit(0)


farewell = Farewell()


def _children() -> list[int]:
    return [child.pid for child in active_children() if child.pid]


def begin_to_stop(**_kwargs: Any) -> None:
    """Runs in the signal handler: the first request begins the farewell, a second one cuts it short."""
    if farewell.is_alive():
        farewell.asked_again.set()
    else:
        farewell.start()


def leave(**_kwargs: Any) -> None:
    """Put back what is in hand, and be a worker no more."""
    farewell.is_over = True
    with unless_the_database_is_away("could not take leave, which the other workers will notice"):
        handed_back = in_hand.hand_back() + heat_maps.hand_back()
        if handed_back:
            logger.warning("handed back %d unfinished runs", handed_back)
        heartbeats.forget([heartbeats.THIS_WORKER])
    db.connection.close()
