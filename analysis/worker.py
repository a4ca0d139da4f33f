"""What a Celery worker does beside running tasks: it sweeps, gives back what a dead child held, and warms its children.

The parent process never touches torch: a fork after one torch operation would hang its children for ever.
"""

import logging
from typing import Any

from celery.signals import task_failure, worker_process_init, worker_ready
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from analysis import doorbell, in_hand, leases
from analysis.models import AnalysisQueue
from mlmodels import registry
from mlmodels.inference.errors import EngineError
from mlmodels.inference.runtime import prepare_worker_process

logger = logging.getLogger(__name__)


def sweep() -> None:
    """Take back runs whose lease is over and ring while anything waits. Harmless on any number of machines at once."""
    close_old_connections()
    try:
        taken_back = leases.take_back_expired()
        waiting = AnalysisQueue.objects.waiting().exists()
    except DatabaseError as error:
        logger.warning("sweep skipped, the database did not answer: %s", error)
        return
    finally:
        close_old_connections()
    if taken_back:
        logger.warning("took back %d runs whose lease was over", taken_back)
    if waiting:
        doorbell.ring()


@worker_ready.connect
def start_sweeping(sender: Any, **_kwargs: Any) -> None:
    sweep()
    sender.timer.call_repeatedly(settings.SWEEP_SECONDS, sweep)


@task_failure.connect
def give_back_what_the_child_held(task_id: str, exception: BaseException, **_kwargs: Any) -> None:
    """Runs in the parent when a child was lost or killed at the hard limit."""
    given_back = in_hand.give_back(task_id)
    if given_back:
        logger.warning("gave back %d runs of a lost child: %s", given_back, exception)
        doorbell.ring()


@worker_process_init.connect
def prepare_child(**_kwargs: Any) -> None:
    """Load the default model before the first picture comes; a model that cannot be loaded fails its runs, not us."""
    prepare_worker_process(threads=settings.INFERENCE_THREADS)
    try:
        registry.engine().load(settings.DEFAULT_MODEL)
    except EngineError as error:
        logger.warning("the default model cannot be loaded: %s", error)
