"""The models for staff: which are offered, whether their weights are here, and fetching those that are not."""

from celery import current_app
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError

from mlmodels import tasks
from mlmodels.models import MLModel


@admin.register(MLModel)
class MLModelAdmin(admin.ModelAdmin):
    """Models, with an action that has a worker fetch weights."""

    list_display = ("key", "is_active", "weights", "updated_at")
    list_filter = ("name", "is_active")
    search_fields = ("name", "version", "description")
    actions = ("fetch_weights",)

    @admin.display(description=_("weights"))
    def weights(self, model: MLModel) -> str:
        """Here, on their way, or what to do."""
        if model.is_ready:
            return gettext("ready")
        progress = tasks.progress_of(model.key)
        if progress is None:
            return gettext("missing: python manage.py fetch_weights %(key)s") % {"key": model.key}
        if progress["state"] == "fetching" and progress["total_bytes"]:
            share = 100 * progress["done_bytes"] // progress["total_bytes"]
            return gettext("fetching: %(percent)d %%") % {"percent": share}
        return progress["sentence"] or gettext("fetching")

    @admin.action(description=_("Fetch the weights"), permissions=["change"])
    def fetch_weights(self, request: HttpRequest, queryset: QuerySet[MLModel]) -> None:
        missing = [model for model in queryset if not model.is_ready]
        try:
            for model in missing:
                current_app.send_task(tasks.FETCH_WEIGHTS, [model.key])
        except OperationalError:
            messages.error(request, gettext("The broker does not answer. Is the worker running?"))
            return
        done = ngettext("%(count)d model is being fetched.", "%(count)d models are being fetched.", len(missing))
        messages.info(request, done % {"count": len(missing)})
