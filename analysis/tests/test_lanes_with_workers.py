"""Two real workers of different lanes, and what becomes of a lane's pictures while its worker is gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import User
from analysis import heartbeats, presentation, routing
from analysis.models import AnalysisQueue, RunInHand, WorkerProcess
from analysis.states import Priority, QueueStatus
from analysis.story_query import stories
from analysis.tests.queue import wait_until_all_ended
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import Broker, Worker
from images.models import Image
from images.tests.factories import queued_image
from mlmodels.models import MLModel

KEPT_FREE, REST = "|urgent", "efficientnet|high,normal,low"
FIRST_PICTURE_SECONDS = 180  # the model is made ready for this machine first


@pytest.fixture
def kept_free(transactional_db: None, broker: Broker, settings: Settings, tmp_path: Path) -> Iterator[Worker]:
    routing.living.keep((), seconds=0)
    with Worker(media_root=settings.MEDIA_ROOT, WORKER_PRIORITIES="urgent") as running:
        yield running


@pytest.fixture
def for_the_rest(kept_free: Worker, settings: Settings) -> Iterator[Worker]:
    lane = {"WORKER_MODELS": "efficientnet", "WORKER_PRIORITIES": "low,normal,high"}
    with Worker(media_root=settings.MEDIA_ROOT, **lane) as running:
        yield running


def lanes_alive() -> list[str]:
    return sorted(worker.lane for worker in heartbeats.alive())


def lane_of_run(image: Image) -> str:
    worker = RunInHand.objects.get(entry__image=image).worker
    return WorkerProcess.objects.get(pk=worker).lane


def reason(image: Image) -> str:
    return presentation.story(stories().get(image=image))["queue"]["reason"] or ""


def test_each_worker_takes_its_lane_and_what_lost_its_worker_waits_for_the_next(
    kept_free: Worker, for_the_rest: Worker, owner: User, model: MLModel
) -> None:
    plain = [queued_image(user=owner, model=model) for _ in range(2)]
    urgent = queued_image(user=owner, model=model, priority=Priority.URGENT)
    wait_until_all_ended(kept_free, seconds=FIRST_PICTURE_SECONDS)
    assert lane_of_run(urgent) == KEPT_FREE
    assert {lane_of_run(image) for image in plain} == {REST}

    kept_free.kill()
    until(lambda: lanes_alive() == [REST], lambda: f"{lanes_alive()}")
    urgent = queued_image(user=owner, model=model, priority=Priority.URGENT)
    last = queued_image(user=owner, model=model)
    until(lambda: AnalysisQueue.objects.get(image=last).status == QueueStatus.COMPLETED, for_the_rest.output)
    assert AnalysisQueue.objects.get(image=urgent).status == QueueStatus.WAITING
    until(lambda: reason(urgent) == "No worker takes this priority at the moment; nothing is lost.", reason(urgent))

    kept_free.spawn()
    wait_until_all_ended(kept_free)
    assert lane_of_run(urgent) == KEPT_FREE
