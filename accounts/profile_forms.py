"""Forms of the profile; each asks for the password, which cannot be guessed here any faster than at the sign-in."""

from typing import Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm as DjangoPasswordChangeForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import budgets
from accounts.budgets import Budget, BudgetSpentError
from accounts.mail_domains import validate_mail_domain
from accounts.mistakes import FirstMistakeFocused
from accounts.models import User

TRIES = Budget("own_password", burst=10, refill_seconds=360)
WRONG = _("This is not your password. Please try again.")
TOO_MANY = _("Too many wrong passwords. Please wait some minutes and try again.")


def check_own_password(user: User, password: str) -> None:
    """Raises ValidationError when it is not this person's, or when too many others were tried; right ones are free."""
    try:
        paid = budgets.spend([TRIES.of(user.pk)])
    except BudgetSpentError as error:
        raise ValidationError(TOO_MANY, code="too_many") from error
    if not user.check_password(password):
        raise ValidationError(WRONG, code="wrong_password")
    budgets.undo(paid)


class OwnPasswordForm(FirstMistakeFocused, forms.Form):
    """Asks whether it is really the person who has signed in."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def clean_password(self) -> str:
        password = self.cleaned_data["password"]
        check_own_password(self.user, password)
        return password


class EmailForm(OwnPasswordForm):
    """Another e-mail address for the person's account."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        validators=[validate_mail_domain],
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    field_order = ("email", "password")

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, initial={"email": user.email}, auto_id="email_%s", **kwargs)

    def clean_email(self) -> str:
        email = User.objects.normalize_email(self.cleaned_data["email"])
        if User.objects.filter(email__iexact=email).exclude(pk=self.user.pk).exists():
            raise ValidationError(_("An account with this e-mail exists already."), code="unique")
        return email


class PasswordChangeForm(FirstMistakeFocused, DjangoPasswordChangeForm):
    """Another password: the old one once, the new one twice."""

    user: User

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, auto_id="password_%s", **kwargs)
        del self.fields["old_password"].widget.attrs["autofocus"]

    def clean_old_password(self) -> str:
        password = self.cleaned_data["old_password"]
        check_own_password(self.user, password)
        return password
