"""Admin pages of rows that the application writes, made for tables with very many of them."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from mlmodels.models import MLModel

# Nobody turns so many pages: whoever looks for an older row searches or filters.
COUNTED_AT_MOST = 10_000
# Of a search, the newest. Who finds so many has not asked for one.
FOUND_AT_MOST = 500


class BoundedPaginator(Paginator):
    """Counts so many rows and no more; what stands behind them is reached by a search or a filter."""

    @cached_property
    def count(self) -> int:
        return cast("QuerySet", self.object_list).order_by().values("pk")[: COUNTED_AT_MOST + 1].count()

    @property
    def is_bounded(self) -> bool:
        return self.count > COUNTED_AT_MOST


class ModelFilter(admin.SimpleListFilter):
    """Filters rows that name their model as `name:version` by the models that there are; one query of a small table."""

    title = _("model")
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(model.key, str(model)) for model in MLModel.objects.order_by("name", "version")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(**self.of(self.value())) if self.value() else queryset

    def of(self, key: str | None) -> dict[str, str | None]:
        """The conditions that rows of this model meet."""
        return {"model_name": key}


class ManyRowsAdmin(admin.ModelAdmin):
    """Lists whose cost does not grow with the table: nothing is counted or sorted whole, and a search looks through the
    pictures' names once, the newest first."""

    paginator = BoundedPaginator
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    search_fields = ("filename",)  # only says that there is a search
    search_help_text = _("A part of a file name, or of a person's name.")
    picture_field = "image_id"

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        if not search_term.strip():
            return queryset, False
        found = pictures_of(self._pictures(), search_term.strip())
        if len(found) == FOUND_AT_MOST:
            messages.info(request, gettext("These are the newest %(count)d.") % {"count": FOUND_AT_MOST})
        return queryset.filter(**{f"{self.picture_field}__in": found}), False

    def _pictures(self) -> QuerySet:
        field: Any = self.model._meta.get_field("image")
        return field.related_model._default_manager.all()


def pictures_of(pictures: QuerySet, name: str) -> list[int]:
    """The newest pictures that are called so or belong to somebody who is; two statements."""
    people = list(User.objects.filter(username__icontains=name).values_list("pk", flat=True)[:FOUND_AT_MOST])
    found = pictures.filter(Q(filename__icontains=name) | Q(user_id__in=people)).order_by("-pk")
    return list(found.values_list("pk", flat=True)[:FOUND_AT_MOST])


class LookOnlyAdmin(ManyRowsAdmin):
    """Rows to be looked at, searched and filtered, never added, edited or deleted by hand."""

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Without those of pictures that their owners have deleted."""
        return super().get_queryset(request).filter(image__deletion=None)

    @admin.display(description=_("picture"), ordering="image_id")
    def picture(self, row: Any) -> str:
        return str(row.image)

    @admin.display(description=_("owner"), ordering="user_id")
    def owner(self, row: Any) -> str:
        return str(row.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
