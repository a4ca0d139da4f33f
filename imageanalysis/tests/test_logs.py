"""What is written down: who did what, when and from where; no secret, and no line that is forged."""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts import audit
from accounts.models import PasswordResetToken, User
from accounts.tests.clients import client_of
from accounts.tests.factories import PASSWORD, UserFactory
from imageanalysis import console, logs
from images.tests.factories import queued_image
from mlmodels.models import MLModel

Lines = Callable[[], list[dict[str, Any]]]


class Kept(logging.Handler):
    """Keeps every line as both formatters write it."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.objects: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(logs.LineFormatter().format(record))
        self.objects.append(logs.JSONFormatter().format(record))


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler, root = Kept(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel("INFO")
    logging.getLogger("audit").setLevel("INFO")
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


def said(kept: Kept) -> list[dict[str, Any]]:
    return [json.loads(line) for line in kept.objects if "event" in json.loads(line)]


def test_who_did_what_when_and_from_where_is_one_line(kept: Kept, owner: User) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.9")

    audit.record("something_done", request=request, user=owner, count=3, name="a b")

    (line,) = kept.texts
    assert re.fullmatch(
        rf'\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z INFO audit something_done user={owner.pk} username="owner"'
        r' address="203.0.113.9" count=3 name="a b"',
        line,
    )
    (found,) = said(kept)
    assert found["facts"] == {"count": 3, "name": "a b"}
    assert (found["event"], found["user"], found["address"]) == ("something_done", owner.pk, "203.0.113.9")


@pytest.mark.parametrize("name", ["password", "new_password1", "token", "session_key", "csrfmiddlewaretoken", "cookie"])
def test_a_fact_that_is_named_like_a_secret_is_hidden(name: str, kept: Kept) -> None:
    audit.record("something_done", **{name: "hush"})

    assert "hush" not in "".join([*kept.texts, *kept.objects])


@pytest.mark.parametrize(
    "evil", ["a\nINFO audit sign_in user=1", "a\r\nb", "\x1b[31mred", "a\u2028b", "a\u202eb", "\0"]
)
def test_a_visitors_words_begin_no_line_and_command_no_terminal(evil: str, kept: Kept) -> None:
    audit.record("something_done", name=evil)
    logging.getLogger("a").warning("said %s", evil)
    try:
        raise ValueError(evil)
    except ValueError:
        logging.getLogger("a").exception("broken by %s", evil)

    for line in kept.texts:
        assert all(each.startswith("  ") for each in line.split("\n")[1:])
        assert not set(line) & {"\r", "\x1b", "\u2028", "\u202e", "\0"}
    assert all(len(line.splitlines()) == 1 for line in kept.objects)
    assert json.loads(kept.objects[2])["exception"].startswith("Traceback")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Not Found: /accounts/password-reset/abcdefghijklmnopqrstuvwxyz0123/", "/password-reset/***/"),
        ("cannot reach redis://user:hush@host:6379/0", "redis://user:***@host:6379/0"),
        ("Cookie: sessionid_8000=abcdefgh; csrftoken=ijkl", "sessionid_8000=***; csrftoken=***"),
    ],
)
def test_secrets_in_the_words_of_others_are_hidden(text: str, shown: str, kept: Kept) -> None:
    logging.getLogger("a").warning(text)

    assert shown in kept.texts[0]
    assert shown in kept.objects[0]


@pytest.mark.parametrize(
    ("proxies", "told", "taken"), [(1, "from-a-proxy", True), (0, "from-a-proxy", False), (1, "a b\n", False)]
)
def test_every_line_of_a_request_carries_its_id(
    proxies: int, told: str, taken: bool, kept: Kept, settings: Settings, db: None
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies

    Client().get("/nowhere/", headers={"x-request-id": told})
    logging.getLogger("a").info("afterwards")

    ids = [json.loads(line).get("request_id") for line in kept.objects if "nowhere" in line or "afterwards" in line]
    assert ids[-1] is None
    assert (ids[0] == told) is taken
    assert re.fullmatch(r"[\w-]{8,64}", ids[0])


def test_the_level_and_the_form_reach_every_process() -> None:
    chosen = logs.configuration(level="WARNING", log_format="json")

    assert chosen["root"]["level"] == "WARNING"
    assert chosen["formatters"]["chosen"]["()"] == "imageanalysis.logs.JSONFormatter"
    assert chosen["loggers"]["audit"]["level"] == chosen["loggers"]["celery.apps.worker"]["level"] == "INFO"


def test_what_other_programs_say_is_put_into_objects(capfd: pytest.CaptureFixture[str]) -> None:
    shown = console.Console(sys.stdout.fileno(), ["web", "broker"], as_json=True)

    shown.log("web", ['{"message": "ours"}'])
    shown.log("broker", ["# ready"])
    shown.say("\n  Open it.\n\n")

    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["message"] for line in lines] == ["ours", "# ready", "Open it."]
    assert [line.get("logger") for line in lines] == [None, "broker", "start"]


def test_what_staff_do_is_written_down(kept: Kept, staff: User, owner: User, model: MLModel) -> None:
    image = queued_image(user=owner, model=model)
    client = client_of(staff)
    kept.objects.clear()
    models, queue = "/admin/mlmodels/mlmodel/", "/admin/analysis/analysisqueue/"

    client.get(f"/admin/images/image/{image.pk}/change/")
    client.get(f"/admin/analysis/timelinelog/{image.timeline.pk}/change/")
    client.post(models, {"action": "stop_offering", "_selected_action": [model.pk]})
    client.post(f"{models}{model.pk}/change/", {"description": "new words"})
    client.post(queue, {"action": "cancel", "_selected_action": [image.queue.pk]})
    client.post(f"{queue}pause/")
    client.post(f"/admin/images/image/{image.pk}/delete/", {"post": "yes"})
    client.post(f"{models}{model.pk}/delete/", {"post": "yes"})
    client.post("/admin/logout/")

    found = said(kept)
    assert [line["event"] for line in found] == [
        "admin_opened",
        "admin_opened",
        "model_withdrawn",
        "admin_changed",
        "queue_action",
        "queue_paused",
        "admin_deleted",
        "admin_deleted",
        "sign_out",
    ]
    assert {line["username"] for line in found} == {"staff"}
    opened = found[0]["facts"]
    assert (opened["table"], opened["row"], opened["owner"]) == ("images", image.pk, owner.pk)


def test_denials_are_written_down(kept: Kept, owner: User, other_user: User, model: MLModel) -> None:
    image = queued_image(user=owner, model=model)
    clerk = UserFactory.create(username="clerk", is_staff=True)
    kept.objects.clear()

    client_of(other_user).get(f"/images/{image.pk}/file/")
    client_of(clerk).post("/admin/analysis/analysisqueue/pause/")
    Client(enforce_csrf_checks=True).post("/accounts/login/", {"username": "owner"})
    Client().get(f"/images/{image.pk}/", headers={"accept": "application/json"})

    denied = [(line["username"], line["facts"]["status"]) for line in said(kept) if line["event"] == "denied"]
    assert denied == [("other_user", 404), ("clerk", 403), ("", 403), ("", 401)]
    assert f"/images/{image.pk}/file/" in kept.objects[0] + kept.objects[1]


def test_the_logs_of_a_whole_journey_hold_no_secret(kept: Kept, model: MLModel, media_of_its_own: Path) -> None:
    client = Client()
    new = "another good password 7"
    person = {"username": "traveller", "email": "t@example.org", "password1": PASSWORD, "password2": PASSWORD}
    client.post("/accounts/register/", person)
    secrets = {PASSWORD, new, client.session.session_key, *(morsel.value for morsel in client.cookies.values())}
    client.post("/accounts/logout/")
    client.post("/accounts/login/", {"username": "traveller", "password": new})
    client.post("/accounts/login/", {"username": new, "password": "x"})
    client.post("/accounts/login/", {"username": "traveller", "password": PASSWORD})
    secrets |= {client.session.session_key, *(morsel.value for morsel in client.cookies.values())}
    image = queued_image(user=User.objects.get(), model=model)
    b"".join(client.get(f"/images/{image.pk}/file/"))
    client.post("/accounts/password-reset/", {"email": "t@example.org"})
    client.post(f"/images/{image.pk}/delete/")
    client.get("/accounts/password-reset/" + "s3cr3t_token-" * 4 + "/nowhere/")
    client.get("/nowhere/?password=hush", headers={"cookie": "sessionid=hush-hush-hush"})
    client.post("/accounts/logout/")

    everything = "\n".join([*kept.texts, *kept.objects])
    secrets |= {row.token for row in PasswordResetToken.objects.all()} | {"s3cr3t_token", "hush"}
    assert [secret for secret in secrets if secret and len(secret) > 3 and secret in everything] == []
    events = [line["event"] for line in said(kept)]
    assert {"registered", "sign_in", "sign_in_failed", "sign_out", "picture_deleted"} <= set(events)
    assert all(line["time"].endswith("Z") and "request_id" in line for line in said(kept))
