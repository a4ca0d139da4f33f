"""The admin: staff see everything, the application's own records are not edited by hand."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation
from django.utils.text import capfirst

from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from analysis.models import AnalysisQueue, AnalysisResult, ProgressLog, TimelineLog
from images.tests.rows import picture_rows, token_rows
from mlmodels.models import MLModel
from mlmodels.tests.factories import MLModelFactory

EIGHT = (
    "accounts.user",
    "accounts.passwordresettoken",
    "mlmodels.mlmodel",
    "images.image",
    "analysis.analysisqueue",
    "analysis.progresslog",
    "analysis.analysisresult",
    "analysis.timelinelog",
)
WRITTEN_BY_THE_APPLICATION = [label for label in EIGHT if label.startswith("analysis.")]


def admin(label: str, page: str, *args: object) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_{page}", args=args)


def make_rows(count: int, model: MLModel) -> None:
    """`count` more rows of each of the eight tables, no two alike."""
    token_rows(picture_rows(count, model))
    before = MLModel.objects.count()
    for number in range(count):
        MLModelFactory.create(name="custom", version=f"1.0.{before + number}")


def everything() -> dict[str, list[object]]:
    return {label: list(apps.get_model(label)._default_manager.order_by("pk").values()) for label in EIGHT}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_no_breadcrumb_stands_twice(language: str) -> None:
    with translation.override(language):
        for model in map(apps.get_model, EIGHT):
            named = capfirst(str(model._meta.verbose_name_plural))
            assert named != str(model._meta.app_config.verbose_name), model


@pytest.mark.parametrize("label", EIGHT)
def test_staff_see_the_list_and_each_row(label: str, staff_client: Client, model: MLModel) -> None:
    make_rows(1, model)
    row = apps.get_model(label)._default_manager.first()

    assert staff_client.get(admin(label, "changelist")).status_code == 200
    assert staff_client.get(admin(label, "changelist"), {"q": "espresso"}).status_code == 200
    assert staff_client.get(admin(label, "change", row.pk)).status_code == 200
    assert staff_client.get(admin(label, "history", row.pk)).status_code == 200


@pytest.mark.parametrize("label", EIGHT)
def test_an_ordinary_user_sees_neither(label: str, owner_client: Client, model: MLModel) -> None:
    make_rows(1, model)
    row = apps.get_model(label)._default_manager.first()

    for address in (admin(label, "changelist"), admin(label, "change", row.pk)):
        answer = owner_client.get(address)
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={address}")


@pytest.mark.parametrize("label", EIGHT)
def test_staff_without_permission_see_neither(label: str, client: Client, model: MLModel) -> None:
    make_rows(1, model)
    client.force_login(UserFactory.create(is_staff=True))

    assert client.get("/admin/").status_code == 200
    assert client.get(admin(label, "changelist")).status_code == 403


@pytest.mark.parametrize("label", EIGHT)
def test_a_list_costs_the_same_queries_for_3_rows_and_for_30(label: str, staff_client: Client, model: MLModel) -> None:
    counts = []
    for more in (3, 27):
        make_rows(more, model)
        with CaptureQueriesContext(connection) as queries:
            staff_client.get(admin(label, "changelist"))
        counts.append(len(queries))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("label", WRITTEN_BY_THE_APPLICATION)
def test_a_list_names_its_columns_in_japanese_and_counts_no_whole_table(
    label: str, staff_client: Client, model: MLModel
) -> None:
    make_rows(3, model)
    page = staff_client.get(admin(label, "changelist"), {"q": "no such"}, headers={"Accept-Language": "ja"})
    answer = staff_client.get(admin(label, "changelist"), headers={"Accept-Language": "ja"}).content.decode()

    headers = re.findall(r'<th scope="col".*?<div class="text">.*?>([^<>]+)</', answer, re.DOTALL)
    assert "画像" in headers
    assert [header for header in headers if header.isascii() and header.strip()] == []
    assert page.context["cl"].full_result_count is None


@pytest.mark.parametrize("label", WRITTEN_BY_THE_APPLICATION)
def test_what_the_application_records_can_be_neither_added_nor_changed_nor_deleted_by_hand(
    label: str, staff_client: Client, model: MLModel
) -> None:
    make_rows(1, model)
    row = apps.get_model(label)._default_manager.first()
    before = everything()
    selected = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}

    assert staff_client.post(admin(label, "add"), {"status": "completed"}).status_code == 403
    assert staff_client.post(admin(label, "change", row.pk), {"status": "completed"}).status_code == 403
    assert staff_client.post(admin(label, "delete", row.pk), {"post": "yes"}).status_code == 403
    staff_client.post(admin(label, "changelist"), selected)

    assert everything() == before
    assert b"delete_selected" not in staff_client.get(admin(label, "changelist")).content


def test_a_picture_can_be_neither_added_nor_changed_by_hand(staff_client: Client, model: MLModel) -> None:
    (image,) = picture_rows(1, model)
    before = everything()

    assert staff_client.post(admin("images.image", "add"), {"filename": "x"}).status_code == 403
    assert staff_client.post(admin("images.image", "change", image.pk), {"status": "success"}).status_code == 403
    assert everything() == before


def test_staff_who_may_delete_pictures_need_no_permission_for_what_belongs_to_them(
    client: Client, model: MLModel
) -> None:
    (image,) = picture_rows(1, model)
    clerk = UserFactory.create(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_image", "delete_image"]))
    client.force_login(clerk)

    client.post(admin("images.image", "delete", image.pk), {"post": "yes"})

    assert [table.objects.count() for table in (AnalysisQueue, AnalysisResult, ProgressLog, TimelineLog)] == [0] * 4


def test_before_deleting_staff_read_how_much_goes_and_no_list_of_rows(
    staff_client: Client, model: MLModel, owner: User
) -> None:
    image, *_others = picture_rows(3, model, user=owner)

    of_picture = staff_client.get(admin("images.image", "delete", image.pk)).content.decode()
    of_person = staff_client.get(admin("accounts.user", "delete", owner.pk)).content.decode()

    assert re.findall(r"<li>([^<]+)</li>", of_picture) == ["Pictures: 1", "Results: 2", image.filename]
    assert re.findall(r"<li>([^<]+)</li>", of_person) == ["Users: 1", "Pictures: 3", "Results: 6", owner.username]


def test_staff_add_people_who_choose_their_password_by_a_link(staff_client: Client, client: Client) -> None:
    staff_client.post(admin("accounts.user", "add"), {"username": "colleague", "email": "c@example.org"})
    colleague = User.objects.get(username="colleague")
    assert not colleague.has_usable_password()

    page = staff_client.post(admin("accounts.user", "reset_link", colleague.pk)).content.decode()
    (link,) = re.findall(r"/accounts/password-reset/[\w-]+/", page)
    client.post(link, {"new_password1": PASSWORD, "new_password2": PASSWORD})

    assert client.login(username="c@example.org", password=PASSWORD)


def test_staff_switch_a_model_off(staff_client: Client, model: MLModel) -> None:
    filled = {"name": model.name, "version": model.version, "description": model.description}

    staff_client.post(admin("mlmodels.mlmodel", "change", model.pk), filled)

    assert MLModel.objects.offered() == []


def test_a_reset_token_is_shown_without_its_hash(staff_client: Client, model: MLModel) -> None:
    images = picture_rows(1, model)
    token_rows(images)
    token = images[0].user.password_reset_tokens.get()

    assert (
        token.token not in staff_client.get(admin("accounts.passwordresettoken", "change", token.pk)).content.decode()
    )


def test_deleting_a_model_leaves_the_pictures(staff_client: Client, model: MLModel, media_of_its_own: Path) -> None:
    (image,) = picture_rows(1, model)

    staff_client.post(admin("mlmodels.mlmodel", "delete", model.pk), {"post": "yes"})

    image.refresh_from_db()
    assert image.model_used is None


def test_the_navigation_offers_what_a_member_of_staff_may_look_at(client: Client, db: None) -> None:
    clerk = UserFactory.create(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_image"]))
    client.force_login(clerk)

    page = client.get(admin("images.image", "changelist"), headers={"Accept-Language": "en"})

    assert [(place.title, place.is_current) for place in page.context["desk_places"]] == [
        ("Dashboard", False),
        ("Pictures", True),
        ("Doctor", False),
    ]
