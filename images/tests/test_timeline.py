"""The story of one picture, as the page and programs poll it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from analysis import lifecycle, wording
from analysis.failures import BY_CODE, WORKER_LOST
from analysis.models import AnalysisQueue, ProgressLog
from analysis.states import Priority, Stage
from analysis.tests.queue import claim
from images.models import Image
from images.tests.factories import queued_image
from images.tests.uploads import JSON
from mlmodels.inference.classifier import Prediction
from mlmodels.models import MLModel

LABELS = [Prediction("espresso", 93.256), Prediction("cup", 3.1)]
STEP = {"name", "title", "description", "status", "icon", "color", "at"}


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    return queued_image(user=owner, model=model)


def story(client: Client, image: Image) -> dict[str, Any]:
    answer = client.get(f"/images/{image.pk}/timeline/", headers=JSON)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    return answer.json()


def of_steps(told: dict[str, Any], key: str) -> list[Any]:
    return [step[key] for step in told["steps"]]


def test_a_waiting_picture_tells_exactly_this(owner_client: Client, image: Image) -> None:
    told = story(owner_client, image)
    steps, next_poll_ms = told.pop("steps"), told.pop("next_poll_ms")

    assert told == {
        "id": image.pk,
        "status": "uploaded",
        "queue": {
            "status": "waiting",
            "position": 1,
            "ahead": 0,
            "reason": "You are next.",
            "is_paused": False,
            "is_taken": True,
            "priority": "normal",
            "retry_count": 0,
            "retry_reason": None,
        },
        "progress": {
            "percentage": 0,
            "stage": "waiting",
            "description": "Waiting for a free worker.",
            "estimated_completion": None,
            "estimated_seconds": None,
            "estimate": None,
        },
        "results": [],
        "error": None,
    }
    assert [set(step) for step in steps] == [STEP] * 3
    assert [step["name"] for step in steps] == ["upload", "analysis", "completion"]
    assert [step["status"] for step in steps] == ["done", "pending", "pending"]
    assert datetime.fromisoformat(steps[0]["at"]).utcoffset() is not None
    assert [step["at"] for step in steps[1:]] == [None, None]
    assert isinstance(next_poll_ms, int)
    assert next_poll_ms > 0


def test_a_running_picture_tells_its_stage_and_percentage(owner_client: Client, image: Image) -> None:
    percentage, description = wording.STAGES[Stage.MODEL_EXECUTION]
    lifecycle.advance([claim()], Stage.MODEL_EXECUTION, percentage=percentage, description=description)

    told = story(owner_client, image)

    assert (told["status"], told["queue"]["status"]) == ("analyzing", "processing")
    assert (told["progress"]["stage"], told["progress"]["percentage"]) == ("model_execution", percentage)
    assert told["progress"]["description"] == description
    assert of_steps(told, "status") == ["done", "active", "pending"]
    assert told["next_poll_ms"] is not None


def test_a_finished_picture_tells_its_labels_and_needs_no_more_polls(owner_client: Client, image: Image) -> None:
    lifecycle.complete({claim(): LABELS})

    told = story(owner_client, image)

    assert told["results"] == [
        {"model_name": "efficientnet", "model_version": "1.0.0", "label": "espresso", "confidence": 93.26, "rank": 1},
        {"model_name": "efficientnet", "model_version": "1.0.0", "label": "cup", "confidence": 3.1, "rank": 2},
    ]
    assert (told["status"], told["queue"]["status"]) == ("success", "completed")
    assert (told["progress"]["percentage"], told["progress"]["stage"]) == (100, "completed")
    assert of_steps(told, "status") == ["done", "done", "done"]
    assert all(of_steps(told, "at"))
    assert told["next_poll_ms"] is None


def test_a_failed_picture_tells_why_and_needs_no_more_polls(owner_client: Client, image: Image) -> None:
    lifecycle.fail([claim()], BY_CODE["damaged"], detail="a technical detail for staff")

    told = story(owner_client, image)

    assert (told["status"], told["queue"]["status"]) == ("failed", "failed")
    assert told["error"] == BY_CODE["damaged"].message
    assert of_steps(told, "status") == ["done", "failed", "failed"]
    assert told["next_poll_ms"] is None
    assert "technical detail" not in str(told)


def test_a_cancelled_picture_needs_no_more_polls(owner_client: Client, image: Image) -> None:
    lifecycle.cancel(image_id=image.pk)

    told = story(owner_client, image)

    assert (told["status"], told["queue"]["status"]) == ("uploaded", "cancelled")
    assert of_steps(told, "status") == ["done", "cancelled", "cancelled"]
    assert told["next_poll_ms"] is None


def test_a_picture_that_went_back_to_the_queue_says_so(owner_client: Client, image: Image) -> None:
    lifecycle.retry([claim()], WORKER_LOST)

    told = story(owner_client, image)

    assert (told["status"], told["queue"]["status"], told["queue"]["retry_count"]) == ("uploaded", "waiting", 1)
    assert told["progress"]["description"] == WORKER_LOST.message
    assert told["next_poll_ms"] is not None


def test_ahead_counts_what_is_served_before_and_names_nobody(
    owner_client: Client, image: Image, other_user: User, model: MLModel
) -> None:
    queued_image(user=other_user, model=model, priority=Priority.HIGH, name="a secret.png")
    queued_image(user=other_user, model=model, priority=Priority.LOW)

    told = story(owner_client, image)

    assert told["queue"]["ahead"] == 1
    assert "secret" not in str(told)


def test_sentences_come_in_the_language_of_the_asker(owner_client: Client, image: Image) -> None:
    japanese = owner_client.get(f"/images/{image.pk}/timeline/", headers={**JSON, "accept-language": "ja"}).json()

    assert not any(title.isascii() for title in of_steps(japanese, "title"))
    assert not japanese["progress"]["description"].isascii()
    assert of_steps(japanese, "name") == ["upload", "analysis", "completion"]


def test_the_fragment_polls_while_unfinished_and_not_after(owner_client: Client, image: Image) -> None:
    address = f"/images/{image.pk}/timeline/"
    fragment = owner_client.get(address, headers={"hx-request": "true"}).content.decode()
    assert f'hx-get="{address}"' in fragment
    assert "<html" not in fragment

    lifecycle.complete({claim(): LABELS})

    fragment = owner_client.get(address, headers={"hx-request": "true"}).content.decode()
    assert "hx-get" not in fragment
    assert "espresso" in fragment


@pytest.mark.parametrize("headers", [JSON, {"hx-request": "true"}])
def test_a_poll_costs_a_few_queries_however_long_the_queue_and_the_history(
    headers: dict[str, str], owner_client: Client, image: Image, other_user: User, model: MLModel
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            owner_client.get(f"/images/{image.pk}/timeline/", headers=headers)
        return len(captured)

    at_first = queries()
    for _ in range(5):
        queued_image(user=other_user, model=model)
    AnalysisQueue.objects.filter(image=image).update(retry_count=1)
    for percentage in range(5):
        lifecycle.advance([claim()], Stage.PREPROCESSING, percentage=percentage, description="")

    assert queries() <= at_first <= 3


@pytest.mark.parametrize("headers", [JSON, {"hx-request": "true"}])
def test_a_poll_that_would_say_the_same_is_answered_with_304(
    headers: dict[str, str], owner_client: Client, image: Image
) -> None:
    address = f"/images/{image.pk}/timeline/"
    owner_client.get(image.get_absolute_url())  # brings the form's cookie
    first = owner_client.get(address, headers=headers)
    known = {**headers, "if-none-match": first["ETag"]}

    again = owner_client.get(address, headers=known)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])

    claim()
    changed = owner_client.get(address, headers=known)
    assert (changed.status_code, changed["ETag"] == first["ETag"]) == (200, False)


def test_no_two_kinds_of_answers_share_an_etag(owner_client: Client, image: Image) -> None:
    address = f"/images/{image.pk}/timeline/"
    kinds = [JSON, {"hx-request": "true"}, {}, {**JSON, "accept-language": "ja"}]

    assert len({owner_client.get(address, headers=headers)["ETag"] for headers in kinds}) == len(kinds)


def test_a_picture_is_not_shown_as_processing_for_longer_than_the_lease(
    owner_client: Client, image: Image, settings: Settings
) -> None:
    held = claim()
    long_ago = held.started_at - timedelta(seconds=settings.LEASE_SECONDS + 1)
    AnalysisQueue.objects.update(started_at=long_ago, queued_at=long_ago)
    assert story(owner_client, image)["queue"]["status"] == "processing"  # heard of a moment ago

    ProgressLog.objects.update(timestamp=long_ago)

    told = story(owner_client, image)
    assert (told["queue"]["status"], told["queue"]["retry_count"]) == ("waiting", 1)
    assert told["progress"]["description"] == WORKER_LOST.message


def test_times_and_percentages_of_the_log_only_go_up_inside_a_run(owner_client: Client, image: Image) -> None:
    lifecycle.retry([claim()], WORKER_LOST)
    held = claim()
    for stage in (Stage.PREPROCESSING, Stage.MODEL_EXECUTION, Stage.POSTPROCESSING):
        percentage, description = wording.STAGES[stage]
        lifecycle.advance([held], stage, percentage=percentage, description=description)
    lifecycle.complete({held: LABELS})

    log = list(ProgressLog.objects.filter(image=image).order_by("pk").values_list("timestamp", "progress_percentage"))
    assert [moment for moment, _percentage in log] == sorted(moment for moment, _percentage in log)
    percentages = [percentage for _moment, percentage in log]
    assert percentages == [0, *sorted(percentages[1:])]  # the first run was taken, the second began anew and ended
    assert percentages[-1] == 100
