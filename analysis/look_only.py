"""Admin pages of rows that the application writes."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class LookOnlyMixin:
    """Rows to be looked at, searched and filtered, never added, edited or deleted by hand."""

    show_full_result_count = False  # a count of the whole table for every search

    @admin.display(description=_("picture"), ordering="image_id")
    def picture(self, row: Any) -> str:
        return str(row.image)

    @admin.display(description=_("owner"), ordering="user_id")
    def owner(self, row: Any) -> str:
        return str(row.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
