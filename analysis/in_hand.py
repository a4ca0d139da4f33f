"""A note of what each task has in hand, so that a worker whose child died gives its runs back at once.

The note lies in the shared cache and is a matter of speed only: without it the runs are taken back when their lease is
over.
"""

import logging
from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from analysis import lifecycle
from analysis.failures import WORKER_LOST
from analysis.fencing import Claim

logger = logging.getLogger(__name__)


def _key(task_id: str) -> str:
    return f"in-hand:{task_id}"


def _written(claim: Claim) -> list[Any]:
    return [value.isoformat() if isinstance(value, datetime) else value for value in astuple(claim)]


def _read(note: list[Any]) -> Claim:
    queue_id, image_id, model_key, started_at, retry_count = note
    return Claim(queue_id, image_id, model_key, datetime.fromisoformat(started_at), retry_count)


def note(task_id: str, claims: Sequence[Claim]) -> None:
    """Note the claims of a task; call it before they are committed, so that no death falls between the two."""
    try:
        cache.set(_key(task_id), [_written(claim) for claim in claims], timeout=settings.LEASE_SECONDS)
    except RedisError as error:
        logger.warning("could not note what is in hand: %s", error)


def forget(task_id: str) -> None:
    """The task has handed all its runs on."""
    try:
        cache.delete(_key(task_id))
    except RedisError as error:
        logger.warning("could not remove the note of what was in hand: %s", error)


def give_back(task_id: str) -> int:
    """Take back the runs of a task whose process died; returns how many were still its own."""
    try:
        notes = cache.get(_key(task_id))
    except RedisError as error:
        logger.warning("could not read what was in hand: %s", error)
        return 0
    return len(lifecycle.retry([_read(note) for note in notes], WORKER_LOST)) if notes else 0
