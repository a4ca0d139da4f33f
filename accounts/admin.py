"""The admin's pages about people: they make accounts and change what is known of one, but never set a password."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from accounts import administrators, sessions
from accounts.audited_admin import AuditedAdmin
from accounts.forms import InvitationForm, SignInForm
from accounts.models import PasswordResetToken, User
from accounts.reset_link_page import ResetLinkPage

PRIVILEGES = ("is_staff", "is_superuser", "groups", "user_permissions")


class StaffSignInForm(SignInForm, AdminAuthenticationForm):
    """The product's sign-in, by e-mail too, with the admin's check that the person is staff."""


def to_profile(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """Staff change their own password where everybody does."""
    return redirect("accounts:profile")


admin.site.login_form = StaffSignInForm
admin.site.password_change = to_profile  # type: ignore[method-assign,assignment]


class PersonForm(UserChangeForm):
    """Django's own, which leaves somebody who can let others in."""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        stays = all(self.cleaned_data.get(name, True) for name in ("is_active", "is_superuser"))
        if not stays and administrators.would_be_none_without([self.instance.pk]):
            raise ValidationError(administrators.LAST_ONE)
        return cleaned


@admin.register(User)
class UserAdmin(ResetLinkPage, AuditedAdmin, DjangoUserAdmin):
    """Django's own user pages without the names that this user does not have, and without anybody's password.

    Who is no superuser leaves staff alone and makes nobody staff: it would be a way to any permission.
    """

    form = PersonForm
    add_form = InvitationForm
    add_form_template = "admin/change_form.html"
    change_form_template = "admin/accounts/user/change_form.html"
    list_display = ("username", "email", "is_staff", "is_active", "date_joined", "last_login")
    list_filter = ("is_staff", "is_superuser", "is_active")
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("username", "email")
    readonly_fields = ("date_joined", "last_login")
    fieldsets = (
        (None, {"fields": ("username", "email")}),
        (
            _("Permissions"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets: Any = (
        (
            None,
            {
                "fields": ("username", "email"),
                "description": _("Save, and then make a one-time link with which this person chooses a password."),
            },
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        return [url for url in super().get_urls() if url.name != "auth_user_password_change"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        privileges = () if request.user.is_superuser else PRIVILEGES
        return (*super().get_readonly_fields(request, obj), *privileges)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._is_below(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._is_below(request, obj)

    def _is_below(self, request: HttpRequest, obj: User | None) -> bool:
        return obj is None or request.user.is_superuser or not (obj.is_staff or obj.is_superuser)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The people themselves; whoever may delete a person may delete what is theirs.

        Django would list every row of every table that belongs to them.
        """
        people = list(objs)
        lacking = {self.opts.verbose_name} if any(not self._is_below(request, user) for user in people) else set()
        is_last = administrators.would_be_none_without([user.pk for user in people])
        protected = [str(administrators.LAST_ONE)] if is_last else []
        return people, {self.opts.verbose_name_plural: len(people)}, lacking, protected

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """One by one, as each person would leave by themselves."""
        for user in queryset:
            user.delete()

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Whoever is switched off is signed out for good: being switched on again brings no session back."""
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            sessions.end(obj)


@admin.register(PasswordResetToken)
class PasswordResetTokenAdmin(AuditedAdmin):
    """For looking only: a token made here would let nobody in."""

    list_display = ("user", "created_at", "used")
    list_filter = ("used",)
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("user__username", "user__email")
    list_select_related = ("user",)
    exclude = ("token",)

    def has_add_permission(self, request: object) -> bool:
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False
