"""What people and staff wish for entries that wait, also while workers are at them."""

from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import UserFactory
from analysis import failures, lifecycle, wishes
from analysis.models import AnalysisQueue, TimelineLog
from analysis.states import Priority, QueueStatus
from analysis.tests.queue import claim
from images.models import Image
from images.tests.factories import queued_image
from images.tests.uploads import JSON
from mlmodels.inference.classifier import Prediction
from mlmodels.models import MLModel

QUEUE = "/admin/analysis/analysisqueue/"


def act(client: Client, action: str, *images: Image) -> str:
    """Choose an action for these pictures' entries in the admin's list."""
    ids = AnalysisQueue.objects.filter(image__in=images).values_list("pk", flat=True)
    chosen = {"action": action, "_selected_action": list(ids)}
    return client.post(QUEUE, chosen, follow=True).content.decode()


def statuses(*images: Image) -> list[str]:
    found = dict(AnalysisQueue.objects.values_list("image_id", "status"))
    return [found[image.pk] for image in images]


def test_a_person_calls_off_all_that_waits_and_only_that(
    owner_client: Client, owner: User, other_user: User, model: MLModel
) -> None:
    running, first, second = (queued_image(user=owner, model=model) for _ in range(3))
    claim()
    theirs = queued_image(user=other_user, model=model)

    answer = owner_client.post("/images/cancel-waiting/", headers=JSON)

    assert answer.json() == {"cancelled": 2}
    assert statuses(running, first, second, theirs) == ["processing", "cancelled", "cancelled", "waiting"]
    assert set(TimelineLog.objects.filter(image__in=[first, second]).values_list("analysis_step_status")) == {
        ("cancelled",)
    }
    assert Image.objects.get(pk=first.pk).status == "uploaded"


def test_calling_off_a_second_run_keeps_the_labels_of_the_first(owner: User, model: MLModel) -> None:
    labelled, fresh = (queued_image(user=owner, model=model) for _ in range(2))
    lifecycle.complete({claim(): [Prediction("espresso", 97.0)]})
    lifecycle.resubmit(image_id=labelled.pk, model=model, priority=Priority.NORMAL)

    assert wishes.cancel_waiting(user_id=owner.pk) == 2

    labelled.refresh_from_db()
    assert (labelled.status, labelled.timeline.completion_step_status) == ("success", "done")
    assert TimelineLog.objects.get(image=fresh).completion_step_status == "cancelled"


def test_many_are_called_off_a_few_at_a_time(owner: User, model: MLModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wishes, "AT_ONCE", 2)
    images = [queued_image(user=owner, model=model) for _ in range(5)]

    assert wishes.cancel_waiting(user_id=owner.pk) == 5
    assert statuses(*images) == ["cancelled"] * 5


def test_the_gallery_offers_it_while_something_waits_and_says_how_many(
    owner_client: Client, owner: User, model: MLModel
) -> None:
    image = queued_image(user=owner, model=model)
    queued_image(user=owner, model=model)
    page = owner_client.get("/").content.decode()
    assert '<div class="waiting-bar" id="waiting-bar"  >' in page
    assert "2 pictures that wait will not be analyzed." in page

    told = owner_client.post("/images/cancel-waiting/", follow=True).content.decode()
    assert "2 analyses were cancelled." in told
    assert '<div class="waiting-bar" id="waiting-bar"  hidden>' in told
    live = owner_client.get(f"/images/live/?ids={image.pk}").content.decode()
    assert 'id="waiting-bar" hx-swap-oob="true" hidden' in live


def test_staff_are_told_whose_file_is_lost(
    staff_client: Client, owner: User, model: MLModel, media_of_its_own: Path
) -> None:
    lost, whole, waiting = (queued_image(user=owner, model=model) for _ in range(3))
    for image in (lost, whole):
        wishes.cancel(image_id=image.pk)
    (media_of_its_own / lost.file_path).unlink()

    told = act(staff_client, "run_again", lost, whole, waiting)

    assert "Done for 1 entry." in told
    assert "1 was not in a state for it." in told
    assert "1 has lost its file on the server: only its owner can upload it again." in told
    assert statuses(lost, whole, waiting) == ["cancelled", "waiting", "waiting"]


def test_staff_run_again_cancel_and_change_priorities(
    staff_client: Client, owner: User, model: MLModel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    failed, running, waiting = (queued_image(user=owner, model=model) for _ in range(3))
    lifecycle.fail([claim()], failures.BY_CODE["damaged"])
    claim()

    told = act(staff_client, "run_again", failed, running, waiting)
    assert ("Done for 1 entry." in told, "2 were not in a state for it." in told) == (True, True)
    assert "Done for 2 entries." in act(staff_client, "make_urgent", failed, running, waiting)
    assert "Done for 3 entries." in act(staff_client, "cancel", failed, running, waiting)

    assert statuses(failed, running, waiting) == ["cancelled"] * 3
    priorities = dict(AnalysisQueue.objects.values_list("image_id", "priority"))
    assert priorities == {failed.pk: "urgent", running.pk: "normal", waiting.pk: "urgent"}
    done = [vars(record)["audit"] for record in caplog.records if record.getMessage() == "queue_action"]
    assert [(each["username"], each["facts"]["action"]) for each in done] == [
        ("staff", "run_again"),
        ("staff", "make_urgent"),
        ("staff", "cancel"),
    ]
    assert LogEntry.objects.filter(object_id=str(waiting.queue.pk)).count() == 3


def test_staff_move_entries_to_the_front_and_to_the_end(staff_client: Client, owner: User, model: MLModel) -> None:
    images = [queued_image(user=owner, model=model) for _ in range(3)]
    act(staff_client, "move_to_front", images[2])
    act(staff_client, "move_to_end", images[0])

    assert [claim().image_id for _ in range(3)] == [images[2].pk, images[1].pk, images[0].pk]


def test_staff_without_the_permission_have_no_actions(client: Client, owner: User, model: MLModel) -> None:
    clerk = UserFactory.create(is_staff=True)
    client.force_login(clerk)
    image = queued_image(user=owner, model=model)

    act(client, "cancel", image)

    assert statuses(image) == ["waiting"]


def test_a_worker_that_was_quicker_keeps_its_run(owner: User, model: MLModel) -> None:
    image = queued_image(user=owner, model=model)
    held = claim()

    assert wishes.cancel_waiting(user_id=owner.pk) == 0
    assert wishes.set_priority(entry_ids=[held.queue_id], priority=Priority.URGENT) == 0
    assert lifecycle.complete({held: [Prediction("espresso", 97.0)]}) == [held]
    assert statuses(image) == [QueueStatus.COMPLETED]


def test_what_was_called_off_is_not_claimed_any_more(owner: User, model: MLModel) -> None:
    queued_image(user=owner, model=model)
    wishes.cancel_waiting(user_id=owner.pk)

    assert lifecycle.claim_batch(limit=1) == []


def test_calling_off_costs_the_same_statements_for_three_and_for_thirty(owner: User, model: MLModel) -> None:
    counts = []
    for count in (3, 30):
        for _ in range(count):
            queued_image(user=owner, model=model)
        with CaptureQueriesContext(connection) as queries:
            wishes.cancel_waiting(user_id=owner.pk)
        counts.append(len(queries))

    assert counts[0] == counts[1]


@pytest.mark.parametrize(("who", "expected"), [("owner", "high"), ("staff", "urgent")])
def test_only_staff_try_something_urgent_again_as_urgent(
    who: str, expected: str, owner: User, staff: User, model: MLModel
) -> None:
    user = {"owner": owner, "staff": staff}[who]
    image = queued_image(user=user, model=model)
    wishes.set_priority(entry_ids=[image.queue.pk], priority=Priority.URGENT)
    lifecycle.cancel(image_id=image.pk)
    client = Client()
    client.force_login(user)

    client.post(f"/images/{image.pk}/retry/")

    assert AnalysisQueue.objects.get(image=image).priority == expected
