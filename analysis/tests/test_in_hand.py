"""What a task has in hand is given back when its process dies, from a note that cannot be made to run anything."""

import os
import pickle
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.core.cache import cache

from accounts.models import User
from analysis import in_hand, lifecycle
from analysis.models import AnalysisQueue
from analysis.states import QueueStatus
from imageanalysis.tests.servers import Broker
from images.tests.factories import queued_image
from mlmodels.models import MLModel


class Died(BaseException):
    """The end of a process in the middle of its work."""


def test_what_a_dead_task_held_is_given_back_once(broker: Broker, owner: User, model: MLModel) -> None:
    image = queued_image(user=owner, model=model)
    claims = lifecycle.claim_batch(limit=1)
    with pytest.raises(Died), in_hand.noted("task", claims):
        raise Died

    assert (in_hand.give_back("task"), in_hand.give_back("task")) == (1, 0)
    entry = AnalysisQueue.objects.get(image=image)
    assert (entry.status, entry.retry_count) == (QueueStatus.WAITING, 1)


def test_a_task_that_ended_leaves_nothing_to_give_back(broker: Broker, owner: User, model: MLModel) -> None:
    queued_image(user=owner, model=model)
    with in_hand.noted("task", lifecycle.claim_batch(limit=1)):
        pass

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


def test_without_a_broker_work_goes_on(db: None) -> None:
    with in_hand.noted("task", []):
        pass
    assert in_hand.give_back("task") == 0
