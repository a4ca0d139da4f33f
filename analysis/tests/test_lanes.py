"""Lanes: what a worker takes of the queue, what it takes first, and who is told what of entries that nobody takes."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from analysis import heat_maps, lifecycle, presentation, routing
from analysis.lanes import EVERYTHING, Lane, own
from analysis.models import AnalysisQueue, HeatMaps
from analysis.ordering import first_due
from analysis.states import SERVING_ORDER, Priority
from analysis.story_query import stories
from analysis.watchdog import may_claim
from images.models import Image
from images.tests.factories import queued_image
from mlmodels.models import MLModel
from mlmodels.tests.factories import MLModelFactory

CLIP_ONLY = Lane.of("clip")
CLIP_FIRST = Lane.of("clip,*")
NO_CLIP = Lane.of("-clip")
KEPT_FREE = Lane.of("|urgent,high")


@pytest.fixture
def clip(db: None) -> MLModel:
    return MLModelFactory.create(name="clip", version="2.0.0")


def taken(lane: Lane, count: int = 1) -> list[int]:
    """The pictures of the next runs that workers of this lane take, one at a time."""
    return [claim.image_id for _ in range(count) for claim in lifecycle.claim_batch(limit=1, lane=lane)]


def told(image: Image) -> dict[str, object]:
    return presentation.story(stories().get(image=image))["queue"]


@pytest.mark.parametrize(
    ("models", "priorities", "lane"),
    [
        ([], [], EVERYTHING),
        (["*"], [], EVERYTHING),
        (["clip", "resnet50:1.0.0"], [], Lane(("clip", "resnet50:1.0.0"), takes_others=False)),
        (["clip", "*"], [], Lane(("clip",))),
        (["-clip"], [], Lane(("clip",), takes_named=False)),
        ([], ["high", "urgent"], Lane(priorities=(Priority.URGENT, Priority.HIGH))),
    ],
)
def test_a_lane_is_what_the_settings_say_and_can_be_told_from_its_text(
    models: list[str], priorities: list[str], lane: Lane, settings: Settings
) -> None:
    settings.WORKER_MODELS, settings.WORKER_PRIORITIES = models, priorities

    assert own() == lane == Lane.of(lane.text)


@pytest.mark.parametrize(
    ("models", "priorities", "words"),
    [
        (["clip", "-vgg16"], [], "not '-vgg16'"),
        (["-clip", "*"], [], "not '-clip'"),
        (["*", "clip"], [], r"not '\*'"),
        (["clip:1:2"], [], "not 'clip:1:2'"),
        ([], ["hgih"], "WORKER_PRIORITIES must hold some of urgent, high, normal, low, not 'hgih'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(models: list[str], priorities: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Lane.parse(tuple(models), tuple(priorities))


def test_what_a_lane_says_of_an_entry_is_what_the_database_finds(owner: User, clip: MLModel, model: MLModel) -> None:
    for each in (clip, model):
        for priority in Priority:
            queued_image(user=owner, model=each, priority=priority)
    lanes = [EVERYTHING, CLIP_ONLY, CLIP_FIRST, NO_CLIP, KEPT_FREE, Lane.of("clip:2.0.0"), Lane.of("-clip:9|low")]

    for lane in lanes:
        by_lane = {
            entry.pk for entry in AnalysisQueue.objects.all() if lane.takes(entry.model_name or "", entry.priority)
        }
        assert set(AnalysisQueue.objects.filter(lane.entries()).values_list("pk", flat=True)) == by_lane
        assert bool(first_due(lane)) is bool(by_lane)
        heads = AnalysisQueue.objects.filter(pk__in=first_due(lane).values())
        assert {head.pk for head in heads} <= by_lane


def test_a_worker_leaves_what_is_not_for_it(owner: User, clip: MLModel, model: MLModel) -> None:
    plain = queued_image(user=owner, model=model)
    heavy = queued_image(user=owner, model=clip)
    urgent = queued_image(user=owner, model=model, priority=Priority.URGENT)

    assert taken(KEPT_FREE, 2) == [urgent.pk]
    assert taken(CLIP_ONLY, 2) == [heavy.pk]
    assert taken(NO_CLIP, 2) == [plain.pk]


def test_the_models_named_go_first_within_a_priority_and_the_others_come_by_their_age(
    owner: User, clip: MLModel, model: MLModel
) -> None:
    plain = queued_image(user=owner, model=model)
    aged = queued_image(user=owner, model=model, priority=Priority.LOW)
    heavy = [queued_image(user=owner, model=clip).pk for _ in range(4)]
    urgent = queued_image(user=owner, model=model, priority=Priority.URGENT)

    assert taken(CLIP_FIRST, 3) == [urgent.pk, *heavy[:2]]
    AnalysisQueue.objects.filter(image=plain).update(queued_at=timezone.now() - timedelta(hours=1))
    AnalysisQueue.objects.filter(image=aged).update(queued_at=timezone.now() - timedelta(hours=1))
    assert taken(CLIP_FIRST, 4) == [plain.pk, aged.pk, *heavy[2:]]


def test_ageing_in_one_lane_does_not_look_at_what_others_are_served(owner: User, clip: MLModel, model: MLModel) -> None:
    queued_image(user=owner, model=clip, priority=Priority.LOW)
    taken(CLIP_ONLY)
    queued_image(user=owner, model=model)
    low = queued_image(user=owner, model=model, priority=Priority.LOW)
    AnalysisQueue.objects.filter(image=low).update(queued_at=timezone.now() - timedelta(hours=1))

    assert taken(NO_CLIP) == [low.pk]


def test_a_worker_is_hungry_for_its_own_lane_only(owner: User, model: MLModel, settings: Settings) -> None:
    queued_image(user=owner, model=model)
    assert may_claim()

    settings.WORKER_PRIORITIES = ["urgent"]
    assert not may_claim()


def test_a_worker_explains_the_models_that_it_takes_and_none_when_it_is_kept_free(
    owner: User, model: MLModel, settings: Settings
) -> None:
    image = queued_image(user=owner, model=model)
    name, version = model.key.split(":")
    HeatMaps.objects.create(image=image, model_name=name, model_version=version)

    for models, priorities in (([f"-{name}"], []), (["clip"], []), ([], ["urgent"])):
        settings.WORKER_MODELS, settings.WORKER_PRIORITIES = models, priorities
        assert not heat_maps.is_something_waiting()
        assert heat_maps.claim_next(task_id="task") is None
    settings.WORKER_MODELS, settings.WORKER_PRIORITIES = ["clip", model.key], []
    assert heat_maps.is_something_waiting()
    assert heat_maps.claim_next(task_id="task") is not None


def test_pictures_that_nobody_takes_do_not_let_newcomers_pass_those_of_another_lane(
    owner: User, other_user: User, staff: User, clip: MLModel, model: MLModel
) -> None:
    routing.living.keep((NO_CLIP,))
    for _ in range(3):
        queued_image(user=other_user, model=clip)
    early = [queued_image(user=owner, model=model).pk for _ in range(6)]
    assert taken(NO_CLIP, 4) == early[:4]
    late = [queued_image(user=staff, model=model).pk for _ in range(3)]

    assert taken(NO_CLIP, 5) == [late[0], early[4], late[1], early[5], late[2]]


def test_ahead_is_only_what_the_same_workers_take(owner: User, clip: MLModel, model: MLModel) -> None:
    for each in (model, model, clip):
        queued_image(user=owner, model=each)
    waiting = queued_image(user=owner, model=clip)
    routing.living.keep((CLIP_ONLY, NO_CLIP))
    assert told(waiting)["ahead"] == 1
    assert str(told(waiting)["reason"]).startswith("1 picture is ahead of you: 1 from you.")

    routing.living.keep((CLIP_ONLY, EVERYTHING))
    assert told(waiting)["ahead"] == 3


def test_what_is_told_to_be_ahead_is_what_a_worker_of_the_lane_serves_before(
    owner: User, other_user: User, clip: MLModel, model: MLModel
) -> None:
    lanes = (CLIP_ONLY, NO_CLIP)
    routing.living.keep(lanes)
    for priority in Priority:
        for user, each in ((owner, clip), (other_user, clip), (owner, model), (owner, clip), (other_user, model)):
            queued_image(user=user, model=each, priority=priority)
    aged = AnalysisQueue.objects.filter(priority__in=[Priority.LOW, Priority.HIGH], model_name=model.key)
    aged.update(queued_at=timezone.now() - timedelta(hours=1))
    ahead = {entry.image_id: presentation.story(entry)["queue"]["ahead"] for entry in stories()}

    for lane, count in zip(lanes, (12, 8), strict=True):
        assert [ahead[pk] for pk in taken(lane, count)] == list(range(count))


def test_a_poll_is_one_statement_for_all_lanes_that_counts_by_models_along_an_index(db: None) -> None:
    statements = set()
    for lanes in ((CLIP_ONLY, NO_CLIP), (CLIP_ONLY, KEPT_FREE), (NO_CLIP,)):
        routing.living.keep(lanes)
        statements.add(str(stories().filter(image=1).query))
    assert len(statements) == 1

    plan = stories().filter(image=1).explain()
    if connection.vendor == "sqlite":  # PostgreSQL goes by what it knows of the rows, and there are none
        assert plan.count("USING COVERING INDEX queue_by_model (status=? AND priority=?)") == 2 * len(SERVING_ORDER)


@pytest.mark.parametrize(
    ("lanes", "words"),
    [
        ((CLIP_ONLY,), "No worker takes this model at the moment; nothing is lost."),
        ((CLIP_ONLY, KEPT_FREE), "No worker takes this priority at the moment; nothing is lost."),
        ((), "No worker runs at the moment; nothing is lost."),
    ],
)
def test_that_nobody_takes_a_picture_is_told(
    owner: User, owner_client: Client, model: MLModel, lanes: tuple[Lane, ...], words: str
) -> None:
    image = queued_image(user=owner, model=model)
    assert str(told(image)["reason"]).startswith("You are next.")
    assert told(image)["is_taken"] is True

    routing.living.keep(lanes)
    assert (told(image)["reason"], told(image)["is_taken"]) == (words, False)
    assert "Estimating" not in owner_client.get(image.get_absolute_url()).content.decode()
