"""What nobody can reach by what they send or follow: others' rights, others' pictures, other hosts."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from accounts.tests.clients import client_of
from accounts.tests.factories import PASSWORD, UserFactory
from analysis.models import AnalysisQueue
from imageanalysis.tests.servers import ROOT
from images.models import Image
from images.tests.factories import drawn_picture, queued_image, uploaded
from mlmodels.models import MLModel

WISHED = {
    "status": "success",
    "user": "1",
    "user_id": "1",
    "position": "-1000",
    "retry_count": "99",
    "model_name": "clip:1.0.0",
    "file_path": "/etc/passwd",
    "thumbnail_path": "/etc/passwd",
    "is_staff": "on",
    "is_superuser": "on",
    "is_active": "on",
    "groups": "1",
    "user_permissions": "1",
}
ELSEWHERE = [
    "//evil.example/",
    "https://evil.example/",
    "https:evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "/\\evil.example",
    "\\\\evil",
    "/%0d%0aLocation:%20https://evil.example",
    "/\r\nSet-Cookie: a=b",
    "\t//evil.example",
    " //evil.example",
]


def rows(model: type[Any]) -> list[Any]:
    return list(model.objects.order_by("pk").values())


def test_an_upload_takes_nothing_over_but_file_model_and_priority(
    owner: User, other_user: User, model: MLModel
) -> None:
    for wished in ({}, WISHED | {"user": str(other_user.pk), "user_id": str(other_user.pk)}):
        sent = {"files": uploaded(drawn_picture()), "model": model.key, "priority": "low", **wished}
        client_of(owner).post("/images/upload/", sent)

    plain, wishing = (
        {name: entry[name] for name in ("user_id", "status", "priority", "retry_count", "model_name")}
        for entry in rows(AnalysisQueue)
    )
    assert plain == wishing
    assert {image.user for image in Image.objects.all()} == {owner}
    assert all(re.fullmatch(r"[0-9a-f-]{36}/original\.png", image.file_path) for image in Image.objects.all())


@pytest.mark.parametrize("action", ["analyze", "retry", "cancel"])
def test_an_action_takes_nothing_over_but_what_it_asks_for(action: str, owner: User, model: MLModel) -> None:
    image = queued_image(user=owner, model=model)
    other = queued_image(user=owner, model=model)
    fixed = ("user_id", "position", "retry_count", "model_name", "image_id")
    before = [{name: entry[name] for name in fixed} for entry in rows(AnalysisQueue)]
    paths = list(Image.objects.order_by("pk").values_list("user_id", "file_path", "thumbnail_path"))

    client_of(owner).post(f"/images/{image.pk}/{action}/", {**WISHED, "image": other.pk, "pk": other.pk})

    assert [{name: entry[name] for name in fixed} for entry in rows(AnalysisQueue)] == before
    assert list(Image.objects.order_by("pk").values_list("user_id", "file_path", "thumbnail_path")) == paths
    assert AnalysisQueue.objects.get(image=other).status == "waiting"


def test_urgent_is_for_staff(owner: User, model: MLModel) -> None:
    client_of(owner).post("/images/upload/", {"files": uploaded(drawn_picture()), "priority": "urgent"})

    assert not AnalysisQueue.objects.filter(priority="urgent").exists()


def test_nobody_registers_or_changes_themselves_into_staff(owner: User, client: Client) -> None:
    person = {"username": "climber", "email": "c@example.org", "password1": PASSWORD, "password2": PASSWORD}
    client.post("/accounts/register/", {**person, **WISHED})
    for page in ("/accounts/profile/", "/accounts/profile/email/", "/accounts/profile/password/", "/language/"):
        client.post(page, {**WISHED, "email": "d@example.org", "password": PASSWORD, "language": "en"})

    climber = User.objects.get(username="climber")
    rights = (climber.is_staff, climber.is_superuser, climber.groups.exists(), climber.user_permissions.exists())
    assert not any(rights)


def test_the_queue_tells_numbers_and_nothing_of_anybody_else(owner: User, other_user: User, model: MLModel) -> None:
    others = [queued_image(user=other_user, model=model, name=f"secret-plan-{n}.png") for n in range(3)]
    own = queued_image(user=owner, model=model)
    client = client_of(owner)
    told = []
    for address in (
        "/",
        "/images/",
        f"/images/live/?ids={own.pk},{others[0].pk}",
        f"/images/{own.pk}/",
        f"/images/{own.pk}/timeline/",
    ):
        for accept in ("text/html", "application/json"):
            answer = client.get(address, headers={"accept": accept})
            told.append(answer.content.decode() + str(answer.headers))

    story = client.get(f"/images/{own.pk}/timeline/", headers={"accept": "application/json"}).json()
    assert isinstance(story["queue"]["ahead"], int)
    for text in told:
        assert "secret-plan" not in text
        assert other_user.username not in text
        assert not [each for each in others if re.search(rf"/images/{each.pk}\b|picture-{each.pk}\b", text)]


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_no_form_leads_to_another_host(wanted: str, owner: User) -> None:
    sign_in = {"username": owner.username, "password": PASSWORD, "next": wanted}
    answers = [
        Client().post("/accounts/login/", sign_in),
        client_of(owner).post("/accounts/logout/", {"next": wanted}),
        client_of(owner).post("/language/", {"language": "ja", "next": wanted}),
        Client().post("/language/", {"language": "ja", "next": wanted}, headers={"referer": "https://evil.example/"}),
        client_of(owner).get("/accounts/login/", {"next": wanted}),
    ]

    for answer in answers:
        assert answer.status_code in (200, 302)
        assert re.fullmatch(r"/(?![/\\])[^\r\n]*", answer.headers.get("Location", "/"))
        assert answer.cookies.get("a") is None


def test_scripts_put_no_words_of_people_into_the_page_as_markup() -> None:
    sink = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc")

    found = {path.name: sink.findall(path.read_text(encoding="utf-8")) for path in (ROOT / "static/js").glob("*.js")}

    assert found
    assert {name: sinks for name, sinks in found.items() if sinks} == {}


def test_staff_without_the_permission_change_neither_models_nor_the_queue(owner: User, model: MLModel) -> None:
    image = queued_image(user=owner, model=model)
    clerk = UserFactory.create(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = client_of(clerk)
    models, queue = "/admin/mlmodels/mlmodel/", "/admin/analysis/analysisqueue/"
    tries = [
        (f"{models}add/", {"version": "1"}),
        (f"{models}add/labels/", {"version": "1"}),
        (f"{models}add/back/", {"key": "clip:1.0.0"}),
        (f"{models}{model.pk}/change/", {"is_active": ""}),
        (f"{models}{model.pk}/exam/", {}),
        (f"{models}{model.pk}/weights/", {}),
        (f"{models}{model.pk}/delete/", {"post": "yes"}),
        (f"{queue}pause/", {}),
        (f"{queue}resume/", {}),
    ]

    assert [client.post(address, filled).status_code for address, filled in tries] == [403] * len(tries)
    for address, actions, row in (
        (models, ("offer", "stop_offering", "take_exams", "fetch_weights", "delete_selected"), model.pk),
        (queue, ("cancel", "make_urgent", "move_to_front", "run_again"), image.queue.pk),
    ):
        for action in actions:
            client.post(address, {"action": action, "_selected_action": [row], "post": "yes"})
    assert MLModel.objects.filter(pk=model.pk, is_active=True).exists()
    assert AnalysisQueue.objects.get().status == "waiting"
    assert Image.objects.count() == 1
