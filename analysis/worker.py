"""What a Celery worker does beside running tasks: signs of life, a look after the queue, help for dead children's runs.

The parent process never touches torch: a fork after one torch operation would hang its children for ever.
"""

import logging
import signal
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery.signals import (
    celeryd_after_setup,
    task_failure,
    worker_init,
    worker_process_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from celery.worker import state
from django import db
from django.conf import settings

from accounts.looks import unless_the_database_is_away
from analysis import (
    doorbell,
    heartbeats,
    heat_maps,
    in_hand,
    lanes,
    leases,
    lifecycle,
    retention,
    stopping,
    warm_models,
)
from analysis.watchdog import LoopWatch, may_claim, watchdog
from mlmodels import default_model, registry
from mlmodels.inference import converter
from mlmodels.inference.errors import ConversionStoppedError, EngineError
from mlmodels.inference.runtime import prepare_worker_process
from mlmodels.models import MLModel

logger = logging.getLogger(__name__)
ended_tasks = in_hand.EndedTasks()


class BackoffBell:
    """Rings when the first back-off of runs that were taken back is over; their next look would be seconds later."""

    def __init__(self) -> None:
        self.timer: Any = None  # of the parent's event loop, once it runs

    def set(self) -> None:
        if self.timer:
            self.timer.call_after(lifecycle.LONGEST_FIRST_DELAY_SECONDS, partial(doorbell.ring, lanes.own()))


backoff_bell = BackoffBell()


@unless_the_database_is_away("did not look after the queue")
def sweep() -> None:
    """Take back runs whose worker is gone and ring while anything waits. Harmless on any number of machines at once."""
    heartbeats.heart.beat()
    taken_back = take_back()
    if taken_back:
        logger.warning("took back %d runs that nobody works on any more", taken_back)
        backoff_bell.set()
    is_something_due = may_claim()
    is_something_to_do = is_something_due or heat_maps.is_something_waiting()
    retention.thin_out()
    watchdog.look(is_something_due)
    if settings.PULSE_FILE:
        Path(settings.PULSE_FILE).touch()
    if is_something_to_do:
        doorbell.ring(lanes.own())


def take_back() -> int:
    """Take back the runs of dead workers, of this one's tasks that ended without a word, and those over their lease."""
    dead = heartbeats.dead(judging_by_silence=heartbeats.heart.may_judge)
    running = {str(request.id) for request in state.active_requests}
    heat_maps.give_up_lost(dead, running)
    taken_back = leases.take_back_from(dead) if dead else 0
    if dead and taken_back < leases.AT_ONCE:
        heartbeats.forget(dead)
    if heartbeats.heart.may_judge:
        taken_back += leases.take_back_from_unknown_workers()
    return taken_back + ended_tasks.give_back(running) + leases.take_back_expired()


@celeryd_after_setup.connect
def listen(instance: Any, **_kwargs: Any) -> None:
    """Hear the doorbell of this worker's lane, and of chores unless it is kept free."""
    try:
        queues = lanes.own().queues
    except ValueError as error:  # Celery goes on after any other exception of ours
        logger.critical("%s", error)
        raise SystemExit(1) from None
    instance.app.amqp.queues.select(queues)


@worker_init.connect
def come_to_life(**_kwargs: Any) -> None:
    """Before the pool is forked, so that its children have a worker to speak for."""
    signal.signal(stopping.WAIT_FOR_NO_MODEL, signal.SIG_IGN)  # a child that does not listen yet survives it, too
    with suppress(db.Error):  # the sweep tries again
        heartbeats.heart.beat()
    db.connection.close()


@worker_ready.connect
def start_sweeping(sender: Any, **_kwargs: Any) -> None:
    loop_watch = LoopWatch(sender, settings.WATCHDOG_SECONDS)

    def turn() -> None:
        loop_watch.reset()
        sweep()

    backoff_bell.timer = sender.timer
    turn()
    sender.timer.call_repeatedly(settings.SWEEP_SECONDS, turn)
    loop_watch.start()


worker_shutting_down.connect(stopping.begin_to_stop)
worker_shutdown.connect(stopping.leave)


@task_failure.connect
def give_back_what_the_child_held(task_id: str, exception: BaseException, **_kwargs: Any) -> None:
    """Runs in the parent when a child was lost or killed at the hard limit, in the child when our code broke."""
    is_lost = isinstance(exception, WorkerLostError | TimeLimitExceeded)
    heat_maps.lose(task_id, heat_maps.WORKER_LOST if is_lost else heat_maps.INTERNAL_ERROR)
    given_back = in_hand.give_back(task_id)
    if given_back:
        logger.warning("gave back %d runs of a lost child: %s", given_back, exception)
        doorbell.ring(lanes.own())  # what waits beside them needs nobody's patience
        backoff_bell.set()


@worker_process_init.connect
def prepare_child(**_kwargs: Any) -> None:
    """Load a model before the first picture comes; one that cannot be loaded fails its runs, not us."""
    signal.signal(stopping.WAIT_FOR_NO_MODEL, converter.stop.ask)
    prepare_worker_process(threads=settings.INFERENCE_THREADS)
    key = settings.DEFAULT_MODEL
    with suppress(db.Error):
        key = _first_model()
    try:
        classifier = registry.engine().load(key)
        warm_models.note(key, execution=str(classifier.execution))
    except ConversionStoppedError:
        logger.warning("stopped while the default model was made ready; the next start begins that anew")
    except EngineError as error:
        logger.warning("the default model cannot be loaded: %s", error)
    with suppress(db.Error):
        heartbeats.note_claim()


def _first_model() -> str:
    """The model to have in memory from the beginning: the default one, unless this worker leaves it to others."""
    key, lane = default_model.key(), lanes.own()
    return next((model.key for model in MLModel.objects.offered() if lane.takes_model(model.key)), key)
