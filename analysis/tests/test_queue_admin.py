"""The queue as staff see it: in the order of serving, with what can be done to an entry in its row."""

import re
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from accounts.tests.factories import UserFactory
from analysis import failures, lifecycle, look_only
from analysis.models import AnalysisQueue
from analysis.states import Priority
from analysis.tests.queue import claim
from images import deletion
from images.models import Image
from images.tests.factories import queued_image
from images.tests.rows import picture_rows
from mlmodels.inference.classifier import Prediction
from mlmodels.models import MLModel

QUEUE = "/admin/analysis/analysisqueue/"
WAITING = f"{QUEUE}?status__exact=waiting"


def wish(client: Client, image: Image, name: str, **form: str) -> str:
    address = f"{QUEUE}{image.queue.pk}/wish/{name}/"
    return client.post(address, form, follow=True, headers={"Referer": f"http://testserver{WAITING}"}).content.decode()


def listed(client: Client, address: str) -> list[tuple[int, int | None]]:
    return [(row.image_id, getattr(row, "place", None)) for row in client.get(address).context["cl"].result_list]


def test_what_waits_stands_in_the_order_of_serving_with_its_place(
    staff_client: Client, owner: User, model: MLModel
) -> None:
    low, normal, urgent, later = (
        queued_image(user=owner, model=model, priority=priority)
        for priority in (Priority.LOW, Priority.NORMAL, Priority.URGENT, Priority.NORMAL)
    )

    assert listed(staff_client, WAITING) == [(urgent.pk, 1), (normal.pk, 2), (later.pk, 3), (low.pk, 4)]
    assert listed(staff_client, QUEUE)[0] == (later.pk, 3)


def test_who_comes_from_no_address_is_led_to_the_whole_list(staff_client: Client, owner: User, model: MLModel) -> None:
    image = queued_image(user=owner, model=model)

    answer = staff_client.post(f"{QUEUE}{image.queue.pk}/wish/cancel/", headers={"Referer": "http://["})

    assert (answer.status_code, answer["Location"]) == (302, QUEUE)


@pytest.mark.parametrize("table", ["analysisqueue", "analysisresult", "progresslog", "timelinelog"])
def test_nothing_of_a_deleted_picture_is_listed_or_opened(
    staff_client: Client, owner: User, model: MLModel, table: str
) -> None:
    kept, deleted = picture_rows(2, model, user=owner)
    row = apps.get_model("analysis", table).objects.filter(image=deleted).first()
    address = f"/admin/analysis/{table}/"
    deletion.delete(image_ids=[deleted.pk], key=uuid4())

    assert {image for image, _place in listed(staff_client, address)} == {kept.pk}
    assert staff_client.get(f"{address}{row.pk}/change/").status_code == 302


def test_the_buttons_of_a_row_do_what_the_lists_actions_do(staff_client: Client, owner: User, model: MLModel) -> None:
    first, second, third = (queued_image(user=owner, model=model) for _ in range(3))

    told = wish(staff_client, third, "front")
    assert "Done for 1 entry." in told
    assert re.findall(r"wish/front/", told) == ["wish/front/"] * 3  # back on the list of what waits
    assert "Done for 1 entry." in wish(staff_client, first, "cancel")
    assert "1 was not in a state for it." in wish(staff_client, first, "cancel")
    assert "Done for 1 entry." in wish(staff_client, first, "again")
    assert "Done for 1 entry." in wish(staff_client, second, "priority", **{f"priority-{second.queue.pk}": "high"})

    assert [claim().image_id for _ in range(3)] == [second.pk, third.pk, first.pk]


def test_a_choice_in_the_row_has_the_page_loaded_again(staff_client: Client, owner: User, model: MLModel) -> None:
    image = queued_image(user=owner, model=model)
    entry = image.queue.pk

    answer = staff_client.post(
        f"{QUEUE}{entry}/wish/priority/", {f"priority-{entry}": "urgent"}, headers={"HX-Request": "true"}
    )

    assert (answer.status_code, answer["HX-Refresh"]) == (200, "true")
    assert AnalysisQueue.objects.get().priority == "urgent"


def test_what_is_no_wish_changes_nothing(staff_client: Client, owner: User, model: MLModel) -> None:
    image = queued_image(user=owner, model=model)
    before = AnalysisQueue.objects.values().get()

    assert staff_client.post(f"{QUEUE}{image.queue.pk}/wish/priority/").status_code == 400
    assert staff_client.post(f"{QUEUE}{image.queue.pk}/wish/explode/").status_code == 404
    assert staff_client.post(f"{QUEUE}{image.queue.pk + 1}/wish/front/").status_code == 404
    assert AnalysisQueue.objects.values().get() == before


def test_who_may_only_look_sees_no_controls(client: Client, owner: User, model: MLModel) -> None:
    queued_image(user=owner, model=model)
    clerk = UserFactory.create(is_staff=True)
    clerk.user_permissions.add(*Permission.objects.filter(codename="view_analysisqueue"))
    client.force_login(clerk)

    assert b"/wish/" not in client.get(QUEUE).content


def test_failed_entries_say_why_and_are_found_by_their_cause(staff_client: Client, owner: User, model: MLModel) -> None:
    _damaged, empty = (queued_image(user=owner, model=model) for _ in range(2))
    for code in ("damaged", "empty"):
        lifecycle.fail([claim()], failures.BY_CODE[code])
    message = failures.BY_CODE["empty"].message

    answer = staff_client.get(QUEUE, {"status__exact": "failed", "cause": message})

    assert [row.image_id for row in answer.context["cl"].result_list] == [empty.pk]
    assert message in answer.content.decode()


def test_a_search_finds_a_part_of_a_file_name_or_of_a_persons(
    staff_client: Client, owner: User, other_user: User, model: MLModel
) -> None:
    beach = queued_image(user=owner, model=model, name="Beach at noon.png")
    others = queued_image(user=other_user, model=model, name="attic.png")

    def found(words: str) -> list[int]:
        return [image_id for image_id, _place in listed(staff_client, f"{QUEUE}?q={words}")]

    assert found("beach") == [beach.pk]
    assert found("other_us") == [others.pk]
    assert found("nothing") == []


def test_a_search_that_finds_very_many_says_that_these_are_the_newest(
    staff_client: Client, model: MLModel, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_only, "FOUND_AT_MOST", 2)
    images = picture_rows(3, model, user=owner)

    answer = staff_client.get(QUEUE, {"q": ".png"})

    assert [row.image_id for row in answer.context["cl"].result_list] == [images[2].pk, images[1].pk]
    assert "These are the newest 2." in answer.content.decode()


def test_results_are_found_by_a_whole_label_or_by_their_picture(
    staff_client: Client, owner: User, model: MLModel
) -> None:
    queued_image(user=owner, model=model, name="cup.png")
    lifecycle.complete({claim(): [Prediction("espresso", 90.0), Prediction("cup", 5.0)]})
    address = "/admin/analysis/analysisresult/"

    def labels(**query: str) -> list[str]:
        return sorted(row.label for row in staff_client.get(address, query).context["cl"].result_list)

    assert labels(q="espresso") == ["espresso"]
    assert labels(q="cup.pn") == ["cup", "espresso"]
    assert labels(rank="1") == ["espresso"]
    assert (labels(model=model.key), labels(model="clip:9")) == (["cup", "espresso"], [])


def test_a_list_counts_no_further_than_anybody_turns_pages(
    staff_client: Client, model: MLModel, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_only, "COUNTED_AT_MOST", 3)
    picture_rows(5, model, user=owner)

    answer = staff_client.get("/admin/images/image/")

    assert answer.context["cl"].result_count == 4
    assert "search or filter to reach what is not here" in answer.content.decode()
