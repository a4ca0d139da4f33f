"""Who is next: priority, fairness between people, one model at a time, suspects alone."""

from django.utils import timezone

from accounts.models import User
from analysis import failures, lifecycle
from analysis.models import AnalysisQueue
from analysis.ordering import next_in_line
from analysis.states import SERVING_ORDER, Priority
from images.models import Image
from images.tests.factories import queued_image
from mlmodels.models import MLModel
from mlmodels.tests.factories import MLModelFactory


def served(count: int) -> list[int]:
    """The pictures in the order in which one worker with batches of one gets them."""
    return [claim.image_id for _ in range(count) for claim in lifecycle.claim_batch(limit=1)]


def upload(user: User, model: MLModel, count: int, priority: Priority = Priority.NORMAL) -> list[int]:
    return [queued_image(user=user, model=model, priority=priority).pk for _ in range(count)]


def test_a_persons_pictures_are_served_in_the_order_of_their_upload(owner: User, model: MLModel) -> None:
    images = upload(owner, model, 20)

    assert served(20) == images


def test_higher_priorities_come_first(owner: User, model: MLModel) -> None:
    by_priority = {priority: upload(owner, model, 2, priority) for priority in Priority}

    assert served(8) == [pk for priority in SERVING_ORDER for pk in by_priority[priority]]


def test_one_picture_is_not_stuck_behind_somebodys_many(owner: User, other_user: User, model: MLModel) -> None:
    many = upload(owner, model, 30)
    assert served(10) == many[:10]
    (single,) = upload(other_user, model, 1)

    assert single in served(2)


def test_two_people_with_many_pictures_take_turns(owner: User, other_user: User, model: MLModel) -> None:
    first, second = upload(owner, model, 10), upload(other_user, model, 10)

    assert served(20) == [pk for pair in zip(first, second, strict=True) for pk in pair]


def test_a_batch_holds_pictures_of_one_model_only(owner: User, model: MLModel) -> None:
    other_model = MLModelFactory.create(version="2.0.0")
    first, third = upload(owner, model, 1), upload(owner, other_model, 1)
    second = upload(owner, model, 1)

    batches = [[claim.image_id for claim in lifecycle.claim_batch(limit=8)] for _ in range(2)]

    assert batches == [[*first, *second], third]


def test_a_picture_that_was_tried_before_runs_alone(owner: User, model: MLModel) -> None:
    suspect, *innocent = upload(owner, model, 4)
    lifecycle.retry(lifecycle.claim_batch(limit=1), failures.WORKER_LOST)
    AnalysisQueue.objects.filter(image=suspect).update(queued_at=timezone.now())

    batches = [[claim.image_id for claim in lifecycle.claim_batch(limit=8)] for _ in range(2)]

    assert batches == [[suspect], innocent]


def test_how_many_are_ahead_is_how_many_are_served_before(owner: User, other_user: User, model: MLModel) -> None:
    for priority in Priority:
        upload(owner, model, 2, priority)
        upload(other_user, model, 1, priority)
    ahead = {entry.image_id: AnalysisQueue.objects.ahead_of(entry).count() for entry in AnalysisQueue.objects.all()}

    assert sorted(ahead, key=lambda pk: ahead[pk]) == served(12)
    assert sorted(ahead.values()) == list(range(12))


def test_finishing_renumbers_nothing(owner: User, model: MLModel) -> None:
    upload(owner, model, 5)
    positions = dict(AnalysisQueue.objects.values_list("pk", "position"))

    lifecycle.fail(lifecycle.claim_batch(limit=2), failures.BY_CODE["damaged"])

    assert dict(AnalysisQueue.objects.values_list("pk", "position")) == positions


def test_an_empty_queue_has_nobody_in_line(db: None) -> None:
    assert next_in_line(limit=8) == []
    assert lifecycle.claim_batch(limit=8) == []
    assert Image.objects.count() == 0
