"""Forms of people: registering, signing in, and coming back in after the password was forgotten."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm, SetPasswordForm, UsernameField
from django.utils.translation import gettext_lazy as _

from accounts import hashing
from accounts.guessing import SignInTry
from accounts.mistakes import FirstMistakeFocused
from accounts.models import User


class RegistrationForm(FirstMistakeFocused, BaseUserCreationForm):
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


class InvitationForm(forms.ModelForm):
    """An account that staff make: nobody knows a password of it until its owner has chosen one by a link."""

    class Meta:
        model = User
        fields = ("username", "email")

    def clean_email(self) -> str:
        return User.objects.normalize_email(self.cleaned_data["email"])

    def save(self, commit: bool = True) -> User:
        self.instance.set_unusable_password()
        user: User = super().save(commit)
        return user


class SignInForm(FirstMistakeFocused, AuthenticationForm):
    """User name or e-mail, and the password."""

    error_messages = {
        "invalid_login": _("User name, e-mail or password is wrong. Please try again."),
        "inactive": _("This account is switched off. Please ask an administrator."),
        "busy": _("Very many people are signing in at this moment. Please try again in a few seconds."),
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

    def clean(self) -> dict[str, Any]:
        """Raises TooManyTriesError, before the password is looked at."""
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if name is None or not password or self.request is None:
            return super().clean()
        try:
            with hashing.turn():
                return self._try(SignInTry(self.request, name))
        except hashing.BusyError as error:
            raise forms.ValidationError(self.error_messages["busy"], code="busy") from error

    def _try(self, attempt: SignInTry) -> dict[str, Any]:
        try:
            cleaned = super().clean()
        except forms.ValidationError:
            attempt.failed()
            raise
        attempt.succeeded(self.get_user())
        return cleaned


class PasswordResetForm(forms.Form):
    """Where the mail with the link is to go; nothing here looks whether anybody has that address."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )


class NewPasswordForm(FirstMistakeFocused, SetPasswordForm):
    """The new password, twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].widget.attrs["autofocus"] = True
