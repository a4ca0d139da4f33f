"""The models for staff: which are offered, whether their weights are here, how their exams went."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Exists, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.audited_admin import AuditedAdmin
from accounts.models import User
from mlmodels import added_pages, default_model, exam_pages, exams, weights_pages
from mlmodels.adding import AddingPages
from mlmodels.condition_pages import ConditionPages
from mlmodels.models import DefaultModel, MLModel


class ChangeForm(forms.ModelForm):
    """What can be changed of a model: what users read, and whether they are offered it."""

    def clean_is_active(self) -> bool:
        is_active: bool = self.cleaned_data["is_active"]
        if is_active and not self.instance.may_be_offered:
            raise ValidationError(not_passed())
        return is_active


def not_passed() -> str:
    return gettext("This model has not passed its exam. It can be offered to users once it has.")


def _added_context(model: MLModel) -> dict[str, Any]:
    return {"added": model.added, "added_rows": added_pages.rows(model.added)} if model.is_added else {}


@admin.register(MLModel)
class MLModelAdmin(ConditionPages, AddingPages, AuditedAdmin):
    """Models, with actions that have a worker fetch weights and take exams."""

    form = ChangeForm
    change_form_template = "admin/mlmodels/mlmodel/change.html"
    change_list_template = "admin/mlmodels/mlmodel/list.html"
    list_display = ("name_and_version", "is_active", "is_default", "weights", "exam_state", "updated_at")
    list_filter = ("name", "is_active")
    search_fields = ("name", "version", "description")
    actions = ("fetch_weights", "take_exams", "offer", "stop_offering", "make_default")
    show_facets = admin.ShowFacets.NEVER
    fields = ("name", "version", "description", "is_active")
    readonly_fields = ("name", "version")

    def get_queryset(self, request: HttpRequest) -> QuerySet[MLModel]:
        return MLModel.objects.with_condition().annotate(someone_chose=Exists(DefaultModel.objects.all()))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        model = self.get_object(request, object_id)
        more: dict[str, Any] = {"show_save_and_add_another": False}
        if model:
            more |= self.condition_of(request, model) | _added_context(model)
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    @admin.display(description=_("model"))
    def name_and_version(self, model: MLModel) -> str:
        return model.key

    @admin.display(description=_("default"), boolean=True)
    def is_default(self, model: MLModel) -> bool:
        if model.someone_chose:  # type: ignore[attr-defined]  # annotated above
            return hasattr(model, "chosen_as_default")
        return model.key == settings.DEFAULT_MODEL

    @admin.display(description=_("weights"))
    def weights(self, model: MLModel) -> str:
        """Here, on their way, or what to do."""
        return weights_pages.in_a_word(model)

    @admin.display(description=_("exam"))
    def exam_state(self, model: MLModel) -> str:
        """How far it is, how it ended, or whether one is needed. The list would read an `exam` from the row."""
        return exam_pages.in_a_word(model)

    @admin.action(description=_("Fetch the weights"), permissions=["change"])
    def fetch_weights(self, request: HttpRequest, queryset: QuerySet[MLModel]) -> None:
        missing = {model.weights_key for model in queryset if model.weights_key and not model.has_weights}
        if asked := self.have_fetched(request, missing):
            done = ngettext("%(count)d model is being fetched.", "%(count)d models are being fetched.", asked)
            messages.info(request, done % {"count": asked})

    @admin.action(description=_("Take the exam"), permissions=["change"])
    def take_exams(self, request: HttpRequest, queryset: QuerySet[MLModel]) -> None:
        count = sum([exams.request(model) for model in queryset])
        done = ngettext("%(count)d model takes its exam.", "%(count)d models take their exams.", count)
        messages.info(request, done % {"count": count})

    @admin.action(description=_("Offer to users"), permissions=["change"])
    def offer(self, request: HttpRequest, queryset: QuerySet[MLModel]) -> None:
        refused = [model for model in queryset if not model.may_be_offered]
        self._switch(request, queryset.exclude(pk__in=[model.pk for model in refused]), is_active=True)
        for model in refused:
            messages.error(request, f"{model}: {not_passed()}")

    @admin.action(description=_("Stop offering to users"), permissions=["change"])
    def stop_offering(self, request: HttpRequest, queryset: QuerySet[MLModel]) -> None:
        self._switch(request, queryset, is_active=False)

    @admin.action(description=_("Make the default"), permissions=["change"])
    def make_default(self, request: HttpRequest, queryset: QuerySet[MLModel]) -> None:
        """The model that runs when nobody names one; it has to be one that everybody may choose now."""
        chosen = list(queryset)
        if len(chosen) != 1 or not (chosen[0].is_active and chosen[0].is_ready):
            messages.error(request, gettext("Choose one model that is offered to users and ready."))
            return
        (model,) = chosen
        default_model.choose(model, by=cast("User", request.user))
        audit.record("model_made_default", request=request, model=model)
        self.log_change(request, model, "Made the default model.")
        messages.success(request, gettext("%(model)s runs when nobody names a model.") % {"model": model})

    def _switch(self, request: HttpRequest, models: Iterable[MLModel], *, is_active: bool) -> None:
        for model in models:
            model.is_active = is_active
            model.save(update_fields=["is_active", "updated_at"])
            audit.record("model_offered" if is_active else "model_withdrawn", request=request, model=model)
