"""An account that is deleted between the moment its request is let in and the moment that it writes."""

from collections.abc import Callable

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Preferences, User, WaitingMail
from accounts.tests.factories import PASSWORD

NEW = "another fine horse"
CHANGES = {
    reverse("accounts:change_email"): {"email": "new@example.org", "password": PASSWORD},
    reverse("accounts:change_password"): {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW},
    reverse("accounts:set_theme"): {"theme": "dark"},
    "/language/": {"language": "ja"},
}


def deletes_the_account(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """The innermost middleware: the person is loaded, the view has not begun."""

    def respond(request: HttpRequest) -> HttpResponse:
        assert request.user.is_authenticated
        User.objects.filter(pk=request.user.pk).delete()
        return get_response(request)

    return respond


@pytest.fixture
def leaving(transactional_db: None, owner_client: Client, settings: Settings) -> Client:
    """A browser whose account goes while it asks."""
    settings.MAIL_IS_ON = True
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.deletes_the_account"]
    return owner_client


@pytest.mark.parametrize("address", CHANGES)
def test_who_changes_a_deleted_account_is_signed_out_and_nothing_is_kept(address: str, leaving: Client) -> None:
    answer = leaving.post(address, CHANGES[address])

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("accounts:login"))
    assert "_auth_user_id" not in leaving.session
    assert [table.objects.count() for table in (User, Preferences, WaitingMail)] == [0, 0, 0]


def test_who_deletes_a_deleted_account_is_signed_out(leaving: Client) -> None:
    answer = leaving.post(reverse("images:leave"), {"password": PASSWORD})

    assert answer["Location"].startswith(reverse("accounts:login"))


def test_a_program_is_told_in_json(leaving: Client) -> None:
    answer = leaving.post(reverse("accounts:set_theme"), {"theme": "dark"}, headers={"Accept": "application/json"})

    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "sign_in_required"
