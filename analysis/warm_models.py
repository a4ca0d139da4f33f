"""Which models some worker has in memory, and how long loading took: notes in the shared cache, best effort."""

import logging
import uuid
from collections.abc import Collection

from django.core.cache import cache
from redis.exceptions import RedisError

from analysis.heartbeats import THIS_WORKER

# A worker keeps the models that it uses; what nobody used for so long may have had to go, or its worker has ended.
WARM_SECONDS = 3600
REMEMBERED_SECONDS = 30 * 24 * 3600

logger = logging.getLogger(__name__)


def note(model_key: str, *, loading_seconds: float | None = None, execution: str = "") -> None:
    """This worker has the model in memory and runs it as `execution` says.

    `loading_seconds` is what loading took, if it was loaded just now.
    """
    try:
        notes = {_warm(model_key): True, _of_worker(THIS_WORKER, model_key): execution}
        cache.set_many(notes, timeout=WARM_SECONDS)
        if loading_seconds is not None:
            cache.set(_took(model_key), round(loading_seconds, 3), timeout=REMEMBERED_SECONDS)
    except RedisError as error:
        logger.warning("could not note that %s is loaded: %s", model_key, error)


def seconds_to_load(model_key: str) -> float | None:
    """How long loading this model will take, as it took last (0 when that is not known); None when it is loaded.

    Also None when the cache does not answer: nothing is claimed that nobody knows. One look-up in the cache.
    """
    try:
        notes = cache.get_many([_warm(model_key), _took(model_key)])
    except RedisError:  # every poll would write a line
        return None
    return None if _warm(model_key) in notes else float(notes.get(_took(model_key), 0))


def of_workers(workers: Collection[uuid.UUID], model_keys: Collection[str]) -> dict[uuid.UUID, dict[str, str]] | None:
    """Which of these models each worker has in memory, and how it runs them; None when the cache does not answer.

    One look-up in the cache.
    """
    asked = {_of_worker(worker, key): (worker, key) for worker in workers for key in model_keys}
    try:
        notes = cache.get_many(asked)
    except RedisError:
        return None
    found: dict[uuid.UUID, dict[str, str]] = {worker: {} for worker in workers}
    for name, execution in notes.items():
        worker, key = asked[name]
        found[worker][key] = execution
    return found


def _warm(model_key: str) -> str:
    return f"model-warm:{model_key}"


def _of_worker(worker: uuid.UUID, model_key: str) -> str:
    return f"model-warm:{model_key}:{worker}"


def _took(model_key: str) -> str:
    return f"model-loading-seconds:{model_key}"
