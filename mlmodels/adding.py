"""The admin's pages with which staff add models: a checkpoint of their own, a list of labels for CLIP, and one of the
catalogue that was deleted."""

import logging
from functools import cache
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminErrorList, AdminForm
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from accounts.models import User
from mlmodels import catalogue_rows, custom_models, exam_wording, uploads
from mlmodels.checkpoint_form import CheckpointForm
from mlmodels.forms import AddForm, LabelListForm
from mlmodels.inference.architectures import ARCHITECTURES
from mlmodels.inference.errors import UnknownModelError
from mlmodels.models import MLModel

ADD, ADD_LABEL_LIST = "mlmodels_mlmodel_add", "mlmodels_mlmodel_add_label_list"
BRING_BACK = "mlmodels_mlmodel_bring_back"

WHO = (_("Confirm that it is you"), {"fields": ("password",)})
FIELDSETS: dict[type[AddForm], list[Any]] = {
    CheckpointForm: [
        (None, {"fields": ("version", "description")}),
        (_("The network"), {"fields": ("checkpoint", "architecture")}),
        (_("What its outputs stand for"), {"fields": ("labels", "label_file")}),
        (
            _("What is done to a picture first"),
            {
                "fields": (("resize_px", "crop_px"), ("mean", "std"), "interpolation"),
                "description": _("What you leave empty is as the architecture's library has it."),
            },
        ),
        WHO,
    ],
    LabelListForm: [
        (None, {"fields": ("version", "description")}),
        (_("What it looks for"), {"fields": ("labels", "label_file")}),
        WHO,
    ],
}

logger = logging.getLogger(__name__)


class AddingPages(admin.ModelAdmin):
    """Adds models by forms of its own in place of the admin's.

    Checking and storing gigabytes takes long, and the admin's own add page would hold the database all the while.
    """

    def get_urls(self) -> list[URLPattern]:
        others = [url for url in super().get_urls() if url.name != ADD]
        return [
            path("add/", self._guarded(self.add_checkpoint_view), name=ADD),
            path("add/labels/", self._guarded(self.add_label_list_view), name=ADD_LABEL_LIST),
            path("add/back/", self.admin_site.admin_view(require_POST(self.bring_back_view)), name=BRING_BACK),
            *others,
        ]

    def _guarded(self, view: Any) -> Any:
        return uploads.guarded(
            self.admin_site.admin_view(view),
            may_upload=lambda request: self.admin_site.has_permission(request) and self.has_add_permission(request),
            turn_away=self._turn_away,
            refuse=self._refuse_unread,
        )

    def _turn_away(self, request: HttpRequest) -> HttpResponse:
        """As the admin's own views do; those look at the form's token first, for which they read all that is sent."""
        if self.admin_site.has_permission(request):
            raise PermissionDenied
        return redirect_to_login(request.get_full_path(), reverse("admin:login", current_app=self.admin_site.name))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        deleted = catalogue_rows.deleted() if self.has_add_permission(request) else []
        return super().changelist_view(request, {"deleted_models": deleted, **(extra_context or {})})

    def bring_back_view(self, request: HttpRequest) -> HttpResponse:
        """Add the model of the catalogue that `key` names, whose row was deleted."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        try:
            model = catalogue_rows.bring_back(request.POST.get("key", ""))
        except UnknownModelError as error:
            raise Http404 from error
        self.log_addition(request, model, "Brought back from the catalogue.")
        messages.success(request, gettext("“%(model)s” is back, as it was at first.") % {"model": model})
        return redirect(reverse("admin:mlmodels_mlmodel_change", args=[model.pk]))

    def add_checkpoint_view(self, request: HttpRequest) -> HttpResponse:
        return self._add_view(request, CheckpointForm)

    def add_label_list_view(self, request: HttpRequest) -> HttpResponse:
        return self._add_view(request, LabelListForm)

    def _add_view(self, request: HttpRequest, kind: type[AddForm]) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        sent = (request.POST, request.FILES) if request.method == "POST" else ()
        form = kind(*sent, user=cast("User", request.user))
        if form.is_bound and form.is_valid() and (model := saved(form)):
            return self._added(request, model)
        return self._page(request, form)

    def _added(self, request: HttpRequest, model: MLModel) -> HttpResponse:
        self.log_addition(request, model, custom_models.trace_of(model))
        messages.success(request, gettext("“%(model)s” was added. Its exam comes next.") % {"model": model})
        address = reverse("admin:mlmodels_mlmodel_change", args=[model.pk])
        return HttpResponseClientRedirect(address) if request.headers.get("HX-Request") else redirect(address)

    def _refuse_unread(self, request: HttpRequest, code: str) -> HttpResponse:
        form = CheckpointForm(user=cast("User", request.user))
        return self._page(request, form, refusal=exam_wording.sentence(code, uploads.limits()), status=413)

    def _page(self, request: HttpRequest, form: AddForm, *, refusal: str = "", status: int = 200) -> HttpResponse:
        page = AdminForm(cast("Any", form), FIELDSETS[type(form)], {}, model_admin=self)
        is_checkpoint = isinstance(form, CheckpointForm)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Add a custom model") if is_checkpoint else gettext("Add a CLIP label list"),
            "opts": self.opts,
            "adminform": page,
            "errors": AdminErrorList(cast("Any", form), []),
            "refusal": refusal,
            "architectures": architecture_choices() if is_checkpoint else "",
            "is_checkpoint": is_checkpoint,
            "media": self.media + page.media,
        }
        return TemplateResponse(request, "admin/mlmodels/mlmodel/add.html", context, status=status)


def saved(form: AddForm) -> MLModel | None:
    """The model of a valid form, or None with the form saying why not."""
    try:
        return form.save()
    except IntegrityError:
        form.add_error("version", form.taken())
    except OSError:
        logger.exception("a checkpoint could not be stored")
        form.add_error("checkpoint", exam_wording.sentence("not_stored", {}))
    return None


@cache
def architecture_choices() -> str:
    """The list that the form's field proposes from, the same for everybody: a thousand lines, a quarter second."""
    return render_to_string("admin/mlmodels/mlmodel/architectures.html", {"architectures": ARCHITECTURES.values()})
