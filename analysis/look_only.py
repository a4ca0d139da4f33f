"""Admin pages of rows that the application writes."""

from typing import Any

from django.http import HttpRequest


class LookOnlyMixin:
    """Rows to be looked at, searched and filtered, never added, edited or deleted by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
