"""Why am I waiting: how many are ahead and why, in a person's words, and until when."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone, translation
from pytest_django import Settings

from accounts.models import User
from accounts.tests.factories import UserFactory
from analysis import failures, lifecycle, pausing, presentation, warm_models
from analysis.models import AnalysisQueue
from analysis.presentation import Story
from analysis.states import Priority
from analysis.story_query import stories
from analysis.tests.queue import claim
from images.models import Image
from images.tests.factories import queued_image
from mlmodels.models import MLModel


@pytest.fixture(autouse=True)
def cache_of_its_own(settings: Settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()
    warm_models.note("efficientnet:1.0.0", loading_seconds=0.4)


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    return queued_image(user=owner, model=model)


def told(image: Image) -> Story:
    return presentation.story(stories().get(image=image))


def reason(image: Image) -> str | None:
    return told(image)["queue"]["reason"]


def test_who_is_first_is_next(image: Image) -> None:
    assert reason(image) == "You are next."


def test_the_parts_that_are_ahead_add_up_to_the_number(
    owner: User, other_user: User, model: MLModel, settings: Settings
) -> None:
    for priority in (Priority.URGENT, Priority.URGENT, Priority.HIGH):
        queued_image(user=other_user, model=model, priority=priority)
    queued_image(user=other_user, model=model)
    queued_image(user=owner, model=model)
    last = queued_image(user=owner, model=model)

    assert reason(last) == "5 pictures are ahead of you: 2 urgent, 1 with high priority, 1 from you, 1 from others."
    assert told(last)["queue"]["ahead"] == 5


def test_what_has_waited_long_is_told_to_be_ahead(
    image: Image, other_user: User, model: MLModel, settings: Settings
) -> None:
    low = queued_image(user=other_user, model=model, priority=Priority.LOW)
    AnalysisQueue.objects.filter(image=low).update(queued_at=timezone.now() - timedelta(hours=1))

    assert reason(image) == "1 picture is ahead of you: 1 that has waited long."
    assert reason(low) == "You are next."


def test_what_runs_is_told(image: Image, owner: User, model: MLModel) -> None:
    claim()
    waiting = queued_image(user=owner, model=model)

    assert reason(waiting) == "You are next. 1 is running."


def test_a_model_that_no_worker_has_in_memory_has_to_be_loaded_first(image: Image) -> None:
    cache.delete("model-warm:efficientnet:1.0.0")

    assert reason(image) == "You are next. The model has to be loaded first."
    assert warm_models.seconds_to_load("efficientnet:1.0.0") == 0.4
    warm_models.note("efficientnet:1.0.0")
    assert reason(image) == "You are next."


def test_without_a_cache_nothing_is_claimed_about_the_model(image: Image, settings: Settings) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "unix:///nowhere/broker.sock",
        }
    }
    warm_models.note("efficientnet:1.0.0", loading_seconds=0.4)

    assert reason(image) == "You are next."


def test_after_a_fault_it_says_when_it_is_tried_again(image: Image) -> None:
    lifecycle.retry([claim()], failures.WORKER_LOST)

    assert reason(image) in ("Trying again in about 1 s.", "Trying again in about 2 s.")


def test_in_a_pause_it_says_so_and_promises_nothing(image: Image, staff: User) -> None:
    pausing.pause(by=staff)
    story = told(image)

    assert story["queue"]["reason"] == "The queue is paused; your pictures wait and nothing is lost."
    assert story["queue"]["is_paused"] is True
    assert story["progress"]["estimated_completion"] is None


def test_it_is_said_in_japanese(image: Image, owner: User, model: MLModel) -> None:
    later = queued_image(user=owner, model=model)

    with translation.override("ja"):
        assert reason(later) == "前に 1 枚あります（あなたの画像 1 枚）。"  # noqa: RUF001


def test_a_page_asks_less_often_the_more_are_ahead(owner: User, model: MLModel) -> None:
    entry = AnalysisQueue(status="waiting", queued_at=timezone.now())
    intervals = [presentation.next_poll_ms(entry, ahead=ahead) or 0 for ahead in (0, 100, 1000, 10**6)]

    assert intervals == sorted(set(intervals))
    assert (intervals[0], intervals[-1]) == (700, 15000)


def test_a_page_asks_less_often_the_older_the_run_is() -> None:
    ages = [timedelta(seconds=seconds) for seconds in (0, 5, 10, 60)]
    intervals = [
        presentation.next_poll_ms(AnalysisQueue(status="waiting", queued_at=timezone.now() - age)) for age in ages
    ]

    assert intervals == [700, 1000, 2000, 5000]


def test_many_people_are_counted_as_others(image: Image, model: MLModel) -> None:
    for _ in range(3):
        queued_image(user=UserFactory.create(), model=model, priority=Priority.NORMAL)
    last = stories().order_by("position", "pk").last()

    assert last is not None
    assert presentation.story(last)["queue"]["reason"] == "3 pictures are ahead of you: 3 from others."
