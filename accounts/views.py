"""Pages of people: register, sign in, sign out."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.generic import FormView

from accounts import audit, devices, guessing, services
from accounts.forms import RegistrationForm, SignInForm
from accounts.models import User


@method_decorator(login_not_required, name="dispatch")
class RegisterView(FormView):
    """Make an account and sign in at once; 404 where registration is closed."""

    template_name = "accounts/register.html"
    form_class = RegistrationForm
    success_url = reverse_lazy("images:home")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not settings.REGISTRATION_OPEN:
            raise Http404("registration is closed")
        if request.user.is_authenticated:
            return redirect(self.success_url)
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.POST.get("username") or request.POST.get("email"):  # what the answer may say something about
            guessing.count_registration(request)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: RegistrationForm) -> HttpResponse:
        data = form.cleaned_data
        try:
            user = services.register(username=data["username"], email=data["email"], password=data["password1"])
        except IntegrityError:  # somebody took the name since the form was checked: a second check says which
            form.full_clean()
            return self.form_invalid(form)
        login(self.request, user)
        devices.remember(self.request, user)
        audit.record("registered", request=self.request, user=user)
        if user.is_superuser:
            messages.info(self.request, _("You are the first person here, so you are the administrator."))
        return super().form_valid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(is_first_account=not User.objects.exists(), **kwargs)


class SignInView(LoginView):
    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_invalid(form)
        if form.has_error(NON_FIELD_ERRORS, code="busy"):
            answer.status_code = 503
            answer.headers["Retry-After"] = "3"
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(mail_is_on=settings.MAIL_IS_ON, **kwargs)
