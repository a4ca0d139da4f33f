"""Of many bells at the same moment one rings, and none that is needed is left out."""

from collections.abc import Iterator
from functools import partial

import pytest
from django.core.cache import cache
from pytest_django import Settings
from redis import Redis

from accounts.models import User
from analysis import doorbell, routing, tasks
from analysis.lanes import EVERYTHING, Lane
from analysis.states import Priority
from imageanalysis.tests.servers import Broker
from images.tests.factories import queued_image
from mlmodels.models import MLModel


@pytest.fixture
def hung(broker: Broker) -> Iterator["partial[int]"]:
    """How many bells hang unheard; none at the beginning."""
    with Redis(unix_socket_path=str(broker.socket_path)) as client:
        client.flushall()
        yield partial(client.llen, EVERYTHING.doorbell_queue)
        client.flushall()


def test_while_one_hangs_unheard_no_other_is_hung_beside_it(hung: "partial[int]") -> None:
    for _ in range(10):
        doorbell.ring(EVERYTHING)

    assert hung() == 1


def test_once_it_was_heard_the_next_one_rings(hung: "partial[int]") -> None:
    doorbell.ring(EVERYTHING)
    doorbell.heard(EVERYTHING)
    doorbell.ring(EVERYTHING)

    assert hung() == 2


def test_one_that_nobody_ever_hears_silences_the_next_for_a_second_at_most(
    hung: "partial[int]", broker: Broker
) -> None:
    doorbell.ring(EVERYTHING)

    with Redis(unix_socket_path=str(broker.socket_path), db=1) as client:
        (key,) = client.keys("*")
        assert 0 < client.pttl(key) <= 1000
    cache.clear()  # that second is over
    doorbell.ring(EVERYTHING)
    assert hung() == 2


def test_without_a_cache_every_one_rings(hung: "partial[int]", settings: Settings) -> None:
    away = {**settings.CACHES["default"], "LOCATION": "unix:///nowhere/at-all.sock"}
    settings.CACHES = {"default": away}

    doorbell.ring(EVERYTHING)
    doorbell.heard(EVERYTHING)
    doorbell.ring(EVERYTHING)

    assert hung() == 2


def test_a_picture_rings_for_each_lane_that_takes_it_and_for_no_other(
    hung: "partial[int]", broker: Broker, owner: User, model: MLModel
) -> None:
    first, its_own, other, kept_free = map(Lane.of, ("clip,*", model.name, f"-{model.name}", "|urgent"))
    routing.living.keep((first, its_own, other, kept_free))

    def bells() -> list[int]:
        with Redis(unix_socket_path=str(broker.socket_path)) as client:
            return [client.llen(lane.doorbell_queue) for lane in (first, its_own, other, kept_free)]

    doorbell.ring_all(routing.takers(model.key, Priority.NORMAL))
    assert (bells(), hung()) == ([1, 1, 0, 0], 0)
    doorbell.heard(first)
    doorbell.ring_all(routing.takers(model.key, Priority.URGENT))
    assert (bells(), hung()) == ([2, 1, 0, 1], 0), "one hangs unheard at its own lane's"

    routing.living.keep(())
    doorbell.ring_all(routing.living())
    assert hung() == 1, "whoever takes everything may be on its way"


def test_whoever_takes_as_many_as_it_may_rings_for_the_others(
    hung: "partial[int]", owner: User, model: MLModel, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BATCH_SIZE = 2
    for _ in range(3):
        queued_image(user=owner, model=model)
    while_running: list[int] = []
    monkeypatch.setattr("analysis.runner.run", lambda *_args: while_running.append(hung()))

    assert [tasks.look_at_queue.apply().result for _ in range(3)] == [2, 1, 0]

    assert while_running == [1, 1], "the first rang before it ran, the second had no need to"
    assert hung() == 1, "nor had any when it was done: nothing waited any more"


def test_whoever_is_done_rings_for_a_model_that_did_not_run_along(
    hung: "partial[int]", owner: User, model: MLModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued_image(user=owner, model=model)
    queued_image(user=owner, model=MLModel.objects.exclude(pk=model.pk).first())
    while_running: list[int] = []
    monkeypatch.setattr("analysis.runner.run", lambda *_args: while_running.append(hung()))

    assert tasks.look_at_queue.apply().result == 1

    assert while_running == [0]
    assert hung() == 1
