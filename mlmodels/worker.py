"""What a Celery worker does for exams beside taking them: it looks for forgotten ones; and it notices lost work."""

import logging
from collections.abc import Sequence
from typing import Any

from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery import Task
from celery.signals import task_failure, worker_ready

from accounts.looks import unless_the_database_is_away
from mlmodels import exams, fetches

LOOK_SECONDS = 60

logger = logging.getLogger(__name__)


@unless_the_database_is_away("did not look after exams")
def look_after_exams() -> None:
    """Give up exams whose worker is gone, ask for those of copied weights, and announce those that wait.

    Harmless on any number of machines at once.
    """
    given_up = exams.give_up_lost()
    if given_up:
        logger.warning("gave up %d exams whose worker is gone", given_up)
    exams.prepare_what_was_copied()
    exams.ring_for_all_waiting()


@worker_ready.connect
def start_looking(sender: Any, **_kwargs: Any) -> None:
    look_after_exams()
    sender.timer.call_repeatedly(LOOK_SECONDS, look_after_exams)


@task_failure.connect
def fail_what_the_task_was_taking(task_id: str, exception: BaseException, **_kwargs: Any) -> None:
    """Runs in the parent when a child was lost or killed at the hard limit, in the child when our code broke."""
    if exams.lose(task_id, exams.WORKER_LOST if _is_lost(exception) else "internal_error"):
        logger.warning("an exam ended without a result: %r", exception)


@task_failure.connect
def fail_what_the_task_was_fetching(
    sender: Task, exception: BaseException, args: Sequence[Any], **_kwargs: Any
) -> None:
    if sender.name == fetches.FETCH_WEIGHTS:
        fetches.lose(str(args[0]), fetches.WORKER_LOST if _is_lost(exception) else fetches.INTERNAL_ERROR)


def _is_lost(exception: BaseException) -> bool:
    return isinstance(exception, WorkerLostError | TimeLimitExceeded)
