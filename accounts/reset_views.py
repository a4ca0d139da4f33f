"""Pages for whoever forgot the password: ask for a mail, follow its link, choose a new password."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.translation import get_language
from django.views.decorators.cache import cache_control
from django.views.generic import FormView, TemplateView

from accounts import audit, budgets, devices, mails, resets
from accounts.addresses import network_of
from accounts.budgets import Budget, BudgetSpentError
from accounts.forms import NewPasswordForm, PasswordResetForm
from accounts.models import User, WaitingMail

View = Callable[..., HttpResponseBase]

# Of each address; how many a person gets is looked at where it is known whom a mail goes to (`accounts.letters`).
REQUESTS = Budget("reset-requests", burst=10, refill_seconds=360)
DIGEST = "password_reset"


def reset_page(view: View) -> View:
    """What all these pages have in common: no sign-in, no copy anywhere, no address told to others."""

    @login_not_required
    @cache_control(private=True, no_store=True)
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return wrapped


class AskView(FormView):
    """Ask for a mail. Nothing here looks at any account, so the answer tells nothing about one."""

    template_name = "accounts/password_reset.html"
    form_class = PasswordResetForm
    success_url = reverse_lazy("accounts:password_reset_sent")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().post(request, *args, **kwargs) if settings.MAIL_IS_ON else self.get(request)

    def form_valid(self, form: PasswordResetForm) -> HttpResponse:
        try:
            budgets.spend([REQUESTS.of(network_of(self.request))])
        except BudgetSpentError:
            audit.record("password_reset_ignored", request=self.request)
        else:
            audit.record("password_reset_asked", request=self.request)
            asked = form.cleaned_data["email"]
            mails.queue(WaitingMail.Kind.PASSWORD_RESET, address=asked, language=get_language() or "")
        return super().form_valid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(mail_is_on=settings.MAIL_IS_ON, **kwargs)


class SentView(TemplateView):
    template_name = "accounts/password_reset_sent.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(minutes=settings.PASSWORD_RESET_TIMEOUT // 60, **kwargs)


class DoneView(TemplateView):
    template_name = "accounts/password_reset_done.html"


class NewPasswordView(FormView):
    """Choose the new password; the session tells by which link, or, for a POST, the address may."""

    template_name = "accounts/password_reset_new.html"
    form_class = NewPasswordForm
    success_url = reverse_lazy("accounts:password_reset_done")
    person: User
    digest: str

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        token = kwargs.get("token")
        self.digest = resets.digest_of(token) if token else request.session.get(DIGEST, "")
        person = resets.person_behind(self.digest)
        if token and request.method in ("GET", "HEAD"):
            return self.move_into_session(request, is_good=person is not None)
        if person is None:
            return link_is_void(request)
        self.person = person
        return super().dispatch(request, *args, **kwargs)

    def move_into_session(self, request: HttpRequest, *, is_good: bool) -> HttpResponse:
        """Mail scanners come here, too: nothing is used up. The address with the token is left at once."""
        if is_good:
            request.session[DIGEST] = self.digest
        else:
            request.session.pop(DIGEST, None)
        return redirect("accounts:password_reset_new")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.person}

    def form_valid(self, form: NewPasswordForm) -> HttpResponse:
        try:
            user = resets.finish(self.digest, form.cleaned_data["new_password1"])
        except resets.LinkVoidError:
            return link_is_void(self.request)
        # Whoever was signed in here is so no more; the session's row may be gone already.
        self.request.session.flush()
        devices.remember(self.request, user)
        audit.record("password_reset", request=self.request, user=user)
        return super().form_valid(form)


def link_is_void(request: HttpRequest) -> HttpResponse:
    audit.record("password_reset_link_void", request=request)
    context = {"ask": reverse("accounts:password_reset"), "mail_is_on": settings.MAIL_IS_ON}
    return render(request, "accounts/password_reset_void.html", context, status=404)
