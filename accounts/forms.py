"""Forms of people: registering and signing in."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm, UsernameField
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class RegistrationForm(BaseUserCreationForm):
    """A new account: user name, e-mail and the password twice."""

    class Meta:
        model = User
        fields = ("username", "email")
        widgets = {
            "username": forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
            "email": forms.EmailInput(attrs={"autocomplete": "email"}),
        }

    def clean_email(self) -> str:
        return User.objects.normalize_email(self.cleaned_data["email"])


class SignInForm(AuthenticationForm):
    """User name or e-mail, and the password."""

    error_messages = {
        "invalid_login": _("User name, e-mail or password is wrong. Please try again."),
        "inactive": _("This account is switched off. Please ask an administrator."),
    }

    # An e-mail may be longer than the user name's column, whose length Django would put on the field.
    username = UsernameField(
        label=_("User name or e-mail"),
        max_length=254,
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "username"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs["maxlength"] = 254
