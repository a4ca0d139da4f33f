"""The profile: who one is, how one signs in, and where one is signed in."""

from typing import Any

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import preferences, profile, sessions, user_agents
from accounts.audit import record
from accounts.models import Preferences, Session
from accounts.profile_forms import EmailForm, PasswordChangeForm
from accounts.request import SignedInRequest

PAGE = "accounts:profile"
form_views = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def show(request: SignedInRequest) -> HttpResponse:
    return _page(request)


def _page(
    request: SignedInRequest, *, email_form: EmailForm | None = None, password_form: PasswordChangeForm | None = None
) -> HttpResponse:
    chosen = preferences.chosen_by(request.user)
    shown = {
        "email_form": email_form or EmailForm(request.user),
        "password_form": password_form or PasswordChangeForm(request.user),
        "sessions": [_shown(session, request) for session in sessions.of(request.user)],
        "chosen_language": chosen.language,
        "chosen_theme": chosen.theme or Preferences.Theme.AUTO,
    }
    return render(request, "accounts/profile.html", shown)


def _shown(session: Session, request: SignedInRequest) -> dict[str, Any]:
    return {
        "key": session.pk,
        "name": user_agents.in_words(session.user_agent),
        "is_handheld": user_agents.is_handheld(session.user_agent),
        "started_at": session.started_at,
        "last_seen_at": session.last_seen_at,
        "is_this": session.pk == sessions.digest(request.session.session_key or ""),
    }


@form_views
def change_email(request: SignedInRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect(PAGE)
    form = EmailForm(request.user, request.POST)
    if not form.is_valid():
        return _page(request, email_form=form)
    try:
        profile.change_email(request, form.cleaned_data["email"])
    except IntegrityError:  # somebody took it since the form was checked: a second check says so
        request.user.refresh_from_db(fields=["email"])
        form.full_clean()
        return _page(request, email_form=form)
    messages.success(request, _("Your e-mail address was changed."))
    return redirect(PAGE)


@form_views
def change_password(request: SignedInRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect(PAGE)
    form = PasswordChangeForm(request.user, request.POST)
    if not form.is_valid():
        return _page(request, password_form=form)
    profile.change_password(request, form.cleaned_data["new_password1"])
    messages.success(request, _("Your password was changed. All other browsers have to sign in again."))
    return redirect(PAGE)


@require_POST
def end_session(request: SignedInRequest) -> HttpResponse:
    """End the one session of the person's own whose digest is `session`."""
    ended = sessions.end(request.user, only=request.POST.get("session", "").replace("\0", ""))
    if ended:
        record("sign_in_ended", request=request, count=ended)
        messages.success(request, _("That browser was signed out."))
    return redirect(PAGE)


@require_POST
def end_other_sessions(request: SignedInRequest) -> HttpResponse:
    ended = sessions.end(request.user, but=request.session.session_key)
    record("sign_in_ended", request=request, count=ended)
    sentence = ngettext("%(count)d other browser was signed out.", "%(count)d other browsers were signed out.", ended)
    messages.success(request, sentence % {"count": ended})
    return redirect(PAGE)
