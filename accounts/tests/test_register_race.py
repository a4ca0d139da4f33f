"""People who register at the very same moment, in threads with connections of their own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.models import User
from accounts.tests.factories import PASSWORD

ROUNDS = 5
PEOPLE = 4


def at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
    """What `act` returns in each of `count` threads that start together."""
    barrier = Barrier(count)

    def run(number: int) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(10)
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.django_db(transaction=True)
def test_of_many_first_registrations_at_once_exactly_one_becomes_the_administrator() -> None:
    for _ in range(ROUNDS):
        at_once(PEOPLE, lambda n: services.register(username=f"user_{n}", email=f"{n}@example.org", password=PASSWORD))

        assert User.objects.count() == PEOPLE
        assert User.objects.filter(is_superuser=True, is_staff=True).count() == 1
        User.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_want_the_same_name_at_once_one_gets_it_and_the_others_are_told() -> None:
    clients = [Client() for _ in range(PEOPLE)]

    def apply(number: int) -> Any:
        filled = {"email": f"{number}@example.org", "password1": PASSWORD, "password2": PASSWORD}
        return clients[number].post(reverse("accounts:register"), {"username": "wanted", **filled})

    answers = at_once(PEOPLE, apply)

    assert sorted(answer.status_code for answer in answers) == [200] * (PEOPLE - 1) + [302]
    for answer in answers:
        assert answer.status_code == 302 or "This user name is taken." in answer.content.decode()
    assert User.objects.count() == 1
