"""Admin pages whose every use is written down: which row staff opened, added, changed or deleted."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts import audit


class AuditedAdmin(admin.ModelAdmin):
    """Tells the audit trail what the admin tells its own history, and who looked at whose row besides."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None and request.method == "GET" and not hasattr(request, "opened_row"):
            request.opened_row = found.pk  # type: ignore[attr-defined]
            self._record("admin_opened", request, found, path=request.path)
        return found

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record("admin_added", request, obj, said=message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record("admin_changed", request, obj, said=message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet) -> Any:
        for row in queryset:
            self._record("admin_deleted", request, row)
        return super().log_deletions(request, queryset)

    def _record(self, event: str, request: HttpRequest, row: Model, **facts: Any) -> None:
        owner = getattr(row, "user_id", None)
        about = {"owner": owner} if owner is not None else {}
        audit.record(event, request=request, table=self.opts.db_table, row=row.pk, title=str(row), **about, **facts)
