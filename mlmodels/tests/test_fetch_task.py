"""What a worker leaves in the cache about a fetch."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings as django_settings
from django.core.cache import cache
from pytest_django import Settings

from mlmodels import fetching, tasks
from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import ModelSpec, StoredWeights
from mlmodels.inference.errors import UnknownModelError
from mlmodels.partial_file import exclusive
from mlmodels.tests.weights_server import Answer, WeightsServer, name_of, seeded_bytes

CONTENT = seeded_bytes(200_000)


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
    task = current_app.tasks[tasks.FETCH_WEIGHTS]

    assert task.time_limit > fetching.DEFAULT_PATIENCE.total_seconds > django_settings.CELERY_TASK_TIME_LIMIT


def test_nothing_is_known_of_a_fetch_that_nobody_asked_for() -> None:
    assert tasks.progress_of("resnet50:1.0.0") is None


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(UnknownModelError):
        tasks.fetch_weights("resnet50:9.9.9")


def test_a_fetch_ends_ready_with_all_its_bytes(server: WeightsServer, resnet50: ModelSpec) -> None:
    tasks.fetch_and_report(resnet50, address=server.publish("a.pth", CONTENT))

    assert tasks.progress_of(resnet50.key) == {
        "state": "ready",
        "done_bytes": len(CONTENT),
        "total_bytes": len(CONTENT),
        "sentence": "",
        "code": "",
    }


def test_a_fetch_under_way_tells_how_far_it_is(server: WeightsServer, resnet50: ModelSpec) -> None:
    report = tasks._Report(resnet50.key)
    report.show(50_000, 200_000)
    report.say("The connection broke.")

    assert tasks.progress_of(resnet50.key) == {
        "state": "fetching",
        "done_bytes": 50_000,
        "total_bytes": 200_000,
        "sentence": "The connection broke.",
        "code": "",
    }


def test_a_failure_says_why(server: WeightsServer, resnet50: ModelSpec) -> None:
    tasks.fetch_and_report(resnet50, address=server.publish("a.pth", CONTENT, [Answer(status=404)]))

    progress = tasks.progress_of(resnet50.key)
    assert progress is not None
    assert (progress["state"], progress["code"]) == ("failed", "not_found")
    assert "does not exist" in progress["sentence"]


def test_a_second_click_leaves_the_report_of_the_first_alone(resnet50: ModelSpec) -> None:
    target = django_settings.WEIGHTS_DIR / resnet50.weights.file
    target.parent.mkdir()
    tasks._Report(resnet50.key).show(50_000, 200_000)
    with exclusive(target, on_wait=None):
        tasks.fetch_and_report(resnet50)

    progress = tasks.progress_of(resnet50.key)
    assert progress is not None
    assert (progress["state"], progress["done_bytes"]) == ("fetching", 50_000)


def test_weights_come_also_when_nobody_can_be_told(
    server: WeightsServer, resnet50: ModelSpec, settings: Settings, tmp_path: Path
) -> None:
    away = f"unix://{tmp_path / 'no.sock'}"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": away}}
    tasks.fetch_and_report(resnet50, address=server.publish("a.pth", CONTENT))

    assert fetching.look_at(resnet50).state == fetching.State.READY
    assert tasks.progress_of(resnet50.key) is None
