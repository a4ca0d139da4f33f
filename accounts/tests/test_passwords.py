"""Which passwords are taken: long ones, any characters, nothing common, nothing like the name; and quickly."""

import gzip
from pathlib import Path

import pytest
from django.contrib.auth import password_validation
from django.contrib.auth.hashers import get_hasher
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django import Settings

from accounts import resets
from accounts.hashing import Argon2PasswordHasher
from accounts.models import User
from accounts.tests.letters import path_of

KEPT = [
    "8 chars!",
    "x7" * 64,
    "\u7a7a\u767d \u3068 \u65e5\u672c\u8a9e \u306e \u5408\u8a00\u8449",
    " leading and trailing ",
    "e\u0301 is not \u00e9",
    "\U0001f40e battery staple",
    "tab\tinside it",
]


@pytest.mark.parametrize("password", KEPT)
def test_a_new_password_is_kept_byte_for_byte(password: str, owner: User, client: Client) -> None:
    link = path_of(resets.link_for(owner))

    assert client.post(link, {"new_password1": password, "new_password2": password}).status_code == 302

    owner.refresh_from_db()
    assert owner.check_password(password)
    assert not owner.check_password(password.strip() if password != password.strip() else f"{password} ")
    assert client.post("/accounts/login/", {"username": "owner", "password": password}).status_code == 302


def test_all_common_passwords_are_refused() -> None:
    listed = Path(password_validation.__file__).with_name("common-passwords.txt.gz")
    with gzip.open(listed, "rt", encoding="utf-8") as lines:
        common = [line.strip() for line in lines if len(line.strip()) >= 8][:3000]

    taken = []
    for password in common:
        try:
            password_validation.validate_password(password)
        except ValidationError:
            continue
        taken.append(password)

    assert len(common) == 3000
    assert taken == []


@pytest.mark.parametrize("password", ["owner123", "OWNER_1", "1owner@example.org"])
def test_a_password_like_the_name_is_refused(password: str, owner: User) -> None:
    with pytest.raises(ValidationError):
        password_validation.validate_password(password, owner)


@pytest.mark.parametrize(
    ("door", "fields"),
    [
        ("/accounts/login/", ["password"]),
        ("/admin/login/", ["password"]),
        ("/accounts/register/", ["password1", "password2"]),
        ("reset", ["new_password1", "new_password2"]),
    ],
)
def test_a_password_of_a_megabyte_is_answered_by_the_real_hasher(
    door: str, fields: list[str], owner: User, client: Client, settings: Settings
) -> None:
    link = path_of(resets.link_for(owner))
    settings.PASSWORD_HASHERS = ["accounts.hashing.Argon2PasswordHasher"]
    form = dict.fromkeys(fields, "correct horse " * 75_000) | {"username": "somebody", "email": "some@example.org"}

    answer = client.post(link if door == "reset" else door, form)

    assert answer.status_code == (200 if "login" in door else 302)


def test_passwords_are_hashed_by_argon2_with_at_least_nineteen_mebibytes(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["accounts.hashing.Argon2PasswordHasher"]
    hasher = get_hasher("default")

    assert isinstance(hasher, Argon2PasswordHasher)
    assert hasher.memory_cost >= 19 * 1024
    assert hasher.time_cost >= 2
