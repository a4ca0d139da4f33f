from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.forms import RegistrationForm, SignInForm
from accounts.models import PasswordResetToken, User


class StaffSignInForm(SignInForm, AdminAuthenticationForm):
    """The product's sign-in, by e-mail too, with the admin's check that the person is staff."""


admin.site.login_form = StaffSignInForm


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Django's own user pages without the names that this user does not have."""

    add_form = RegistrationForm
    list_display = ("username", "email", "is_staff", "is_active", "date_joined", "last_login")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("username", "email")
    readonly_fields = ("date_joined", "last_login")
    fieldsets = (
        (None, {"fields": ("username", "email", "password")}),
        (
            _("Permissions"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("username", "email", "password1", "password2")}),)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Whoever may delete a person may delete what is theirs, though some of it is not to be deleted by itself."""
        to_delete, counts, _permissions_needed, protected = super().get_deleted_objects(objs, request)
        return to_delete, counts, set(), protected


@admin.register(PasswordResetToken)
class PasswordResetTokenAdmin(admin.ModelAdmin):
    """For looking only: a token made here would let nobody in."""

    list_display = ("user", "created_at", "used")
    list_filter = ("used",)
    search_fields = ("user__username", "user__email")
    list_select_related = ("user",)
    exclude = ("token",)

    def has_add_permission(self, request: object) -> bool:
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False
