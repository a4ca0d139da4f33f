"""What a task has in hand is given back when its process dies, from a note that cannot be made to run anything."""

import os
import pickle
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError

from accounts.models import User
from analysis import in_hand, lifecycle
from analysis.fencing import Claim
from analysis.models import AnalysisQueue
from analysis.states import QueueStatus
from imageanalysis.tests.servers import Broker
from images.tests.factories import queued_image
from mlmodels.models import MLModel


def test_without_a_broker_work_goes_on(db: None) -> None:
    in_hand.note("task", [])
    in_hand.forget("task")
    assert in_hand.give_back("task") == 0


def test_what_a_dead_task_held_is_given_back_once(broker: Broker, owner: User, model: MLModel) -> None:
    image = queued_image(user=owner, model=model)
    lifecycle.claim_batch(limit=1, before_commit=partial(in_hand.note, "task"))

    assert (in_hand.give_back("task"), in_hand.give_back("task")) == (1, 0)
    entry = AnalysisQueue.objects.get(image=image)
    assert (entry.status, entry.retry_count) == (QueueStatus.WAITING, 1)


def test_the_note_is_there_before_anybody_can_see_the_claim(broker: Broker, owner: User, model: MLModel) -> None:
    queued_image(user=owner, model=model)

    def note_and_fail(claims: Sequence[Claim]) -> None:
        in_hand.note("task", claims)
        raise DatabaseError("the commit fails")

    with pytest.raises(DatabaseError):
        lifecycle.claim_batch(limit=1, before_commit=note_and_fail)

    assert AnalysisQueue.objects.get().status == QueueStatus.WAITING
    assert in_hand.give_back("task") == 0  # the note of a claim that never was gives nothing back


def test_a_task_that_ended_leaves_nothing_to_give_back(broker: Broker, owner: User, model: MLModel) -> None:
    queued_image(user=owner, model=model)
    lifecycle.claim_batch(limit=1, before_commit=partial(in_hand.note, "task"))
    in_hand.forget("task")

    assert in_hand.give_back("task") == 0
    assert AnalysisQueue.objects.get().status == QueueStatus.PROCESSING


class Forged:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.canary),)


def test_a_forged_note_runs_nothing(broker: Broker, tmp_path: Path) -> None:
    server = redis.Redis.from_url(settings.CACHES["default"]["LOCATION"])
    server.set(cache.make_key("in-hand:task"), pickle.dumps(Forged(tmp_path / "canary")))
    server.close()

    with pytest.raises(ValueError, match=r"codec|JSON|Expecting"):
        in_hand.give_back("task")
    assert not (tmp_path / "canary").exists()
