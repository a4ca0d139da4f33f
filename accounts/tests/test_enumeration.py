"""No answer tells whether an account exists, is switched off, or has a password."""

import re

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.tests.factories import PASSWORD, UserFactory

KINDS = ("known", "disabled", "unusable", "unknown")


@pytest.fixture(autouse=True)
def people(db: None) -> None:
    UserFactory.create(username="known")
    UserFactory.create(username="disabled", is_active=False)
    unusable = UserFactory.create(username="unusable")
    unusable.set_unusable_password()
    unusable.save()


def seen(answer: HttpResponse, kind: str) -> tuple[int, str, dict[str, str], set[str]]:
    """What a visitor can tell apart: all but what was typed, the tokens of forms and the time."""
    body = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode().replace(kind, "…"))
    headers = {name: value for name, value in answer.headers.items() if name not in ("Content-Length", "Expires")}
    return answer.status_code, body, headers, set(answer.cookies)


@pytest.mark.parametrize("door", ["/accounts/login/", "/admin/login/"])
@pytest.mark.parametrize("by", ["{}", "{}@example.org"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_wrong_password_and_a_wrong_name_are_answered_alike(door: str, by: str, accept: str) -> None:
    answers = [
        seen(Client().post(door, {"username": by.format(kind), "password": "wrong"}, headers={"Accept": accept}), kind)
        for kind in KINDS
    ]

    assert all(answer == answers[0] for answer in answers)


def test_not_even_the_right_password_tells_that_an_account_is_switched_off() -> None:
    off, none = (
        seen(Client().post("/accounts/login/", {"username": kind, "password": PASSWORD}), kind)
        for kind in ("disabled", "unknown")
    )

    assert off == none


def test_once_stopped_all_are_answered_alike() -> None:
    answers = []
    for number, kind in enumerate(KINDS):
        visitor = Client(REMOTE_ADDR=f"192.0.2.{number}")
        form = {"username": kind, "password": "wrong"}
        answers.append([seen(visitor.post("/accounts/login/", form), kind)[0] for _ in range(15)])

    assert answers == [[200] * 11 + [429] * 4] * len(KINDS)
