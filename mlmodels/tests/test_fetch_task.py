"""What a worker tells in the cache about a fetch, from servers that are slow, break off or have another file."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from billiard.exceptions import WorkerLostError
from celery import current_app
from django.conf import settings as django_settings
from django.core.cache import cache
from pytest_django import Settings

from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import Broker
from mlmodels import fetch_wording, fetches, fetching, tasks, worker
from mlmodels.fetches import FetchProgress
from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import ModelSpec, StoredWeights
from mlmodels.inference.errors import UnknownModelError
from mlmodels.partial_file import exclusive
from mlmodels.tests.weights_server import Answer, WeightsServer, name_of, seeded_bytes

CONTENT = seeded_bytes(200_000)
NOTHING_YET = {"done_bytes": 0, "total_bytes": None, "bytes_per_second": 0, "sentence": "", "code": ""}


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    with WeightsServer() as running:
        yield running


@pytest.fixture(autouse=True)
def cache_of_its_own(settings: Settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


@pytest.fixture
def resnet50(tmp_path: Path, settings: Settings) -> ModelSpec:
    settings.WEIGHTS_DIR = tmp_path / "weights"
    return replace(catalogue.find("resnet50:1.0.0"), weights=StoredWeights(name_of(CONTENT, "resnet50")))


def test_the_task_is_known_to_workers_and_has_time_for_a_slow_line() -> None:
    task = current_app.tasks[fetches.FETCH_WEIGHTS]

    assert task.time_limit > fetching.DEFAULT_PATIENCE.total_seconds > django_settings.CELERY_TASK_TIME_LIMIT


def test_nothing_is_known_of_a_fetch_that_nobody_asked_for() -> None:
    assert fetches.progress_of("resnet50:1.0.0") is None


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(UnknownModelError):
        tasks.fetch_weights("resnet50:9.9.9")


def told(key: str) -> FetchProgress:
    progress = fetches.progress_of(key)
    assert progress is not None
    return progress


def until_told(key: str, condition: Callable[[FetchProgress], bool]) -> FetchProgress:
    def is_told() -> bool:
        progress = fetches.progress_of(key)
        return progress is not None and condition(progress)

    until(is_told, lambda: f"told only {fetches.progress_of(key)}", seconds=20)
    return told(key)


@contextmanager
def fetching_from(address: str, spec: ModelSpec) -> Iterator[None]:
    """A worker that fetches; it has ended afterwards."""
    thread = Thread(target=fetches.take, args=[spec], kwargs={"address": address})
    thread.start()
    yield
    thread.join()


def test_a_fetch_ends_ready_with_all_its_bytes(server: WeightsServer, resnet50: ModelSpec) -> None:
    assert fetches.take(resnet50, address=server.publish("a.pth", CONTENT))

    progress = told(resnet50.key)
    assert (progress["state"], progress["sentence"], progress["code"]) == ("ready", "", "")
    assert progress["done_bytes"] == progress["total_bytes"] == len(CONTENT)


def test_a_fetch_from_a_slow_server_tells_how_far_it_is(server: WeightsServer, resnet50: ModelSpec) -> None:
    address = server.publish("a.pth", CONTENT, [Answer(stall_after_bytes=50_000)])
    with fetching_from(address, resnet50):
        progress = until_told(resnet50.key, lambda progress: progress["done_bytes"] == 50_000)
        assert (progress["state"], progress["total_bytes"]) == ("fetching", len(CONTENT))
        assert not fetches.request(resnet50.key)
        server.release.set()

    assert told(resnet50.key)["state"] == "ready"


def test_a_break_is_told_and_gone_on_from(server: WeightsServer, resnet50: ModelSpec) -> None:
    broken, silent = Answer(cut_after_bytes=50_000, reset=True), Answer(stall_after_bytes=0)
    address = server.publish("a.pth", CONTENT, [broken, silent])
    with fetching_from(address, resnet50):
        until_told(resnet50.key, lambda progress: "Trying again" in progress["sentence"])
        server.release.set()

    assert (told(resnet50.key)["state"], told(resnet50.key)["sentence"]) == ("ready", "")
    assert server.asked_ranges[0] == ""
    assert server.asked_ranges[1].startswith("bytes=")


@pytest.mark.parametrize(
    ("content", "answer", "code", "sentence"),
    [
        (CONTENT, Answer(status=404), "not_found", "does not exist"),
        (seeded_bytes(200_000, seed=2), Answer(), "wrong_hash", "is not the published file"),
    ],
)
def test_a_failure_says_why_and_leaves_no_file(
    server: WeightsServer, resnet50: ModelSpec, content: bytes, answer: Answer, code: str, sentence: str
) -> None:
    assert not fetches.take(resnet50, address=server.publish("a.pth", content, [answer]))

    assert (told(resnet50.key)["state"], told(resnet50.key)["code"]) == ("failed", code)
    assert sentence in told(resnet50.key)["sentence"]
    assert list(django_settings.WEIGHTS_DIR.iterdir()) == []
    assert fetch_wording.sentence(code) != fetch_wording.sentence(fetches.INTERNAL_ERROR)


def test_a_second_wish_leaves_the_report_of_the_first_alone(server: WeightsServer, resnet50: ModelSpec) -> None:
    address = server.publish("a.pth", CONTENT, [Answer(stall_after_bytes=50_000)])
    with fetching_from(address, resnet50):
        until_told(resnet50.key, lambda progress: progress["done_bytes"] == 50_000)
        assert not fetches.take(resnet50)
        assert told(resnet50.key)["state"] == "fetching"
        server.release.set()


def test_a_command_that_fetches_the_same_file_is_named(resnet50: ModelSpec) -> None:
    target = django_settings.WEIGHTS_DIR / resnet50.weights.file
    target.parent.mkdir()
    with exclusive(target, on_wait=None):
        fetches.take(resnet50)

    assert (told(resnet50.key)["state"], told(resnet50.key)["code"]) == ("failed", "busy")


def test_a_worker_that_died_is_missed_and_somebody_else_may_be_asked(broker: Broker, resnet50: ModelSpec) -> None:
    cache.set(fetches.progress_key(resnet50.key), {**NOTHING_YET, "state": "fetching"})

    assert (told(resnet50.key)["state"], told(resnet50.key)["code"]) == ("failed", fetches.WORKER_LOST)
    assert fetches.request(resnet50.key)
    assert (told(resnet50.key)["state"], told(resnet50.key)["code"]) == ("waiting", "")


def test_a_wish_that_no_worker_takes_up_says_so(resnet50: ModelSpec) -> None:
    cache.set(fetches.progress_key(resnet50.key), {**NOTHING_YET, "state": "waiting"})

    assert (told(resnet50.key)["state"], told(resnet50.key)["code"]) == ("waiting", fetches.NOBODY_CAME)


@pytest.mark.parametrize(("error", "code"), [(WorkerLostError(), "worker_lost"), (KeyError(), "internal_error")])
def test_a_task_that_ended_without_a_result_has_failed(
    broker: Broker, resnet50: ModelSpec, error: Exception, code: str
) -> None:
    fetches.request(resnet50.key)

    worker.fail_what_the_task_was_fetching(tasks.fetch_weights, exception=error, args=[resnet50.key])

    assert (told(resnet50.key)["state"], told(resnet50.key)["code"]) == ("failed", code)
    assert fetches.request(resnet50.key)


def test_every_code_of_a_failed_fetch_has_its_sentence() -> None:
    folder = Path(fetching.__file__).parent
    sources = [folder / name for name in ("download.py", "fetching.py", "partial_file.py")]
    codes = set(re.findall(r'FetchError\(\s*"(\w+)"', "".join(path.read_text() for path in sources)))
    by_the_command_only = {"not_in_folder", "unreadable", "packaged", "uploaded"}

    assert codes - by_the_command_only <= set(fetch_wording.SENTENCES)
    assert len(codes) > 10


def test_weights_come_also_when_nobody_can_be_told(
    server: WeightsServer, resnet50: ModelSpec, settings: Settings, tmp_path: Path
) -> None:
    away = f"unix://{tmp_path / 'no.sock'}"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": away}}
    assert fetches.take(resnet50, address=server.publish("a.pth", CONTENT))

    assert fetching.look_at(resnet50).state == fetching.State.READY
    assert fetches.progress_of(resnet50.key) is None
