"""Guessing passwords: slow for strangers, on every door, and no way to lock the owner out."""

import json

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts import devices, guessing
from accounts.guessing import SignInTry, TooManyTriesError
from accounts.models import SpentBudget, User
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.test_budgets import time_passes

SIGN_IN, ADMIN_SIGN_IN = reverse("accounts:login"), reverse("admin:login")
OWNERS = "198.51.100.200"


@pytest.fixture
def person(db: None) -> User:
    return UserFactory.create(username="person", email="Person@example.org", is_staff=True)


def evaluated(tries: int, *, addresses: int = 1, names: tuple[str, ...] = ("person",), door: str = SIGN_IN) -> int:
    """How many of so many wrong guesses the application looked at."""
    client, seen = Client(), 0
    for number in range(tries):
        address = f"192.0.2.{number % addresses}"
        form = {"username": names[number // addresses % len(names)], "password": f"guess {number}"}
        client.cookies.clear()
        seen += client.post(door, form, REMOTE_ADDR=address).status_code == 200
    return seen


def signs_in(client: Client, name: str = "person") -> bool:
    return client.post(SIGN_IN, {"username": name, "password": PASSWORD}).status_code == 302


@pytest.mark.parametrize("door", [SIGN_IN, ADMIN_SIGN_IN])
def test_guesses_from_one_address_are_slowed_down_at_both_doors(door: str, person: User) -> None:
    assert evaluated(40, door=door) == 11  # the address's first one, and the name's ten
    assert evaluated(20, door=SIGN_IN if door == ADMIN_SIGN_IN else ADMIN_SIGN_IN) == 0


def test_from_fifty_addresses_by_both_names_no_more_than_a_hundred_an_hour_are_looked_at(person: User) -> None:
    names = ("person", "person@example.org")

    looked_at = evaluated(300, addresses=50, names=names)
    for _tenth in range(10):  # of an hour
        time_passes(360)
        looked_at += evaluated(100, addresses=50, names=names)

    assert looked_at <= 100


def test_the_owner_comes_in_while_others_guess(person: User) -> None:
    assert evaluated(150, addresses=50) < 100

    for _try in range(20):
        assert signs_in(Client(REMOTE_ADDR=OWNERS))
        assert evaluated(5, addresses=5) == 0
    time_passes(1800)
    assert signs_in(Client(REMOTE_ADDR=OWNERS))


def test_the_owners_own_browser_is_let_in_whatever_strangers_and_neighbours_do(person: User) -> None:
    browser = Client(REMOTE_ADDR=OWNERS)
    assert signs_in(browser)
    browser.post(reverse("accounts:logout"))
    evaluated(100, addresses=100)
    for number in range(20):  # a neighbour behind the same address
        Client(REMOTE_ADDR=OWNERS).post(SIGN_IN, {"username": "person", "password": f"guess {number}"})

    assert not signs_in(Client(REMOTE_ADDR=OWNERS))
    assert signs_in(browser)


def test_somebodys_browser_is_nobody_elses(person: User, owner: User) -> None:
    stranger = Client(REMOTE_ADDR="192.0.2.0")
    assert signs_in(stranger, "owner")
    stranger.post(reverse("accounts:logout"))
    cookie = next(value for name, value in stranger.cookies.items() if "device" in name)

    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert str(owner.pk) not in cookie.value.split(".")
    evaluated(40)
    assert not signs_in(stranger)


def test_a_browser_remembers_several_people_but_not_endlessly(db: None) -> None:
    browser = Client()
    people = [UserFactory.create() for _ in range(devices.PEOPLE_OF_A_BROWSER + 1)]
    for user in people:
        assert signs_in(browser, user.username)
        browser.post(reverse("accounts:logout"))
    request = browser.get(SIGN_IN).wsgi_request

    assert [devices.known_to(user, request) is not None for user in people] == [False, *[True] * 5]


def test_many_accounts_from_one_address_are_stopped_by_the_address(db: None) -> None:
    names = tuple(f"person_{number}" for number in range(1000))

    assert evaluated(300, names=names) <= 15


def test_names_that_exist_and_names_that_do_not_are_stopped_alike(person: User) -> None:
    counts = [evaluated(20, names=("person",))]
    SpentBudget.objects.all().delete()
    counts.append(evaluated(20, names=("nobody",)))

    assert counts == [11, 11]


@pytest.mark.parametrize("spelling", ["PERSON", " person ", "\uff50erson", "per\u017fon"])
def test_another_spelling_is_no_further_budget(spelling: str, person: User) -> None:
    evaluated(20)

    assert evaluated(5, names=(spelling,)) == 0


def test_right_passwords_cost_nothing(person: User) -> None:
    assert all(signs_in(Client()) for _ in range(40))
    assert not SpentBudget.objects.exists()


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_made_up_address_neither_resets_a_count_nor_poisons_anothers(header: str, person: User) -> None:
    for number in range(40):
        made_up = {header: f"203.0.113.{number}"}
        Client(REMOTE_ADDR="192.0.2.0", headers=made_up).post(SIGN_IN, {"username": "person", "password": "x"})

    assert evaluated(1) == 0
    assert signs_in(Client(REMOTE_ADDR="203.0.113.5"))


def test_whoever_is_stopped_is_told_how_long_and_what_to_do(person: User) -> None:
    evaluated(20)
    client = Client(REMOTE_ADDR="192.0.2.0")
    form = {"username": "person", "password": "x"}

    page = client.post(SIGN_IN, form)
    japanese = client.post(SIGN_IN, form, headers={"Accept-Language": "ja"})
    told = client.post(SIGN_IN, form, headers={"Accept": "application/json"})

    assert page.status_code == japanese.status_code == told.status_code == 429
    assert 300 <= int(page["Retry-After"]) <= 360
    assert "Please wait 6 minutes" in page.content.decode()
    with translation.override("ja"):
        assert guessing.sentence(360) in japanese.content.decode()
    (error,) = json.loads(told.content)["errors"]
    assert (error["code"], error["retry_after_seconds"]) == ("too_many_tries", int(told["Retry-After"]))


def test_the_right_password_is_not_told_from_a_wrong_one_once_stopped(person: User) -> None:
    evaluated(20)
    client = Client(REMOTE_ADDR="192.0.2.0")

    assert not signs_in(client)


def test_registering_is_slowed_down_by_address(db: None) -> None:
    form = {"username": "person", "email": "person@example.org"}
    statuses = [Client().post(reverse("accounts:register"), form).status_code for _ in range(70)]

    assert statuses == [200] * 60 + [429] * 10
    assert Client(REMOTE_ADDR=OWNERS).post(reverse("accounts:register"), form).status_code == 200


def test_a_try_is_paid_for_before_it_is_made(person: User) -> None:
    request = Client().get(SIGN_IN).wsgi_request

    for _ in range(11):
        SignInTry(request, "person")

    with pytest.raises(TooManyTriesError):
        SignInTry(request, "person")


def test_what_was_typed_as_a_name_is_in_no_log(person: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    Client().post(SIGN_IN, {"username": "my secret typed too early", "password": "another secret"})

    assert [record.getMessage() for record in caplog.records if record.name == "audit"] == ["sign_in_failed"]
    assert "secret" not in "".join(str(vars(record).get("audit")) + record.getMessage() for record in caplog.records)
