"""Who is next: priority, fairness between people, one model at a time, suspects alone."""

from datetime import timedelta

from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from analysis import failures, lifecycle, presentation, wishes
from analysis.models import AnalysisQueue
from analysis.ordering import next_in_line
from analysis.states import SERVING_ORDER, Priority, QueueStatus
from analysis.story_query import stories
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

    assert served(2) == [single, many[10]]


def test_who_comes_again_and_again_with_one_picture_takes_turns_with_who_has_many(
    owner: User, other_user: User, model: MLModel
) -> None:
    many = upload(owner, model, 30)
    assert served(10) == many[:10]

    for turn in range(10, 15):
        (single,) = upload(other_user, model, 1)
        assert served(2) == [single, many[turn]]


def test_who_had_a_turn_is_behind_who_had_not(owner: User, other_user: User, model: MLModel) -> None:
    upload(owner, model, 10)
    (earlier,) = upload(other_user, model, 1)
    assert served(1) == [earlier]
    again = upload(other_user, model, 1)
    newcomer = [queued_image(model=model).pk]

    assert served(3)[::2] == newcomer + again


def test_newcomers_are_served_in_the_order_of_their_coming(owner: User, model: MLModel) -> None:
    many = upload(owner, model, 10)
    assert served(1) == many[:1]
    newcomers = [queued_image(model=model).pk for _ in range(4)]

    assert served(5) == [*newcomers, many[1]]


def test_who_called_off_what_waited_owes_nothing_for_it(owner: User, other_user: User, model: MLModel) -> None:
    upload(owner, model, 30)
    theirs = upload(other_user, model, 30)
    served(4)
    wishes.cancel_waiting(user_id=owner.pk)
    (again,) = upload(owner, model, 1)

    assert served(3) == [theirs[2], theirs[3], again]


def test_two_people_with_many_pictures_take_turns(owner: User, other_user: User, model: MLModel) -> None:
    first, second = upload(owner, model, 10), upload(other_user, model, 10)

    assert served(20) == [pk for pair in zip(second, first, strict=True) for pk in pair]


def test_a_batch_holds_pictures_of_one_model_only(owner: User, model: MLModel) -> None:
    other_model = MLModelFactory.create(version="2.0.0")
    first, third = upload(owner, model, 1), upload(owner, other_model, 1)
    second = upload(owner, model, 1)

    batches = [[claim.image_id for claim in lifecycle.claim_batch(limit=8)] for _ in range(2)]

    assert batches == [[*first, *second], third]


def test_a_picture_that_was_tried_before_runs_alone(owner: User, model: MLModel) -> None:
    suspect, *innocent = upload(owner, model, 4)
    lifecycle.retry(lifecycle.claim_batch(limit=1), failures.WORKER_LOST)
    AnalysisQueue.objects.filter(image=suspect).update(queued_at=Now())

    batches = [[claim.image_id for claim in lifecycle.claim_batch(limit=8)] for _ in range(2)]

    assert batches == [[suspect], innocent]


def test_how_many_are_ahead_is_how_many_are_served_before(owner: User, other_user: User, model: MLModel) -> None:
    for priority in Priority:
        upload(owner, model, 2, priority)
        upload(other_user, model, 1, priority)

    assert_served_as_told(12)


def assert_served_as_told(count: int) -> None:
    """What each waiting picture says is ahead of it is exactly what is served before it."""
    ahead = {entry.image_id: presentation.story(entry)["queue"]["ahead"] for entry in stories()}

    assert sorted(ahead.values()) == list(range(count))
    assert sorted(ahead, key=lambda pk: ahead[pk]) == served(count)


def test_finishing_renumbers_nothing(owner: User, model: MLModel) -> None:
    upload(owner, model, 5)
    positions = dict(AnalysisQueue.objects.values_list("pk", "position"))

    lifecycle.fail(lifecycle.claim_batch(limit=2), failures.BY_CODE["damaged"])

    assert dict(AnalysisQueue.objects.values_list("pk", "position")) == positions


def grow_old(settings: Settings, **entries: object) -> None:
    """Let these entries have been queued, and everything have been started, so long ago that they have aged."""
    long_ago = timezone.now() - timedelta(seconds=settings.AGEING_SECONDS + 1)
    AnalysisQueue.objects.filter(**entries).update(queued_at=long_ago)
    AnalysisQueue.objects.filter(started_at__isnull=False).update(started_at=long_ago)


def test_what_has_waited_long_is_served_first_but_one_by_one(owner: User, model: MLModel, settings: Settings) -> None:
    low, high = upload(owner, model, 3, Priority.LOW), upload(owner, model, 3, Priority.HIGH)
    grow_old(settings, priority=Priority.LOW)

    assert served(6) == [low[0], *high, *low[1:]]


def test_of_several_priorities_that_have_aged_each_gets_one_turn(
    owner: User, model: MLModel, settings: Settings
) -> None:
    by_priority = {priority: upload(owner, model, 2, priority) for priority in Priority}
    grow_old(settings)

    turns = [by_priority[priority][0] for priority in (Priority.HIGH, Priority.NORMAL, Priority.LOW)]
    assert served(5) == [*turns, *by_priority[Priority.URGENT]]


def test_a_priority_that_was_served_lately_has_not_aged(owner: User, model: MLModel, settings: Settings) -> None:
    low = upload(owner, model, 2, Priority.LOW)
    assert served(1) == low[:1]
    AnalysisQueue.objects.waiting().update(queued_at=timezone.now() - timedelta(hours=1))
    (high,) = upload(owner, model, 1, Priority.HIGH)

    assert served(2) == [high, low[1]]


def test_an_aged_picture_of_another_model_takes_no_other_with_it(
    owner: User, model: MLModel, settings: Settings
) -> None:
    low = upload(owner, MLModelFactory.create(version="2.0.0"), 1, Priority.LOW)
    high = upload(owner, model, 2, Priority.HIGH)
    grow_old(settings, priority=Priority.LOW)

    batches = [[claim.image_id for claim in lifecycle.claim_batch(limit=8)] for _ in range(2)]

    assert batches == [low, high]


def test_what_is_told_to_be_ahead_knows_about_ageing(
    owner: User, other_user: User, model: MLModel, settings: Settings
) -> None:
    for priority in Priority:
        upload(owner, model, 2, priority)
        upload(other_user, model, 1, priority)
    grow_old(settings, priority__in=[Priority.LOW, Priority.HIGH])

    assert_served_as_told(12)


def test_who_had_everything_served_owes_nothing_for_it(owner: User, other_user: User, model: MLModel) -> None:
    upload(owner, model, 20)
    upload(other_user, model, 30)
    served(42)  # all of the owner's are served
    (again,) = upload(owner, model, 1)

    assert again in served(2)


def test_a_queue_that_ran_dry_goes_on_where_it_stood(owner: User, other_user: User, model: MLModel) -> None:
    (last,) = upload(owner, model, 20)[-1:]
    claims = [lifecycle.claim_batch(limit=1)[0] for _ in range(20)]
    (newcomer,) = upload(other_user, model, 1)
    lifecycle.retry(claims[-1:], failures.WORKER_LOST)
    AnalysisQueue.objects.update(queued_at=Now())
    many = upload(other_user, model, 5)

    assert served(7) == [last, newcomer, *many]


def test_a_picture_that_went_back_to_the_queue_lets_nobody_jump_ahead(
    owner: User, other_user: User, model: MLModel
) -> None:
    (suspect, *rest) = upload(owner, model, 12)
    claims = lifecycle.claim_batch(limit=1)
    served(9)
    lifecycle.retry(claims, failures.WORKER_LOST)
    AnalysisQueue.objects.filter(image=suspect).update(queued_at=Now())
    theirs = upload(other_user, model, 3)

    assert served(6) == [suspect, theirs[0], rest[9], theirs[1], rest[10], theirs[2]]


def test_staff_move_entries_to_either_end_and_newcomers_stay_behind_those_in_front(
    owner: User, other_user: User, model: MLModel
) -> None:
    first, second, third, fourth = upload(owner, model, 4)
    entries = dict(AnalysisQueue.objects.values_list("image_id", "pk"))
    wishes.move(entry_ids=[entries[first]], to_front=False)
    wishes.move(entry_ids=[entries[third], entries[fourth]], to_front=True)
    (newcomer,) = upload(other_user, model, 1)

    assert served(5) == [third, fourth, newcomer, second, first]


def test_a_new_priority_gets_the_place_of_a_newcomer(owner: User, other_user: User, model: MLModel) -> None:
    high = upload(other_user, model, 3, Priority.HIGH)
    *_, raised = upload(owner, model, 5)
    wishes.set_priority(entry_ids=[AnalysisQueue.objects.get(image=raised).pk], priority=Priority.HIGH)

    assert served(4) == [raised, *high]


def test_a_claim_looks_at_few_entries_however_long_the_queue(owner: User, model: MLModel) -> None:
    counts = []
    for count in (1, 30):
        for priority in Priority:
            upload(owner, model, count, priority)
        with CaptureQueriesContext(connection) as claiming:
            next_in_line(limit=1)
        counts.append(len(claiming))

    assert counts[0] == counts[1] == 3  # the ids of the heads, the line, and the heads of the priorities below


def test_what_runs_is_neither_moved_nor_given_another_priority(owner: User, model: MLModel) -> None:
    upload(owner, model, 2)
    lifecycle.claim_batch(limit=2)
    entries = list(AnalysisQueue.objects.order_by("pk").values())
    ids = [entry["id"] for entry in entries]

    assert wishes.move(entry_ids=ids, to_front=True) == wishes.set_priority(entry_ids=ids, priority=Priority.LOW) == 0
    assert list(AnalysisQueue.objects.order_by("pk").values()) == entries
    assert {entry["status"] for entry in entries} == {QueueStatus.PROCESSING}


def test_an_empty_queue_has_nobody_in_line(db: None) -> None:
    assert next_in_line(limit=8) == []
    assert lifecycle.claim_batch(limit=8) == []
    assert Image.objects.count() == 0
