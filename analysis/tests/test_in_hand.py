"""What a task has in hand is noted with its claim, and given back when its process dies."""

import uuid
from collections.abc import Sequence
from functools import partial

import pytest
from django.db import DatabaseError

from accounts.models import User
from analysis import in_hand, lifecycle
from analysis.fencing import Claim
from analysis.models import AnalysisQueue, RunInHand
from analysis.states import QueueStatus
from images.models import Image
from images.tests.factories import queued_image
from mlmodels.models import MLModel


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    return queued_image(user=owner, model=model)


def claim_for(task_id: str) -> list[Claim]:
    return lifecycle.claim_batch(limit=1, before_commit=partial(in_hand.note, task_id))


def state(image: Image) -> tuple[str, int]:
    entry = AnalysisQueue.objects.get(image=image)
    return entry.status, entry.retry_count


def test_what_a_dead_task_held_is_given_back_once(image: Image) -> None:
    claim_for("task")

    assert (in_hand.give_back("task"), in_hand.give_back("task")) == (1, 0)
    assert state(image) == (QueueStatus.WAITING, 1)


def test_a_claim_that_is_not_committed_leaves_no_note(image: Image) -> None:
    def note_and_fail(claims: Sequence[Claim]) -> None:
        in_hand.note("task", claims)
        raise DatabaseError("the commit fails")

    with pytest.raises(DatabaseError):
        lifecycle.claim_batch(limit=1, before_commit=note_and_fail)

    assert state(image) == (QueueStatus.WAITING, 0)
    assert not RunInHand.objects.exists()


def test_a_task_gives_nothing_back_that_another_one_has_taken_since(image: Image) -> None:
    claim_for("first")
    in_hand.give_back("first")
    AnalysisQueue.objects.update(retry_count=0)  # no delay before the next claim
    claim_for("second")

    assert in_hand.give_back("first") == 0
    assert state(image) == (QueueStatus.PROCESSING, 0)


def test_a_task_that_finished_its_runs_has_nothing_to_give_back(image: Image) -> None:
    claims = claim_for("task")
    lifecycle.complete(dict.fromkeys(claims, ()))

    assert in_hand.give_back("task") == 0
    assert state(image) == (QueueStatus.COMPLETED, 0)


def test_runs_that_their_task_left_behind_are_given_back_on_the_second_look(image: Image) -> None:
    claim_for("task")
    ended_tasks = in_hand.EndedTasks()

    assert [ended_tasks.give_back(running) for running in ({"task"}, set(), {"task"}, set(), set(), set())] == [
        *(0, 0, 0, 0),  # running, or perhaps only just begun
        *(1, 0),
    ]
    assert state(image) == (QueueStatus.WAITING, 1)


def test_what_a_stopping_worker_hands_back_costs_no_retry_and_waits_for_nothing(image: Image) -> None:
    first = claim_for("task")

    assert in_hand.hand_back() == 1
    assert state(image) == (QueueStatus.WAITING, 0)
    second = claim_for("another task")
    assert lifecycle.complete(dict.fromkeys(first, ())) == []  # fenced off all the same
    assert lifecycle.complete(dict.fromkeys(second, ())) == second


def test_a_worker_hands_back_only_what_is_its_own(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    claim_for("task")
    monkeypatch.setattr(in_hand, "THIS_WORKER", uuid.uuid4())

    assert in_hand.hand_back() == 0
    assert state(image) == (QueueStatus.PROCESSING, 0)
