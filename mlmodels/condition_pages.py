"""The part of a model's page in the admin that changes by itself: its weights and its exam, with a button for each."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.views.decorators.http import conditional_page, require_POST, require_safe
from kombu.exceptions import OperationalError

from mlmodels import exam_pages, exams, fetches, weights_pages
from mlmodels.models import MLModel

POLL_MS = 1000


class ConditionPages(admin.ModelAdmin):
    """Shows the condition of a model, and has a worker fetch its weights or take its exam."""

    def get_urls(self) -> list[URLPattern]:
        views = {
            "condition": conditional_page(require_safe(self.condition_view)),
            "weights": require_POST(self.weights_view),
            "exam": require_POST(self.exam_view),
        }
        return [
            path(f"<int:object_id>/{name}/", self.admin_site.admin_view(view), name=f"mlmodels_mlmodel_{name}")
            for name, view in views.items()
        ] + super().get_urls()

    def condition_of(self, request: HttpRequest, model: MLModel) -> dict[str, Any]:
        """What the fragment `_condition.html` shows."""
        weights, exam = weights_pages.of(model), exam_pages.context(model)
        return {
            **exam,
            "weights": weights,
            "poll_ms": POLL_MS if weights.is_under_way or exam["exam_is_under_way"] else None,
            "may_change": self.has_change_permission(request, model),
        }

    def condition_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The fragment that the model's page polls while something of it goes on."""
        model = get_object_or_404(self.get_queryset(request), pk=object_id)
        if not self.has_view_or_change_permission(request, model):
            raise PermissionDenied
        return render(request, "admin/mlmodels/mlmodel/_condition.html", self.condition_of(request, model))

    def weights_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Have a worker fetch the weights."""
        model = self._to_change(request, object_id)
        self.have_fetched(request, {model.weights_key} - {""})
        return redirect(reverse("admin:mlmodels_mlmodel_change", args=[model.pk]))

    def exam_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Have a worker take the exam."""
        model = self._to_change(request, object_id)
        if not exams.request(model):
            messages.info(request, gettext("The exam is being taken already."))
        return redirect(reverse("admin:mlmodels_mlmodel_change", args=[model.pk]))

    def have_fetched(self, request: HttpRequest, keys: set[str]) -> int:
        """Ask workers for these weights, saying what is in the way; for how many they were asked."""
        try:
            asked = sum([fetches.request(key) for key in sorted(keys)])
        except OperationalError:
            messages.error(request, gettext("The broker does not answer. Is the worker running?"))
            return 0
        if asked < len(keys):
            messages.info(request, gettext("They are being fetched already."))
        return asked

    def _to_change(self, request: HttpRequest, object_id: int) -> MLModel:
        model: MLModel = get_object_or_404(self.get_queryset(request), pk=object_id)
        if not self.has_change_permission(request, model):
            raise PermissionDenied
        return model
