"""Signing in and out."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts import sessions
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, UserFactory

SIGN_IN = reverse("accounts:login")
SIGN_OUT = reverse("accounts:logout")
WRONG = "User name, e-mail or password is wrong. Please try again."


@pytest.fixture
def person(db: None) -> User:
    return UserFactory.create(username="person", email="A.Long.Name.Of.Somebody@example.org")


def signed_in(client: Client) -> bool:
    return client.get("/").status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "person",
        " person ",
        "A.Long.Name.Of.Somebody@example.org",
        "a.long.name.of.somebody@EXAMPLE.ORG",
        "A.LONG.NAME.OF.SOMEBODY@example.org",
    ],
)
def test_a_person_signs_in_by_user_name_or_by_e_mail_in_any_case(name: str, person: User, client: Client) -> None:
    answer = client.post(SIGN_IN, {"username": name, "password": PASSWORD})

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/").context["user"] == person


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("person", "wrong"),
        ("A.Long.Name.Of.Somebody@example.org", "wrong"),
        ("nobody", PASSWORD),
        ("nobody@example.org", PASSWORD),
        ("PERSON", PASSWORD),
        ("person", f" {PASSWORD} "),
    ],
)
def test_one_sentence_for_whatever_was_wrong(name: str, password: str, person: User, client: Client) -> None:
    answer = client.post(SIGN_IN, {"username": name, "password": password})

    assert answer.context["form"].errors == {"__all__": [WRONG]}
    assert not signed_in(client)


@pytest.mark.parametrize("name", ["", "nul\0", "x" * 255])
def test_a_name_that_cannot_be_is_refused_at_its_field(name: str, person: User, client: Client) -> None:
    answer = client.post(SIGN_IN, {"username": name, "password": PASSWORD})

    assert list(answer.context["form"].errors) == ["username"]


def test_after_a_mistake_the_password_is_typed_again(person: User, client: Client) -> None:
    page = client.post(SIGN_IN, {"username": person.username, "password": "mistyped"}).content.decode()

    (focused,) = re.findall("<input[^>]* autofocus[^>]*>", page)
    assert 'name="password"' in focused


def test_an_account_that_is_switched_off_stays_out(person: User, client: Client) -> None:
    User.objects.update(is_active=False)

    answer = client.post(SIGN_IN, {"username": "person", "password": PASSWORD})

    assert answer.context["form"].errors == {"__all__": [WRONG]}
    assert not signed_in(client)


def test_switching_an_account_off_ends_its_sessions(person: User, client: Client) -> None:
    client.force_login(person)

    User.objects.update(is_active=False)

    assert not signed_in(client)


@pytest.mark.parametrize("wanted", ["/images/", "/images/upload/?from=menu"])
def test_after_the_sign_in_a_person_comes_where_they_wanted_to_go(wanted: str, person: User, client: Client) -> None:
    sent_to = client.get(wanted)["Location"]

    answer = client.post(sent_to, {"username": "person", "password": PASSWORD})

    assert answer["Location"] == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example/",
        "https://evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "/\\evil.example",
        "\\\\evil",
    ],
)
def test_the_sign_in_never_leads_to_another_host(wanted: str, person: User, client: Client) -> None:
    answer = client.post(SIGN_IN, {"username": "person", "password": PASSWORD, "next": wanted})

    assert answer["Location"] == "/"


def test_the_sessions_key_changes_with_the_sign_in(person: User, client: Client) -> None:
    client.post("/language/", {"language": "ja"})
    session = client.session
    session["from before"] = True
    session.save()

    client.post(SIGN_IN, {"username": "person", "password": PASSWORD})

    assert client.session.session_key != session.session_key
    assert not Session.objects.filter(pk=sessions.digest(session.session_key)).exists()


def test_signing_out_ends_the_session_on_the_server(person: User, client: Client) -> None:
    client.force_login(person)
    cookies = client.cookies.output(header="").strip()

    answer = client.post(SIGN_OUT)

    assert (answer.status_code, answer["Location"]) == (302, SIGN_IN)
    assert not Session.objects.exists()
    client.cookies.load(cookies)
    assert not signed_in(client)


def test_a_mere_link_does_not_sign_out(person: User, client: Client) -> None:
    client.force_login(person)

    assert client.get(SIGN_OUT).status_code == 405
    assert signed_in(client)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("person", True),
        ("\uff50\uff45\uff52\uff53\uff4f\uff4e", True),
        ("Person", False),
        ("perso", False),
        ("a.long.name.of.somebody@example.org", True),
        (" A.LONG.name.of.somebody@example.org", True),
        ("somebody@example.org", False),
        ("%@example.org", False),
        ("_.Long.Name.Of.Somebody@example.org", False),
        ("", False),
        ("@", False),
    ],
)
def test_a_person_is_found_by_the_whole_name_only(wanted: str, found: bool, person: User) -> None:
    assert User.objects.find(wanted) == (person if found else None)
