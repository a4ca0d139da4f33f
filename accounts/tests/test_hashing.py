"""Passwords are hashed one at a time, behind everything else, and nobody waits for it in a long line."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from django.contrib.auth import hashers
from django.test import Client
from pytest_django import Settings

from accounts import hashing
from accounts.models import User
from accounts.tests.factories import PASSWORD


@pytest.fixture
def all_turns_are_taken() -> Iterator[None]:
    with ExitStack() as turns:
        for _ in range(hashing.MOST_WAITING):
            turns.enter_context(hashing.turn())
        yield


@pytest.mark.parametrize("door", ["/accounts/login/", "/admin/login/"])
@pytest.mark.usefixtures("all_turns_are_taken")
def test_who_comes_when_many_wait_is_asked_to_come_again(door: str, owner: User, client: Client) -> None:
    answer = client.post(door, {"username": owner.username, "password": PASSWORD})

    assert "Please try again in a few seconds." in answer.content.decode()
    assert f'value="{owner.username}"' in answer.content.decode()
    assert "_auth_user_id" not in client.session


@pytest.mark.usefixtures("all_turns_are_taken")
def test_programs_are_told_when_to_come_again(owner: User, client: Client) -> None:
    answer = client.post("/accounts/login/", {"username": owner.username, "password": PASSWORD})

    assert (answer.status_code, answer["Retry-After"]) == (503, "3")


def test_being_asked_to_come_again_costs_no_tries(owner: User, client: Client) -> None:
    form = {"username": owner.username, "password": PASSWORD}
    with ExitStack() as turns:
        for _ in range(hashing.MOST_WAITING):
            turns.enter_context(hashing.turn())
        for _ in range(100):
            client.post("/accounts/login/", form)

    assert client.post("/accounts/login/", form).status_code == 302


def test_hashes_are_made_one_at_a_time_behind_everything_else() -> None:
    at_once = threading.Semaphore(1)
    begin = threading.Barrier(8)

    def watched() -> tuple[bool, int]:
        is_alone = at_once.acquire(blocking=False)
        hashers.Argon2PasswordHasher().encode("password", "salt of sixteen b")
        if is_alone:
            at_once.release()
        return is_alone, os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def ask(_n: int) -> tuple[bool, int]:
        begin.wait()
        return hashing._hashing.run(watched)

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(ask, range(8)))

    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert seen == [(True, min(hashing.NICENESS, 19))] * 8
    assert own < hashing.NICENESS


def test_a_forked_process_hashes_too() -> None:
    hasher = hashing.Argon2PasswordHasher()
    encoded = hasher.encode("password", hasher.salt())  # the thread has begun

    pid = os.fork()
    if pid == 0:
        os._exit(0 if hasher.verify("password", encoded) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_hash_of_django_s_own_parameters_is_verified_and_made_anew(
    owner: User, client: Client, settings: Settings
) -> None:
    settings.PASSWORD_HASHERS = ["accounts.hashing.Argon2PasswordHasher"]
    before = hashers.Argon2PasswordHasher().encode(PASSWORD, "salt of sixteen b")
    User.objects.filter(pk=owner.pk).update(password=before)

    assert client.post("/accounts/login/", {"username": owner.username, "password": PASSWORD}).status_code == 302

    after = User.objects.get(pk=owner.pk).password
    assert "m=102400,t=2,p=8" in before
    assert "m=19456,t=2,p=1" in after
