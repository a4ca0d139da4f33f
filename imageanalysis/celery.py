"""The Celery application; what a worker does with the queue is wired up in `analysis.worker`."""

import logging.config
import os
from typing import Any

from celery import Celery, Task, current_task
from celery.signals import (
    before_task_publish,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
    worker_process_init,
)
from django.conf import settings
from django.db import connections

from imageanalysis import lifeline, logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "imageanalysis.settings")

app = Celery("imageanalysis")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(related_name="worker")


@setup_logging.connect
def log_as_the_settings_say(**_kwargs: Any) -> None:
    """Celery would have a level and a form of its own."""
    logging.config.dictConfig(settings.LOGGING)


@before_task_publish.connect
def name_the_request(headers: dict[str, Any], **_kwargs: Any) -> None:
    """What a request has a worker do is logged there under the request's id; what a worker asks for is nobody's."""
    if (current := logs.request_id.get()) and not current_task:
        headers["request_id"] = current


@task_prerun.connect
def log_for_the_request(task: Task, **_kwargs: Any) -> None:
    logs.request_id.set(task.request.get("request_id") or "")


@task_postrun.connect
def log_for_nobody(**_kwargs: Any) -> None:
    logs.request_id.set("")


worker_pid = os.getpid()  # a child has it from its worker


@worker_init.connect
def prepare_to_fork(**_kwargs: Any) -> None:
    """A child that inherits a connection to the database would take the answers to its worker's questions."""
    global worker_pid
    worker_pid = os.getpid()
    os.register_at_fork(before=let_go_of_databases)


def let_go_of_databases() -> None:
    if os.getpid() == worker_pid:
        connections.close_all()


@worker_process_init.connect
def die_with_worker(**_kwargs: Any) -> None:
    """A child whose worker was killed would go on with a run that others have taken back."""
    lifeline.die_with_parent(worker_pid)
