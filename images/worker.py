"""What a Celery worker does for pictures beside analyzing them: it removes files that a dead process left behind."""

import logging
from typing import Any

from celery.signals import worker_ready
from django.db import DatabaseError, InterfaceError, close_old_connections

from images import litter

SWEEP_SECONDS = 60

logger = logging.getLogger(__name__)


def sweep() -> None:
    close_old_connections()
    try:
        removed = litter.sweep()
        litter.sweep_unfinished_uploads()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("did not look for litter, the database did not answer: %s", error)
        return
    finally:
        close_old_connections()
    if removed:
        logger.warning("removed %d stored files that belonged to no picture", removed)


@worker_ready.connect
def start_sweeping(sender: Any, **_kwargs: Any) -> None:
    sweep()
    sender.timer.call_repeatedly(SWEEP_SECONDS, sweep)
