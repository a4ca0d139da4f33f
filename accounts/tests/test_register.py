"""Making an account."""

import re

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import services
from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory

REGISTER = reverse("accounts:register")
BAD_NAMES = {
    "": "required",
    "ab": "3 characters",
    "a" * 21: "at most 20 characters",
    "two words": "letters, digits and underscores",
    "dash-ed": "letters, digits and underscores",
    "someone@example.org": "letters, digits and underscores",
    "名前です": "letters, digits and underscores",
    "\uff46\uff55\uff4c\uff4c": "letters, digits and underscores",
    "trailing\n!": "letters, digits and underscores",
}


def application(**changes: str) -> dict[str, str]:
    """A form that is filled in rightly, but for `changes`."""
    filled = {"username": "newcomer", "email": "newcomer@example.org", "password1": PASSWORD, "password2": PASSWORD}
    return filled | changes


@pytest.mark.django_db
def test_the_first_account_is_the_administrator_and_the_second_is_not() -> None:
    Client().post(REGISTER, application())
    Client().post(REGISTER, application(username="second", email="second@example.org"))

    first, second = User.objects.order_by("pk")
    assert (first.is_superuser, first.is_staff, first.is_active) == (True, True, True)
    assert (second.is_superuser, second.is_staff, second.is_active) == (False, False, True)


def test_whoever_registers_is_signed_in_and_sees_their_pictures(client: Client, db: None) -> None:
    answer = client.post(REGISTER, application(), follow=True)

    assert answer.redirect_chain == [("/", 302)]
    assert answer.context["user"] == User.objects.get()
    assert "you are the administrator" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(("username", "complaint"), BAD_NAMES.items())
def test_a_user_name_outside_the_rules_is_refused(username: str, complaint: str, client: Client) -> None:
    answer = client.post(REGISTER, application(username=username))

    assert complaint in str(answer.context["form"].errors["username"])
    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("username", ["abc", "A_1", "a" * 20, "___"])
def test_a_user_name_inside_the_rules_is_taken(username: str, client: Client) -> None:
    client.post(REGISTER, application(username=username))

    assert User.objects.get().username == username


@pytest.mark.parametrize("username", ["ab", "two words", "名前です", "ünder", "a\n\n\n"])
def test_not_even_the_database_takes_a_user_name_outside_the_rules(username: str, db: None) -> None:
    with pytest.raises(ValidationError):
        User(username=username, email="a@example.org", password="!").full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user(username, "a@example.org")


@pytest.mark.parametrize("email", ["owner@example.org", "OWNER@example.org", "Owner@EXAMPLE.org"])
def test_an_e_mail_is_unique_whatever_its_case(email: str, owner: User, client: Client) -> None:
    form = client.post(REGISTER, application(email=email)).context["form"]

    assert "An account with this e-mail exists already." in str(form.errors)
    with pytest.raises(ValidationError, match="exists already"):
        User(username="newcomer", email=email, password="!").full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("newcomer", email)


def test_a_user_name_that_is_taken_is_refused(owner: User, client: Client) -> None:
    form = client.post(REGISTER, application(username="owner")).context["form"]

    assert form.errors == {"username": ["This user name is taken."]}


@pytest.mark.parametrize("email", ["", "nobody", "nobody@", "a@b@c.org", "a@example.org\nCc: b@example.org"])
def test_what_is_not_an_e_mail_is_refused(email: str, client: Client, db: None) -> None:
    form = client.post(REGISTER, application(email=email)).context["form"]

    assert list(form.errors) == ["email"]


@pytest.mark.parametrize("domain", ["é" * 63 + ".fr", "\u200d.com", "xn--\u00fc.com", "\u0627b.com"])
def test_a_domain_that_no_mail_can_be_sent_to_is_refused_at_the_form(
    domain: str, client: Client, owner_client: Client, owner: User
) -> None:
    sentence = ["No mail can be sent to this address: what stands behind the @ cannot be a domain."]
    changed = {"form": "email", "email": f"a@{domain}", "password": PASSWORD}

    assert client.post(REGISTER, application(email=f"a@{domain}")).context["form"].errors == {"email": sentence}
    assert sentence[0] in owner_client.post(reverse("accounts:change_email"), changed).content.decode()
    assert [user.email for user in User.objects.all()] == [owner.email]


@pytest.mark.parametrize("domain", ["münchen.example", "例子.公司", "ß.example"])
def test_a_domain_in_letters_of_any_language_is_taken(domain: str, client: Client, db: None) -> None:
    assert client.post(REGISTER, application(email=f"a@{domain}")).status_code == 302


@pytest.mark.parametrize(
    ("password1", "password2", "complaint"),
    [
        ("short7!", "short7!", "at least 8 characters"),
        ("password123", "password123", "too common"),
        ("newcomer1", "newcomer1", "too similar to the user name"),
        (PASSWORD, f"{PASSWORD}r", "password fields"),
        ("", "", "required"),
    ],
)
def test_a_weak_or_mistyped_password_is_refused(
    password1: str, password2: str, complaint: str, client: Client, db: None
) -> None:
    form = client.post(REGISTER, application(password1=password1, password2=password2)).context["form"]

    assert complaint in str(form.errors)
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "focused"),
    [({"username": "x"}, "username"), ({"email": "nobody"}, "email"), ({"password2": f"{PASSWORD}r"}, "password1")],
)
def test_the_form_comes_back_with_the_cursor_where_the_mistake_is(
    wrong: dict[str, str], focused: str, client: Client, db: None
) -> None:
    page = client.post(REGISTER, application(**wrong)).content.decode()

    assert [re.findall('name="([^"]+)"', field) for field in re.findall("<input[^>]* autofocus[^>]*>", page)] == [
        [focused]
    ]


@pytest.mark.parametrize("password", ["空白 と 日本語 の 合言葉", " leading and trailing ", "x7" * 64])
def test_a_password_is_kept_byte_for_byte(password: str, client: Client, db: None) -> None:
    client.post(REGISTER, application(password1=password, password2=password))

    assert User.objects.get().check_password(password)


def test_fields_that_the_form_does_not_have_are_ignored(owner: User, client: Client) -> None:
    client.post(REGISTER, application(is_staff="on", is_superuser="on", id=str(owner.pk)))

    newcomer = User.objects.get(username="newcomer")
    assert (newcomer.is_staff, newcomer.is_superuser) == (False, False)
    assert newcomer.pk != owner.pk


@pytest.mark.parametrize("verb", ["get", "post"])
def test_closed_registration_is_not_found(verb: str, client: Client, settings: Settings, db: None) -> None:
    settings.REGISTRATION_OPEN = False

    answer = getattr(client, verb)(REGISTER, application())

    assert answer.status_code == 404
    assert not User.objects.exists()
    assert REGISTER not in client.get(reverse("accounts:login")).content.decode()


def test_whoever_is_signed_in_is_sent_on(owner_client: Client) -> None:
    answer = owner_client.post(REGISTER, application())

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert User.objects.count() == 1


def test_the_service_makes_an_ordinary_account_where_there_is_one_already(db: None) -> None:
    UserFactory.create()

    assert not services.register(username="newcomer", email="n@example.org", password=PASSWORD).is_superuser
