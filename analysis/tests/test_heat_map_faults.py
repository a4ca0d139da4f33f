"""Workers that die while they make heat maps, and pictures that go before them; everything is real.

The picture's file is a pipe that nobody writes to: the worker stands in mid-map, reading, as long as the test wants.
"""

import os
import signal
from contextlib import ExitStack

from pytest_django import Settings

from accounts.models import User
from analysis import heat_maps
from analysis.models import AnalysisQueue, HeatMaps
from analysis.tests.labelled import labelled_image
from analysis.tests.queue import unreadable_until_the_end
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import Broker, Worker
from images.tests.factories import queued_image
from mlmodels.models import MLModel

State = HeatMaps.State


def wait_until(state: str, worker: Worker, **fields: object) -> None:
    """The first worker of all converts the default model before it looks at anything."""
    until(HeatMaps.objects.filter(state=state, **fields).exists, worker.output, seconds=150)


def test_a_map_is_ready_although_the_child_is_killed_in_mid_map(
    transactional_db: None, broker: Broker, settings: Settings, owner: User, model: MLModel
) -> None:
    image = labelled_image(user=owner, model=model)
    heat_maps.request(image_id=image.pk, model_key=model.key)
    with ExitStack() as stack:
        with unreadable_until_the_end(settings.MEDIA_ROOT / image.file_path):
            worker = stack.enter_context(Worker(media_root=settings.MEDIA_ROOT))
            wait_until(State.RUNNING, worker, done=0)
            (child,) = worker.children()
            os.kill(child, signal.SIGKILL)
            until(lambda: HeatMaps.objects.get().losses == 1, worker.output)
        wait_until(State.READY, worker, losses=1)


def test_a_map_is_ready_although_the_whole_worker_is_killed_in_mid_map(
    transactional_db: None, broker: Broker, settings: Settings, owner: User, model: MLModel
) -> None:
    image = labelled_image(user=owner, model=model)
    heat_maps.request(image_id=image.pk, model_key=model.key)
    pipe = unreadable_until_the_end(settings.MEDIA_ROOT / image.file_path)
    with pipe, Worker(media_root=settings.MEDIA_ROOT) as first:
        wait_until(State.RUNNING, first, done=0)
        first.kill()
    assert HeatMaps.objects.get().state == State.RUNNING

    with Worker(media_root=settings.MEDIA_ROOT) as second:
        # Known to be dead because its process is gone, long before its lease is over.
        wait_until(State.READY, second, losses=1)


def test_a_map_that_hangs_fails_after_its_second_attempt_and_says_why(
    transactional_db: None, broker: Broker, settings: Settings, owner: User, model: MLModel
) -> None:
    image = labelled_image(user=owner, model=model)
    heat_maps.request(image_id=image.pk, model_key=model.key)
    pipe = unreadable_until_the_end(settings.MEDIA_ROOT / image.file_path)
    with pipe, Worker(media_root=settings.MEDIA_ROOT, RUN_HARD_LIMIT_SECONDS="6") as worker:
        wait_until(State.FAILED, worker, code="worker_lost")


def test_pictures_that_wait_go_before_a_map_that_waits_longer(
    transactional_db: None, broker: Broker, settings: Settings, owner: User, model: MLModel
) -> None:
    image = labelled_image(user=owner, model=model)
    with Worker(media_root=settings.MEDIA_ROOT) as worker:
        worker.pause()
        heat_maps.request(image_id=image.pk, model_key=model.key)
        pictures = [queued_image(user=owner, model=model) for _ in range(3)]
        worker.resume()
        wait_until(State.READY, worker)

    ended = AnalysisQueue.objects.filter(image__in=pictures).values_list("completed_at", flat=True)
    assert all(at and at < HeatMaps.objects.get().started_at for at in ended)
