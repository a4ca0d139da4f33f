"""The more pages watch, the longer each waits; together they stay within what the machine can spare."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from images.models import Image
from images.tests.factories import queued_image
from images.tests.uploads import JSON
from images.watchers import LONGEST_MS, SEEN_SECONDS, Watchers
from mlmodels.models import MLModel

pytestmark = pytest.mark.usefixtures("thirty_polls_a_second")


@pytest.fixture
def thirty_polls_a_second(settings: Settings) -> None:
    settings.POLLS_PER_SECOND = 30


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    return queued_image(user=owner, model=model)


def test_all_watchers_together_ask_as_often_as_the_setting_allows() -> None:
    many = Watchers()

    told_ms = [many.wait_ms(page, now=page / 1000) for page in range(600)]

    assert told_ms[0] == 33
    assert told_ms[-1] == 20_000  # 600 pages, each once in 20 seconds: 30 a second


def test_a_page_that_asks_again_counts_once() -> None:
    many = Watchers()

    assert {many.wait_ms("the same", now=moment / 10) for moment in range(50)} == {33}


def test_pages_that_were_closed_are_forgotten() -> None:
    many = Watchers()
    for page in range(300):
        many.wait_ms(page, now=0)

    assert many.wait_ms("late", now=1) == 10_033
    assert many.wait_ms("late", now=SEEN_SECONDS + 2) == 33


def test_nobody_is_told_to_wait_for_longer_than_a_page_is_remembered() -> None:
    many = Watchers()

    assert max(many.wait_ms(page, now=0) for page in range(5000)) == LONGEST_MS < SEEN_SECONDS * 1000


def crowd(count: int) -> Watchers:
    many = Watchers()
    for page in range(count):
        many.wait_ms(page)
    return many


def test_a_timeline_waits_longer_where_many_watch(
    owner_client: Client, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/images/{image.pk}/timeline/"
    monkeypatch.setattr("images.story_views.watchers", Watchers())
    alone = owner_client.get(address, headers=JSON).json()["next_poll_ms"]
    monkeypatch.setattr("images.story_views.watchers", crowd(400))

    among_many = owner_client.get(address, headers=JSON).json()["next_poll_ms"]

    assert (alone, among_many) == (700, 15_000)  # 401 pages by 30 a second are 13.4 seconds: the next step


def test_a_gallery_waits_longer_where_many_watch(
    owner_client: Client, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("images.views.watchers", crowd(400))

    page = owner_client.get(f"/images/live/?ids={image.pk}").content.decode()

    assert "delay:13367ms" in page


def test_an_answer_without_news_carries_only_what_it_must(owner_client: Client, image: Image) -> None:
    address = f"/images/{image.pk}/timeline/"
    etag = owner_client.get(address, headers=JSON).headers["ETag"]

    answer = owner_client.get(address, headers={**JSON, "if-none-match": etag})

    assert answer.status_code == 304
    assert set(answer.headers) == {"ETag", "Vary", "Cache-Control"}
    assert "private" in answer.headers["Cache-Control"]
