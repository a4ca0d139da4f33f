"""Fetches of weights by workers: asked for by staff, done by one worker each, told in the shared cache meanwhile.

    waiting ── a worker begins ──> fetching ──> ready | failed        every one that nobody is at may be asked for again

The cache carries words for people and no truth: whether weights are here the folder says, and who may fetch them a lock
beside the file (`partial_file.exclusive`). Under a key of its own stands the sign of life of whoever is at it; it
vanishes by itself soon after a worker that was killed.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from types import TracebackType
from typing import Literal, Self, TypedDict

from celery import current_app
from django.core.cache import cache
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from mlmodels import fetching
from mlmodels.fetching import FetchError
from mlmodels.inference.catalogue import ModelSpec

FETCH_WEIGHTS = "mlmodels.fetch_weights"
WORKER_LOST, NOBODY_CAME, INTERNAL_ERROR = "worker_lost", "nobody_came", "internal_error"
# A wish that no worker has taken up for so long may be made again; one made twice brings the file once.
ASKED_SECONDS = 60
BEAT_SECONDS = 1.0
ALIVE_SECONDS = 15
KEEP_SECONDS = 24 * 3600

logger = logging.getLogger(__name__)


class FetchProgress(TypedDict):
    """The value under `progress_key(name:version)`; `sentence` is the last notice, or why it failed (`code`)."""

    state: Literal["waiting", "fetching", "ready", "failed"]
    done_bytes: int
    total_bytes: int | None
    bytes_per_second: float
    sentence: str
    code: str


def progress_key(key: str) -> str:
    """The key in Django's default cache of the progress of the model `name:version`."""
    return f"fetch-weights:{key}"


def alive_key(key: str) -> str:
    """The key that is there while somebody is at the fetch, or has asked for it a moment ago."""
    return f"fetch-weights-alive:{key}"


def progress_of(key: str) -> FetchProgress | None:
    """How far the fetch of `name:version` is, or how it ended within the last day; None when nothing is known.

    One that its worker has left has failed with the code WORKER_LOST; one that still waits for a worker has the code
    NOBODY_CAME once that takes longer than it should.
    """
    with _cache_may_be_away():
        found = cache.get_many([progress_key(key), alive_key(key)])
        progress: FetchProgress | None = found.get(progress_key(key))
        if progress and alive_key(key) not in found:
            _say_who_is_missing(progress)
        return progress
    return None


def _say_who_is_missing(progress: FetchProgress) -> None:
    if progress["state"] == "waiting":
        progress["code"] = NOBODY_CAME
    elif progress["state"] == "fetching":
        progress["state"], progress["code"], progress["sentence"] = "failed", WORKER_LOST, ""


def request(key: str) -> bool:
    """Have a worker fetch the weights of `name:version`; False while one is at it or was asked a moment ago.

    Raises kombu's OperationalError when the broker does not answer.
    """
    with _cache_may_be_away():
        if not cache.add(alive_key(key), "asked", timeout=ASKED_SECONDS):
            return False
        cache.set(progress_key(key), _nothing_yet("waiting"), timeout=KEEP_SECONDS)
    try:
        current_app.send_task(FETCH_WEIGHTS, [key])
    except OperationalError:
        with _cache_may_be_away():
            cache.delete_many([progress_key(key), alive_key(key)])
        raise
    return True


def take(spec: ModelSpec, *, address: str = "") -> bool:
    """Fetch, telling how far it is and how it ended; whether the weights are here now.

    Does not wait for another process that fetches them. `address` stands in for upstream's.
    """
    with _Report(spec.key) as report:
        try:
            fetching.fetch(
                spec,
                on_begin=report.begin,
                on_progress=report.show,
                on_notice=report.say,
                wait=False,
                address=address,
            )
        except FetchError as error:
            logger.warning("weights of %s not fetched: %s", spec.key, error)
            report.end("failed", sentence=str(error), code=error.code)
            return False
        report.end("ready")
        return True


def lose(key: str, code: str) -> None:
    """The worker that fetched `name:version` has ended without a result."""
    with _cache_may_be_away():
        progress: FetchProgress | None = cache.get(progress_key(key))
        if progress and progress["state"] in ("waiting", "fetching"):
            lost = FetchProgress(**{**progress, "state": "failed", "sentence": "", "code": code})
            cache.set(progress_key(key), lost, timeout=KEEP_SECONDS)
            cache.delete(alive_key(key))


def _nothing_yet(state: Literal["waiting", "fetching"]) -> FetchProgress:
    return FetchProgress(state=state, done_bytes=0, total_bytes=None, bytes_per_second=0, sentence="", code="")


class _Report:
    """Tells how far one fetch is: every second, also while its server is silent, so that it is known to live."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.progress = _nothing_yet("fetching")
        self.first: tuple[float, int] | None = None
        self.has_ended = Event()
        self.beating = Thread(target=self._beat, name=f"progress of {key}", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def begin(self) -> None:
        """From now on this process alone fetches."""
        self._write()
        self.beating.start()

    def show(self, done_bytes: int, total_bytes: int | None) -> None:
        now = time.monotonic()
        began_at, began_bytes = self.first = self.first or (now, done_bytes)
        rate = (done_bytes - began_bytes) / max(now - began_at, BEAT_SECONDS)
        self.progress |= {"done_bytes": done_bytes, "total_bytes": total_bytes, "bytes_per_second": rate}
        self.progress["sentence"] = ""

    def say(self, sentence: str) -> None:
        self.progress["sentence"] = sentence

    def end(self, state: Literal["ready", "failed"], *, sentence: str = "", code: str = "") -> None:
        self._stop()
        if code == "busy" and self._somebody_tells():
            return
        self.progress |= {"state": state, "sentence": sentence, "code": code}
        with _cache_may_be_away():
            cache.set(progress_key(self.key), self.progress, timeout=KEEP_SECONDS)
            cache.delete(alive_key(self.key))

    def _somebody_tells(self) -> bool:
        progress = progress_of(self.key)
        return progress is not None and progress["state"] == "fetching"

    def _stop(self) -> None:
        self.has_ended.set()
        if self.beating.is_alive():
            self.beating.join()

    def _beat(self) -> None:
        while not self.has_ended.wait(BEAT_SECONDS):
            self._write()

    def _write(self) -> None:
        with _cache_may_be_away():
            cache.set(progress_key(self.key), self.progress, timeout=KEEP_SECONDS)
            cache.set(alive_key(self.key), "fetching", timeout=ALIVE_SECONDS)


@contextmanager
def _cache_may_be_away() -> Iterator[None]:
    """Then nobody sees the progress, but the weights come."""
    try:
        yield
    except RedisError as error:
        logger.warning("nobody can be told how far weights are: %s", error)
