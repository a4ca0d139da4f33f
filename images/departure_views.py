"""Deleting one's account, and the page after that."""

from django import forms
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts import administrators
from accounts.audit import record
from accounts.models import User
from accounts.profile_forms import OwnPasswordForm
from accounts.request import SignedInRequest
from images import departure


@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: SignedInRequest) -> HttpResponse:
    """Say what will go and ask for the password; with it, delete the account."""
    form = OwnPasswordForm(request.user, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            return _leave(request)
        except departure.LastAdministratorError:
            form.add_error(None, forms.ValidationError(administrators.LAST_ONE))
    shown = {"form": form, "belongings": departure.belongings_of(request.user)}
    return render(request, "accounts/profile_delete.html", shown)


def _leave(request: SignedInRequest) -> HttpResponse:
    user = User.objects.get(pk=request.user.pk)
    departure.leave(user)
    record("account_deleted", request=request, account=request.user.pk)
    logout(request)
    return redirect("images:goodbye")


@login_not_required
@require_safe
def goodbye(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/goodbye.html")
