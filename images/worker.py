"""What a Celery worker does for pictures beside analyzing them: it removes files that a dead process left behind and
pictures that were deleted, and looks after exports of people's data."""

import logging
from typing import Any

from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery.signals import task_failure, worker_ready

from accounts.looks import unless_the_database_is_away
from images import deletion, limits, litter, my_data

SWEEP_SECONDS = 60
LOOK_SECONDS = 10

logger = logging.getLogger(__name__)


@unless_the_database_is_away("did not look for litter")
def sweep() -> None:
    removed = litter.sweep()
    if removed:
        logger.warning("removed %d stored files that belonged to no picture", removed)
    my_data.remove_old()
    litter.sweep_unfinished_uploads()
    limits.forget_old_uploads()


@unless_the_database_is_away("did not remove deleted pictures")
def purge_deleted() -> None:
    purged = deletion.purge()
    if purged:
        logger.info("removed %d pictures that were deleted and not taken back", purged)


@unless_the_database_is_away("did not look after exports")
def look_after_exports() -> None:
    """Give up exports whose worker is gone and announce those that wait. Harmless on any number of machines at once."""
    given_up = my_data.give_up_lost()
    if given_up:
        logger.warning("gave up %d exports whose worker is gone", given_up)
    if my_data.is_something_waiting():
        my_data.ring()


@worker_ready.connect
def start_sweeping(sender: Any, **_kwargs: Any) -> None:
    sweep()
    purge_deleted()
    look_after_exports()
    sender.timer.call_repeatedly(SWEEP_SECONDS, sweep)
    sender.timer.call_repeatedly(LOOK_SECONDS, purge_deleted)
    sender.timer.call_repeatedly(LOOK_SECONDS, look_after_exports)


@task_failure.connect
def fail_what_the_task_was_making(task_id: str, exception: BaseException, **_kwargs: Any) -> None:
    """Runs in the parent when a child was lost or killed at the hard limit, in the child when our code broke."""
    is_lost = isinstance(exception, WorkerLostError | TimeLimitExceeded)
    if my_data.lose(task_id, my_data.WORKER_LOST if is_lost else my_data.INTERNAL_ERROR):
        logger.warning("an export ended without a result: %r", exception)
