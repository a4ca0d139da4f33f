"""What workers do for models: fetch weights, with progress in the shared cache for whoever asks, and take exams."""

import logging
import time
from typing import Literal, TypedDict

from celery import Task, shared_task
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from mlmodels import added_specs, exams, fetching
from mlmodels.fetching import DEFAULT_PATIENCE, FetchError
from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.models import EXAM_GRACE_SECONDS

FETCH_WEIGHTS = "mlmodels.fetch_weights"
WRITE_SECONDS = 0.5
# Longer than a living download is ever silent, so that what a killed worker left behind does not look alive for ever.
KEEP_FETCHING_SECONDS = 180
KEEP_ENDED_SECONDS = 24 * 3600

logger = logging.getLogger(__name__)


class FetchProgress(TypedDict):
    """The value under `progress_key(name:version)`; `sentence` is the last notice, or why it failed (`code`)."""

    state: Literal["fetching", "ready", "failed"]
    done_bytes: int
    total_bytes: int | None
    sentence: str
    code: str


def progress_key(key: str) -> str:
    """The key in Django's default cache of the progress of the model `name:version`."""
    return f"fetch-weights:{key}"


def progress_of(key: str) -> FetchProgress | None:
    """How far the fetch of `name:version` is, or how it ended within the last day; None when nothing is known."""
    try:
        progress: FetchProgress | None = cache.get(progress_key(key))
    except RedisError as error:
        logger.warning("could not read how far the weights of %s are: %s", key, error)
        return None
    return progress


# A message carries these limits: the one of a batch of pictures would end a download after two minutes.
@shared_task(name=FETCH_WEIGHTS, time_limit=int(DEFAULT_PATIENCE.total_seconds) + 600)
def fetch_weights(key: str) -> None:
    """Bring the weights of the model `name:version` to this worker's machine, and have them loaded once.

    Raises UnknownModelError.
    """
    if fetch_and_report(catalogue.find(key)):
        exams.prepare(key)


@shared_task(name=exams.TAKE_EXAM, bind=True, time_limit=settings.MODEL_EXAM_SECONDS + EXAM_GRACE_SECONDS)
def take_exam(self: Task, model_id: int) -> None:
    """Take a model's exam on this worker's machine."""
    exams.take(model_id, task_id=str(self.request.id))
    added_specs.tidy_up()


def fetch_and_report(spec: ModelSpec, *, address: str = "") -> bool:
    """Fetch without waiting for another process, and leave in the cache how far it is and how it ended.

    Whether the weights are here now.
    """
    report = _Report(spec.key)
    try:
        fetching.fetch(spec, on_progress=report.show, on_notice=report.say, wait=False, address=address)
    except FetchError as error:
        logger.warning("weights of %s not fetched: %s", spec.key, error)
        if error.code != "busy":  # whoever fetches them reports
            report.end("failed", sentence=str(error), code=error.code)
        return False
    report.end("ready")
    return True


class _Report:
    """Writes the progress of one fetch, not more often than people look."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.next_at = 0.0
        self.progress = FetchProgress(state="fetching", done_bytes=0, total_bytes=None, sentence="", code="")

    def show(self, done_bytes: int, total_bytes: int | None) -> None:
        self.progress["done_bytes"], self.progress["total_bytes"] = done_bytes, total_bytes
        if time.monotonic() >= self.next_at:
            self.next_at = time.monotonic() + WRITE_SECONDS
            self._write(KEEP_FETCHING_SECONDS)

    def say(self, sentence: str) -> None:
        self.progress["sentence"] = sentence
        self._write(KEEP_FETCHING_SECONDS)

    def end(self, state: Literal["ready", "failed"], *, sentence: str = "", code: str = "") -> None:
        self.progress["state"], self.progress["sentence"], self.progress["code"] = state, sentence, code
        self._write(KEEP_ENDED_SECONDS)

    def _write(self, keep_seconds: int) -> None:
        try:
            cache.set(progress_key(self.key), self.progress, timeout=keep_seconds)
        except RedisError as error:  # nobody sees the progress, but the weights come
            logger.warning("could not say how far the weights of %s are: %s", self.key, error)
